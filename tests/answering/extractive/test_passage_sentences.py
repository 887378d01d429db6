"""Which sentences of passages, and around them, compete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.extractive.passage_sentences import sentences_of
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.types import Passage, PassageSentence, passage_node, passage_of

QUESTION = "甲乙公司2022年基本每股收益是多少？"
ROWS = (
    "项目：营业收入；2022年：39,700；2021年：36,500",
    "项目：净利润；2022年：3,700；2021年：3,500",
    "项目：应付账款；2022年：900；2021年：800",
    "项目：基本每股收益；2022年：0.36；2021年：0.31",
)


class Scorer:
    """Finds every text as good as another, and counts them."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def predict(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        self.pairs += pairs
        return np.full(len(pairs), 0.8)


def table(compared_with: str | None = None) -> NodeWithScore:
    """A passage of the first two rows of a table of four."""
    rows = tuple(
        PassageSentence(f"d-{place:07}", text, 4, 4, place, place + 1, role="table", table=0)
        for place, text in enumerate(ROWS)
    )
    own = tuple(row.supporting(0.8) for row in rows[:2]) if compared_with else rows[:2]
    return passage_node(
        Passage(
            "d-0000000..1",
            "".join(ROWS[:2]),
            file_name="甲乙公司.pdf",
            sentences=own,
            compared_with=compared_with,
            surroundings=(*own, *rows[2:]),
        )
    )


def test_no_passages_and_empty_passages_have_no_sentences() -> None:
    assert sentences_of(QUESTION, []) == []
    assert sentences_of(QUESTION, [NodeWithScore(node=TextNode(text=""))]) == []


def test_authors_and_references_around_a_passage_compete_where_they_are_demanded() -> None:
    authors = PassageSentence("d-0000001", "Ada Lund Bo Strand", 1, 1, section="Buoys", role="authors")
    entry = PassageSentence("d-0000003", "[2] A. Lund. Buoys. 2019.", 9, 9, role="reference")
    own = PassageSentence("d-0000002", "We show how far small buoys drift.", 1, 1)
    node = passage_node(
        Passage("d-0000002..2", own.text, sentences=(own,), surroundings=(authors, own, entry))
    )
    for question, text in (
        ("Who wrote the paper on buoys?", authors.text),
        ("Which paper is reference [2]?", entry.text),
        ("How far do small buoys drift?", own.text),
    ):
        assert [one.own.text for one in sentences_of(question, [node]) if one.quotable] == [text]


def test_of_the_rows_around_a_passage_those_whose_label_is_asked_for_compete() -> None:
    found = sentences_of(QUESTION, [table()])
    assert [(one.own.text, one.is_around) for one in found] == [
        (ROWS[0], False),
        (ROWS[1], False),
        (ROWS[3], True),
    ]
    assert len(sentences_of("甲乙公司在哪里？", [table()])) == 2


def test_the_row_around_the_passage_is_quoted_and_cited() -> None:
    scorer = Scorer()
    answer = ExtractiveSynthesizer(scorer).synthesize(QUESTION, [table()])  # type: ignore[arg-type]
    assert answer.response == "根据《甲乙公司.pdf》第4页：基本每股收益，2022年：0.36[1]"
    (citation,) = answer.citations
    assert (citation.text, citation.id) == (ROWS[3], "d-0000003")
    assert len(scorer.pairs) == 4  # each row of the passage alone and with the one before, and no row around


def test_rows_around_do_not_send_what_is_compared_to_the_model_again() -> None:
    scorer = Scorer()
    ExtractiveSynthesizer(scorer).synthesize(QUESTION, [table(QUESTION)])  # type: ignore[arg-type]
    assert scorer.pairs == []


def test_passages_for_the_whole_question_are_for_each_of_its_parts() -> None:
    question = "甲乙公司2022年净利润和应付账款是多少？"
    parts = ("甲乙公司2022年净利润是多少？", "甲乙公司2022年应付账款是多少？")
    of_whole, *of_parts = (
        passage_node(replace(passage_of(table(part)), part=part, node_id=f"d-{number:07}..1"))
        for number, part in enumerate((question, *parts))
    )
    found = sentences_of(question, [of_whole, *of_parts])
    assert list(dict.fromkeys(one.part for one in found)) == list(parts)
    scorer = Scorer()
    answer = ExtractiveSynthesizer(scorer).synthesize(question, [of_whole, *of_parts])  # type: ignore[arg-type]
    assert [citation.text for citation in answer.citations] == [ROWS[1], ROWS[2]]
    assert scorer.pairs == []
