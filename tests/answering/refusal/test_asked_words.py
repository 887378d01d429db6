"""Words that the documents a question is about do not hold, and a row that is of something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from qa_engine.answering.refusal.asked_words import words_not_held
from qa_engine.answering.refusal.gate import AnswerabilityGate
from qa_engine.config import AnsweringConfig
from qa_engine.retrieval.naming.identity_index import NamedDocuments
from qa_engine.retrieval.retriever import RankedPassages

REPORT = "项目：基本每股收益（元/股）；2023年度：1.57。公司的股东有三名。"


class OneReport:
    """Stands for the catalog of one report, as it is read by pairs of characters."""

    def documents_holding(self, terms: Sequence[str], **limits: Any) -> set[str]:
        return {"report"} if all(term in REPORT for term in terms) else set()

    def with_tables(self, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        return list(nodes)

    def file_names(self) -> dict[str, str]:
        return {"report": "年报.pdf"}


def ranked(text: str = REPORT, preferred: frozenset[str] = frozenset({"report"})) -> RankedPassages:
    node = TextNode(text=text, metadata={"document_id": "report", "file_name": "年报.pdf"})
    sources = cast(Any, OneReport())
    return RankedPassages([NodeWithScore(node=node)], sources=sources, named=NamedDocuments(preferred))


@pytest.mark.parametrize(
    ("question", "preferred", "words"),
    [
        ("2023年回购了多少股？", frozenset({"report"}), ("回购",)),
        ("2023年的股东有多少名？", frozenset({"report"}), ()),
        ("2023年回购了多少股？", frozenset(), ()),
        ("“强烈推荐”是什么意思？", frozenset(), ("强烈推荐",)),
        ("How many stores were opened?", frozenset({"report"}), ()),
    ],
)
def test_words_that_no_document_holds(
    question: str, preferred: frozenset[str], words: tuple[str, ...]
) -> None:
    found = words_not_held(question, ranked(preferred=preferred))
    assert found[: len(words)] == words
    assert bool(found) is bool(words)


def test_passages_in_another_language_and_no_passages_lack_nothing() -> None:
    assert words_not_held("2023年回购了多少股？", ranked("Earnings per share were 1.57 dollars.")) == ()
    assert words_not_held("2023年回购了多少股？", RankedPassages([])) == ()


@pytest.mark.parametrize(("label", "refused"), [(0.0, True), (0.4, False), (None, False)])
def test_a_row_of_something_else_is_refused(label: float | None, refused: bool) -> None:
    settings = AnsweringConfig()
    gate = AnswerabilityGate(settings, None, True, best_row_label=lambda question, nodes: label)
    evidence = gate.evidence(QueryBundle("回购了多少股？"), ranked())
    assert evidence.refused is refused
    assert list(evidence.missing) == (["回购"] if refused else [])
