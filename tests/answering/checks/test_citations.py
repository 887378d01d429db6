"""Which sentences of a passage a citation is of, by its id."""

from __future__ import annotations

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.answer import Citation
from qa_engine.answering.checks.citations import citation_boxes
from qa_engine.documents.blocks import Span

TEXTS = ["第一句。", "第二句。", "第三句。", "第四句。"]
SPANS = [Span(4 * i, 4 * i + 4, 1 + i // 2, 10, 20 * i, 90, 20 * i + 15) for i in range(4)]


def passage(first: int = 8) -> NodeWithScore:
    sentences = [
        {"node_id": f"d-{first + i:07}", "text": text, "start": 4 * i, "end": 4 * i + 4}
        for i, text in enumerate(TEXTS)
    ]
    node = TextNode(text="".join(TEXTS), id_=f"d-{first:07}..{first + 3}", metadata={"sentences": sentences})
    return NodeWithScore(node=node)


def lines(identifier: str, text: str, first: int = 8) -> list[tuple[int, float]]:
    citation = Citation(1, "a.pdf", 1, 2, text, id=identifier, node_id=f"d-{first:07}..{first + 3}")
    return [(box.page, box.y0) for box in citation_boxes(citation, passage(first), SPANS)]


@pytest.mark.parametrize("identifier", ["", "of another retriever", "d-0000099", "e-0000008..9", "d-"])
def test_unknown_ids_are_looked_up_by_their_text(identifier: str) -> None:
    assert lines(identifier, "第二句。第三句。") == [(1, 20), (2, 40)]
    assert lines(identifier, "别的。") == []


def test_passage_without_sentences_has_no_boxes() -> None:
    bare = NodeWithScore(node=TextNode(text="第一句。", id_="x"))
    assert citation_boxes(Citation(1, "a.pdf", 1, 1, "第一句。", id="x"), bare, SPANS) == []


def test_sentence() -> None:
    assert lines("d-0000009", TEXTS[1]) == [(1, 20)]


@pytest.mark.parametrize(("identifier", "first"), [("d-0000009..10", 8), ("d-9999999..10000000", 9_999_998)])
def test_range_has_the_boxes_of_all_its_sentences_on_all_pages(identifier: str, first: int) -> None:
    assert lines(identifier, TEXTS[1] + TEXTS[2], first) == [(1, 20), (2, 40)]


def test_whole_passage() -> None:
    assert lines("d-0000008..11", "".join(TEXTS)) == [(1, 0), (1, 20), (2, 40), (2, 60)]


def test_shortened_passage_is_marked_without_what_was_left_out() -> None:
    assert lines("d-0000008..11", TEXTS[2] + TEXTS[3]) == [(2, 40), (2, 60)]
