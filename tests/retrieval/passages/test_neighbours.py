"""Hits and their neighbours: each fetched and measured once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.records import StoredSentence
from qa_engine.retrieval.passages.neighbours import SentenceNeighbours


class Store:
    """A document of ten sentences, of which one may be gone; remembers what it was asked for."""

    def __init__(self, gone: int | None = None) -> None:
        names = [node_id("d", ordinal) for ordinal in range(10) if ordinal != gone]
        self.sentences = {name: StoredSentence(name, f"第{name[-1]}句。", {}, 0, 4) for name in names}
        self.asked: list[str] = []

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        self.asked += ids
        return {name: self.sentences[name] for name in ids if name in self.sentences}


def hit(ordinal: int, text: str = "句。") -> NodeWithScore:
    return NodeWithScore(node=TextNode(id_=node_id("d", ordinal), text=text), score=1.0)


def test_neighbours_on_both_sides_are_fetched_and_the_hit_is_not() -> None:
    store = Store()
    around = SentenceNeighbours(store, reach=2, latin_ratio=2)
    around.load([hit(5)])
    assert store.asked == [node_id("d", ordinal) for ordinal in (3, 4, 6, 7)]
    assert [sentence.node_id[-1] for sentence in around.between("d", 0, 9)] == ["3", "4", "5", "6", "7"]


def test_nothing_is_fetched_twice_be_it_there_or_not() -> None:
    store = Store(gone=6)
    around = SentenceNeighbours(store, reach=2, latin_ratio=2)
    around.load([hit(5)])
    around.load([hit(7), hit(4)])
    assert len(store.asked) == len(set(store.asked))
    assert around.get("d", 6) is None


def test_document_begins_with_its_first_sentence() -> None:
    store = Store()
    SentenceNeighbours(store, reach=3, latin_ratio=2).load([hit(0)])
    assert store.asked == [node_id("d", ordinal) for ordinal in (1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "size"), [("十个字的一句话在这里", 10), ("ten letters, and more", 10.5), ("", 0)]
)
def test_latin_text_counts_for_less(text: str, size: float) -> None:
    around = SentenceNeighbours(Store(), reach=1, latin_ratio=2)
    around.load([hit(5, text)])
    assert around.size("d", 5) == size


def test_sentence_that_is_not_there_has_no_size() -> None:
    around = SentenceNeighbours(Store(gone=6), reach=2, latin_ratio=2)
    around.load([hit(5)])
    assert around.size("d", 6) == around.size("e", 0) == 0
    assert around.length("d", 4, 7) == around.size("d", 4) + around.size("d", 5) + around.size("d", 7)
