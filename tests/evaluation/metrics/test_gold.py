"""What counts as the gold passage, and as a right citation."""

from __future__ import annotations

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.evaluation.case_runner import gold_of, stage_rankings
from qa_engine.evaluation.metrics.gold import (
    Excerpt,
    citation_precision,
    citation_recall,
    is_correct,
    is_gold,
    on_gold_page,
)
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.evaluation.records import CitationResult, Gold

TEXT = "雷峰塔现在高71.679米，于2002年重建完成。"


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        (Gold(), None),
        (Gold(page=3), None),
        (Gold(["71.679米"]), True),
        (Gold(["72米"]), False),
        (Gold(["72米"], evidence="于2002年\n重建完成"), True),
        (Gold(["71.679米"], file="别的.pdf"), False),
        (Gold(["71.679米"], file="西湖.PDF", page=9), True),
        (Gold(file="西湖.pdf", page=3), True),
        (Gold(file="西湖.pdf", page=4), True),
        (Gold(file="西湖.pdf", page=5), False),
        (Gold(file="西湖.pdf"), True),
        (Gold(file="别的.pdf"), False),
        (Gold(file="folder/西湖.pdf", page=3), True),
        (Gold(["七十多米"], file="西湖.pdf", page=3), False),
        (Gold(["more than seventy metres"], file="西湖.pdf", page=3), True),
        (Gold(["more than seventy metres"], file="西湖.pdf", page=5), False),
        (Gold(["more than seventy metres"]), False),
        (Gold(["72"], file="西湖.pdf", page=3), False),
    ],
)
def test_a_passage_is_gold_by_its_text_or_else_by_its_page(gold: Gold, expected: bool | None) -> None:
    assert is_gold(Excerpt(TEXT, "西湖.pdf", 3, 4), gold) is expected


def test_a_page_is_known_only_with_its_file() -> None:
    placed, lost = Excerpt(TEXT, "西湖.pdf", 3, None), Excerpt(TEXT, "西湖.pdf", None, None)
    assert on_gold_page(placed, Gold(page=3)) is None
    assert on_gold_page(placed, Gold(file="西湖.pdf", page=3)) is True
    assert on_gold_page(lost, Gold(file="西湖.pdf", page=3)) is False


def test_a_question_that_is_not_answered_has_no_gold() -> None:
    question = LabelledQuestion(question="谁？", answerable=False, file="西湖.pdf", page=3)
    assert gold_of(question) == Gold(answerable=False)


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        (Gold(), None),
        (Gold(["71.679米"]), True),
        (Gold(["72米"]), False),
        (Gold(["72米"], file="西湖.pdf", page=3), True),
        (Gold(["71.679米"], file="西湖.pdf", page=9), True),
        (Gold(["72米"], file="西湖.pdf", page=9), False),
        (Gold(["71.679米"], file="别的.pdf"), False),
        (Gold(evidence=f"前一句。{TEXT}后一句。"), True),
        (Gold(file="西湖.pdf"), True),
        (Gold(file="西湖.pdf", page=9), False),
    ],
)
def test_a_citation_is_right_where_the_gold_is(gold: Gold, expected: bool | None) -> None:
    assert is_correct(Excerpt(TEXT, "西湖.pdf", 3, 3), gold) is expected


@pytest.mark.parametrize(
    ("answer", "within"),
    [("71.679米", True), ("72米", False), ("Leifeng", True), ("seventy metres", None)],
)
def test_context_is_searched_for_what_could_stand_in_it(answer: str, within: bool | None) -> None:
    node = TextNode(text=f"{TEXT}英文名为Leifeng Pagoda。", metadata={"file_name": "西湖.pdf", "page": 3})
    stages = {"dense": [NodeWithScore(node=node)], "bm25": []}
    found = stage_rankings(stages, Gold([answer], file="西湖.pdf", page=3))
    assert found["dense"].within.get("2400") is within
    assert found["bm25"].within.get("2400") is (None if within is None else False)
    assert (found["dense"].page_rank, found["bm25"].page_rank) == (1, None)


def test_precision_and_recall_of_citations() -> None:
    right, wrong, unknown = (
        CitationResult(1, "a.pdf", 1, 1, "", correct=correct) for correct in (True, False, None)
    )
    assert citation_precision([]) is None
    assert citation_precision([unknown]) is None
    assert citation_precision([right, wrong, wrong, unknown]) == pytest.approx(1 / 3)
    assert [citation_recall(some) for some in ([], [wrong], [wrong, right])] == [0, 0, 1]
