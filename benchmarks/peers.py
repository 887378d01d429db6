"""The other frameworks by name: which packages each needs, and how it is built.

A peer is what a user of the framework's tutorial has: its stock settings for the text, our embedding model through its
interface, the same page texts, top 10. Its module is imported when it is built, so that a framework that is not
installed is only missed by who asks for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import typer
from llama_index.core.base.embeddings.base import BaseEmbedding
from page_texts import Page, page_texts
from pipelines import Found, Pipeline

from qa_engine.evaluation.metrics.ranking import TOP_K

RETRIEVER_TOP_K = 2 * TOP_K
"""Candidates of each retriever before fusion, where the framework leaves that to its user."""
TELEMETRY_OFF = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
}
INSTALL = "pip install -e '.[bench]'"

# Here and not in the modules of the peers: Haystack reads it at its import, whoever imports it first.
os.environ.update(TELEMETRY_OFF)


@dataclass(frozen=True)
class Built:
    """What a peer's module returns: its search, and the number of pieces it searches."""

    find: Callable[[str], list[Found]]
    nodes: int

    def retrieve(self, question: str) -> list[str]:
        """The texts of what it finds."""
        return [found.text for found in self.find(question)]


@dataclass(frozen=True)
class Peer:
    """Where a peer is built, and the modules that must be installed for it."""

    module: str
    builder: str
    needs: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Those of the modules that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


PEERS: Mapping[str, Peer] = {
    "llamaindex-hybrid": Peer("peers_llamaindex", "hybrid"),
    "llamaindex-window": Peer("peers_llamaindex", "window"),
    "llamaindex-starter": Peer("peers_llamaindex", "starter"),
    "langchain-hybrid": Peer(
        "peers_langchain",
        "hybrid",
        ("langchain_classic", "langchain_community", "langchain_text_splitters", "rank_bm25"),
    ),
    "haystack-hybrid": Peer("peers_haystack", "hybrid", ("haystack",)),
    "txtai-hybrid": Peer("peers_txtai", "hybrid", ("txtai",)),
}


def chosen_peers(names: str | None) -> tuple[list[str], list[str]]:
    """The peers to build, and those that are left out because they are not installed.

    Args:
        names: with commas between, empty for none; None means all that are installed.

    Raises:
        typer.BadParameter: an unknown name, or one that is not installed.
    """
    if names is None:
        absent = [name for name, peer in PEERS.items() if peer.missing()]
        return [name for name in PEERS if name not in absent], absent
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in PEERS]:
        raise typer.BadParameter(f"{', '.join(unknown)}: known peers are {', '.join(PEERS)}")
    for name in chosen:
        if missing := PEERS[name].missing():
            raise typer.BadParameter(
                f"{name} needs {', '.join(missing)}, which {_is(missing)} not installed: {INSTALL}"
            )
    return chosen, []


def build_peer(name: str, files: Sequence[Path], embedding: BaseEmbedding, top_k: int = TOP_K) -> Pipeline:
    """Build one of `PEERS` from the PDFs, to return ``top_k`` passages.

    Raises:
        ValueError: there is no such peer.
    """
    if name not in PEERS:
        raise ValueError(f"{name} is not a peer; known here: {', '.join(PEERS)}")
    peer = PEERS[name]
    # The import is the price of a process, not of an index.
    builder: Callable[[Sequence[Page], BaseEmbedding, int], Built] = getattr(
        import_module(peer.module), peer.builder
    )
    started = time.perf_counter()
    built = builder(page_texts(files), embedding, top_k)
    return Pipeline(name, built.retrieve, built.nodes, time.perf_counter() - started, built.find)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
