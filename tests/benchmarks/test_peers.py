"""The other frameworks: each answers from real pages, with our embedding model and without a network."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import peers as registry
import pytest
import typer
from corpus import build_corpus, render_pdf
from hash_embedding import HashEmbedding
from llama_index.core import MockEmbedding, Settings
from page_texts import Page, page_texts
from peers import PEERS, Peer, build_peer, chosen_peers

OTHERS = [name for name, peer in PEERS.items() if peer.needs]


class RecordingEmbedding(HashEmbedding):
    """Keeps what it is asked for, so that a test sees which texts reached it, and as what."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._asked: dict[str, list[str]] = {"text": [], "query": []}

    def get_text_embedding_batch(
        self, texts: list[str], *arguments: Any, **options: Any
    ) -> list[list[float]]:
        self._asked["text"] += texts
        return super().get_text_embedding_batch(texts, *arguments, **options)

    def get_query_embedding(self, query: str) -> list[float]:
        self._asked["query"].append(query)
        return super().get_query_embedding(query)


def need(name: str) -> None:
    for module in PEERS[name].needs:
        pytest.importorskip(module)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    out = tmp_path / "a.pdf"
    paragraphs = [
        ("Rivers", "The Yangtze ends in the sea. " * 20),
        ("Lakes", "The West Lake is in Hangzhou. " * 20),
    ]
    render_pdf(paragraphs, out, header="h")
    return out


@pytest.mark.parametrize("name", PEERS)
def test_peers_answer_and_leave_the_global_settings_alone(name: str, file: Path) -> None:
    need(name)
    before = (Settings._embed_model, Settings._llm, Settings._node_parser)
    peer = build_peer(name, [file], MockEmbedding(embed_dim=4))
    passages = peer.retrieve("Where is the West Lake?")
    assert any("Hangzhou" in passage for passage in passages)
    assert 0 < len(passages) <= 10
    assert peer.nodes >= 1
    assert peer.build_seconds > 0
    assert (Settings._embed_model, Settings._llm, Settings._node_parser) == before


@pytest.mark.parametrize("name", OTHERS)
def test_others_ask_our_model_for_passages_and_questions_apart(
    name: str, squad: Path, tmp_path: Path
) -> None:
    need(name)
    corpus = build_corpus(squad, tmp_path / "pdf", paragraphs_per_file=1)
    embedding = RecordingEmbedding()
    peer = build_peer(name, corpus.files, embedding)
    pages = "".join(page.text for page in page_texts(corpus.files))
    assert len(embedding._asked["text"]) == peer.nodes == 4
    assert all(text.strip() in pages for text in embedding._asked["text"])
    assert embedding._asked["query"] == []
    texts = len(embedding._asked["text"])
    for question in corpus.questions:
        assert any(question.answers[0] in passage for passage in peer.retrieve(question.question))
    assert set(embedding._asked["query"]) == {question.question for question in corpus.questions}
    assert len(embedding._asked["text"]) == texts


@pytest.mark.parametrize("name", OTHERS)
def test_others_return_ten_different_passages_of_many(name: str, tmp_path: Path) -> None:
    need(name)
    module = __import__(PEERS[name].module)
    pages = [
        Page(f"Lake number {n} is {hashlib.md5(str(n).encode()).hexdigest()}.", "a.pdf", n) for n in range(40)
    ]
    built = module.hybrid(pages, HashEmbedding())
    assert built.nodes == 40
    passages = built.retrieve("Lake number 12")
    assert len(passages) == len(set(passages)) == 10
    assert any("number 12 is" in passage for passage in passages)


def test_telemetry_of_haystack_is_off() -> None:
    need("haystack-hybrid")
    from haystack.telemetry import _telemetry

    assert _telemetry.telemetry is None


def test_tracing_of_langchain_is_off() -> None:
    need("langchain-hybrid")
    from langsmith.utils import tracing_is_enabled

    assert not tracing_is_enabled()


def test_window_peer_returns_windows(tmp_path: Path) -> None:
    out = tmp_path / "a.pdf"
    render_pdf([("", " ".join(f"Sentence number {n} is here." for n in range(30)))], out, header="h")
    peer = build_peer("llamaindex-window", [out], MockEmbedding(embed_dim=4))
    assert max(passage.count("Sentence") for passage in peer.retrieve("number 12")) == 7


def test_page_texts_have_no_ligatures_and_know_their_page(file: Path) -> None:
    pages = page_texts([file, file])
    assert [(page.file, page.number) for page in pages] == [("a.pdf", 1)] * 2
    assert "Hangzhou" in pages[0].text


def test_unknown_peer_is_refused() -> None:
    with pytest.raises(ValueError, match="llamaindex-hybrid"):
        build_peer("other", [], MockEmbedding(embed_dim=4))
    with pytest.raises(typer.BadParameter, match="other: known peers are llamaindex-hybrid"):
        chosen_peers("llamaindex-hybrid,other")


@pytest.fixture
def half_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {
        "here": Peer("sys", "path", ("json",)),
        "gone": Peer("sys", "path", ("json", "no_such_module", "nor_this_one")),
    }
    monkeypatch.setattr(registry, "PEERS", table)


@pytest.mark.usefixtures("half_installed")
def test_peers_that_are_not_installed_are_left_out_unless_asked_for() -> None:
    assert chosen_peers(None) == (["here"], ["gone"])
    assert chosen_peers("here, ") == (["here"], [])
    assert chosen_peers("") == ([], [])
    with pytest.raises(typer.BadParameter) as raised:
        chosen_peers("here,gone")
    assert str(raised.value) == (
        "gone needs no_such_module, nor_this_one, which are not installed: pip install -e '.[bench]'"
    )


@pytest.mark.usefixtures("half_installed")
def test_no_framework_is_imported_to_see_what_is_installed() -> None:
    before = set(sys.modules)
    chosen_peers(None)
    assert set(sys.modules) == before
