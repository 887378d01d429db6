"""Whole tables for passages that hold rows of them."""

from __future__ import annotations

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.llm.prompt import format_passages
from qa_engine.retrieval.sources import TableAttacher
from qa_engine.types import SENTENCES, TABLES

STORED = {"d": ["| 年 | 收入 |\n| --- | --- |\n| 2020 | 7 |", "| x |\n" * 40]}


def passage(first: int, *tables: int | None, document: str = "d") -> NodeWithScore:
    sentences = [{"text": "年：2020；收入：7", "table": table} for table in tables]
    node = TextNode(
        text="年：2020；收入：7", id_=f"{document}-{first:07d}..9", metadata={SENTENCES: sentences}
    )
    return NodeWithScore(node=node, score=1.0)


def attached(*passages: NodeWithScore, max_chars: int = 100) -> list[list[str] | None]:
    attacher = TableAttacher(lambda passage: STORED.get(passage.document_id, []), max_chars=max_chars)
    return [node.node.metadata.get(TABLES) for node in attacher.postprocess_nodes(list(passages))]


def test_table_of_a_row_is_attached() -> None:
    assert attached(passage(1, None, 0)) == [[STORED["d"][0]]]


def test_passage_without_rows_has_no_table() -> None:
    assert attached(passage(1, None)) == [None]


def test_table_is_attached_once_at_the_best_passage() -> None:
    assert attached(passage(1, 0), passage(5, 0)) == [[STORED["d"][0]], None]


def test_long_table_is_left_out() -> None:
    assert attached(passage(1, 0, 1)) == [[STORED["d"][0]]]


def test_table_that_the_catalog_does_not_know_does_no_harm() -> None:
    assert attached(passage(1, 7), passage(2, 0, document="other")) == [None, None]


def test_model_sees_the_whole_table_and_the_section() -> None:
    node = passage(1, 0)
    node.node.metadata |= {TABLES: STORED["d"][:1], "section": "第三节 财务", "file_name": "a.pdf", "page": 3}
    shown = format_passages([node])
    assert "第三节 财务" in shown.splitlines()[0]
    assert "| 2020 | 7 |" in shown
