"""The lexical retriever."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from llama_index.core.schema import TextNode

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.bm25.index import Bm25Index
from qa_engine.index.bm25.segment import Bm25Segment, DocumentTerms, StoredSegment
from qa_engine.retrieval.hybrid.lexical import BilingualBM25Retriever
from qa_engine.text.tokenizer import tokenize

SENTENCES = ["西湖位于杭州市西部。", "雷峰塔重建于2002年。", "Jupiter is the largest planet."]


class Store:
    """The texts of one document; ``missing`` were deleted by a writer."""

    def __init__(self, texts: Sequence[str], missing: Sequence[int] = ()) -> None:
        self._nodes = {
            node_id("d", n): TextNode(id_=node_id("d", n), text=text)
            for n, text in enumerate(texts)
            if n not in missing
        }

    def sentences(self, ids: Sequence[str]) -> dict[str, TextNode]:
        return {identifier: self._nodes[identifier] for identifier in ids if identifier in self._nodes}


def retriever(top_k: int = 50, missing: Sequence[int] = ()) -> BilingualBM25Retriever:
    segment = Bm25Segment.build([DocumentTerms("d", [tokenize(text) for text in SENTENCES])], 0)
    index = Bm25Index([StoredSegment("memory", segment)])
    return BilingualBM25Retriever(index, Store(SENTENCES, missing), top_k)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "expected"), [("西湖在哪里？", 0), ("雷峰塔哪年重建？", 1), ("the largest planets", 2)]
)
def test_question_finds_its_sentence(question: str, expected: int) -> None:
    found = retriever().retrieve(question)
    assert found[0].node.get_content() == SENTENCES[expected]
    assert found[0].score is not None
    assert found[0].score > 0


def test_nothing_is_returned_to_fill_up() -> None:
    assert len(retriever().retrieve("largest planet")) == 1
    assert retriever().retrieve("量子计算") == []
    assert retriever().retrieve("") == []


def test_top_k_bounds_the_hits() -> None:
    assert len(retriever(top_k=1).retrieve("西湖 雷峰塔 planet")) == 1
    assert len(retriever(top_k=2).retrieve("西湖 雷峰塔 planet")) == 2


def test_sentence_that_a_writer_has_replaced_is_left_out() -> None:
    assert [node.node_id for node in retriever(missing=[0]).retrieve("西湖 雷峰塔")] == [node_id("d", 1)]


def test_coverage_is_the_share_of_terms_the_collection_knows() -> None:
    assert retriever().coverage("largest planet") == 1
    assert retriever().coverage("largest star") == 0.5
    assert retriever().coverage("") == 0


async def test_async_gives_the_same() -> None:
    ours = retriever()
    assert [n.node_id for n in await ours.aretrieve("西湖")] == [n.node_id for n in ours.retrieve("西湖")]
