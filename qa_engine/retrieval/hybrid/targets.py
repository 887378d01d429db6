"""The collections that are searched, each in one state and one scope, and several of them as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
from llama_index.core.schema import NodeWithScore

from qa_engine.documents.sentences.node_ids import split_node_id
from qa_engine.index.catalog import Catalog
from qa_engine.index.reader import IndexSnapshot
from qa_engine.index.records import FileRecord, StoredSentence
from qa_engine.index.vectors.token_store import StoredTokens
from qa_engine.retrieval.filters.resolution import Scope

Value = TypeVar("Value")


@dataclass(frozen=True)
class SearchTarget:
    """A collection to search.

    Attributes:
        snapshot: the state to search.
        scope: the part of the state to search; None for all of it.
        collection: name of the collection; empty if passages need not name it.
        catalog: its catalog; without it, passages have no tables, no places, and no metadata of their file.
    """

    snapshot: IndexSnapshot
    scope: Scope | None = None
    collection: str = ""
    catalog: Catalog | None = None

    def holds(self, document_id: str) -> bool:
        """Whether a document is in the part that is searched."""
        return self.scope is None or document_id in self.scope.conditions

    def file_of(self, document_id: str, files: Sequence[FileRecord]) -> FileRecord:
        """The file that a document is shown as, of those with its content: the one that the scope admits, or the first."""
        admitted = self.scope.files.get(document_id) if self.scope is not None else None
        return next((file for file in files if file.path == admitted), files[0])


class JoinedSentences:
    """The sentences of several collections; where two have the same document, the first of them counts."""

    def __init__(self, targets: Sequence[SearchTarget]) -> None:
        self._sources = [(target, target.snapshot.store.stored_sentences) for target in targets]

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """The sentences with these ids, by id, without those that do not exist."""
        return _look_up(ids, self._sources)


class JoinedTokens:
    """The token vectors of several collections, all with the same codec."""

    def __init__(self, sources: Sequence[tuple[SearchTarget, StoredTokens]]) -> None:
        self.codec = sources[0][1].codec
        self._sources = [(target, tokens.get) for target, tokens in sources]

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of sentences, by id, without sentences that have none."""
        return _look_up(node_ids, self._sources)

    def close(self) -> None:
        """Nothing: the collections close their own."""


def best_of(lists: Iterable[Iterable[NodeWithScore]], count: int) -> list[NodeWithScore]:
    """The best ``count`` nodes of several lists, best first; of equal scores, those that come first."""
    return sorted(chain.from_iterable(lists), key=lambda hit: -(hit.score or 0.0))[:count]


def joined_tokens(targets: Sequence[SearchTarget]) -> StoredTokens | None:
    """The stored token vectors of the collections; None unless all of them have some, with the same codec."""
    sources = [(target, target.snapshot.tokens) for target in targets if target.snapshot.tokens is not None]
    if len(sources) < len(targets):
        return None
    first = sources[0][1]
    if len(sources) == 1:
        return first
    alike = all(
        tokens.codec.bits == first.codec.bits
        and np.allclose(tokens.codec.centre, first.codec.centre, atol=1e-4)
        for _, tokens in sources
    )
    return JoinedTokens(sources) if alike else None


def _look_up(
    ids: Sequence[str], sources: Iterable[tuple[SearchTarget, Callable[[Sequence[str]], dict[str, Value]]]]
) -> dict[str, Value]:
    """The stored values of sentences, each from the first collection whose scope admits its document."""
    values: dict[str, Value] = {}
    for target, get in sources:
        values |= get([name for name in ids if name not in values and target.holds(split_node_id(name)[0])])
    return values
