"""Whole tables for passages that hold rows of them, each row once."""

from __future__ import annotations

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.llm.prompt import format_passages
from qa_engine.retrieval.passages.whole_tables import TableAttacher, part_around
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


LONG = "单位：元\n\n| 项目 | 金额 |\n| --- | --- |\n" + "\n".join(
    f"| 第{number}项 | {number}00 |" for number in range(90)
)


def test_of_a_long_table_the_rows_around_the_hit_are_shown_below_the_header() -> None:
    part = part_around(LONG, ["项目：第40项；金额：4000"], 150)
    assert len(part) <= 150
    assert part.startswith("单位：元\n\n| 项目 | 金额 |\n| --- | --- |\n…\n")
    assert "| 第39项 | 3900 |\n| 第40项 | 4000 |\n| 第41项 | 4100 |" in part
    assert part.endswith("\n…")


def test_part_reaches_over_all_hits_where_there_is_room() -> None:
    part = part_around(LONG, ["项目：第10项；金额：1000", "项目：第14项；金额：1400"], 250)
    assert [f"第{number}项" in part for number in (10, 12, 14, 40)] == [True, True, True, False]


def test_bar_in_a_cell_does_not_hide_its_row() -> None:
    table = LONG.replace("| 第70项 |", "| 甲\\|乙 |")
    assert "甲" in part_around(table, ["项目：甲|乙；金额：7000"], 120)


@pytest.mark.parametrize("rows", [[], ["not a row of it"]])
def test_long_table_without_a_known_row_begins_at_its_first(rows: list[str]) -> None:
    assert "| 第0项 | 000 |" in part_around(LONG, rows, 150)


def test_row_longer_than_the_room_is_not_shown() -> None:
    assert part_around("| a |\n| --- |\n| " + "x" * 300 + " |", ["x" * 300], 100) == ""
    assert attached(passage(1, 0, 1)) == [[STORED["d"][0], "| x |\n" * 16 + "…"]]


def test_each_passage_of_a_long_table_gets_its_own_part() -> None:
    attacher = TableAttacher(lambda passage: [LONG], max_chars=150)
    nodes = [passage(1, 0), passage(9, 0), passage(9, 0)]
    for node, number in zip(nodes, (5, 80, 80), strict=True):
        node.node.metadata[SENTENCES] = [{"text": f"项目：第{number}项；金额：{number}00", "table": 0}]
    first, second, again = (node.node.metadata.get(TABLES) for node in attacher.postprocess_nodes(nodes))
    assert "第5项" in first[0]
    assert "第80项" in second[0]
    assert again is None


def rows_of_long(node: NodeWithScore, *numbers: int) -> NodeWithScore:
    node.node.metadata[SENTENCES] = [
        {"text": f"项目：第{number}项；金额：{number}00", "table": 0} for number in numbers
    ]
    return node


def test_passages_of_a_long_table_share_one_part_where_their_rows_fit() -> None:
    attacher = TableAttacher(lambda passage: [LONG], max_chars=300)
    nodes = [rows_of_long(passage(1, 0), 40), rows_of_long(passage(9, 0), 42)]
    first, second = (node.node.metadata.get(TABLES) for node in attacher.postprocess_nodes(nodes))
    assert "| 第40项 | 4000 |\n| 第41项 | 4100 |\n| 第42项 | 4200 |" in first[0]
    assert second is None


def test_no_row_is_in_the_parts_of_two_passages() -> None:
    attacher = TableAttacher(lambda passage: [LONG], max_chars=150)
    nodes = [rows_of_long(passage(1, 0), 40), rows_of_long(passage(9, 0), 41, 60)]
    parts = [node.node.metadata[TABLES][0] for node in attacher.postprocess_nodes(nodes)]
    rows = [line for part in parts for line in part.split("\n") if line.startswith("| 第")]
    assert "| 第60项 | 6000 |" in rows
    assert len(set(rows)) == len(rows)


def test_model_sees_a_row_once_and_the_row_that_was_found_in_its_own_words_as_well() -> None:
    node = rows_of_long(passage(1, 0), 40, 41)
    found, other = (str(one["text"]) for one in node.node.metadata[SENTENCES])
    node.node.metadata["sentence"] = found
    node = NodeWithScore(node=TextNode(text=f"{found}\n{other}", metadata=node.node.metadata))
    assert other in format_passages([node])
    node.node.metadata[TABLES] = [LONG]
    shown = format_passages([node])
    assert found in shown
    assert other not in shown
    assert "| 第41项 | 4100 |" in shown


def test_what_a_table_is_about_is_no_row_of_it() -> None:
    node = passage(1, 0)
    node.node.metadata[SENTENCES] = [{"text": "表", "table": 0, "role": "table_summary"}]
    attacher = TableAttacher(lambda passage: STORED["d"])
    assert attacher.postprocess_nodes([node])[0].node.metadata.get(TABLES) is None


def test_table_that_the_catalog_does_not_know_does_no_harm() -> None:
    assert attached(passage(1, 7), passage(2, 0, document="other")) == [None, None]


def test_model_sees_the_whole_table_and_the_section() -> None:
    node = passage(1, 0)
    node.node.metadata |= {TABLES: STORED["d"][:1], "section": "第三节 财务", "file_name": "a.pdf", "page": 3}
    shown = format_passages([node])
    assert "第三节 财务" in shown.splitlines()[0]
    assert "| 2020 | 7 |" in shown
