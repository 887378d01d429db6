"""Rows: none is torn where a cell wraps, and none is two."""

from __future__ import annotations

import pytest
from drawn_table import HIGH, LEFT, TOP, WIDE, Row, drawn, edges, read, said

from qa_engine.documents.blocks import Rect
from qa_engine.documents.pages.tables.table import build_table
from qa_engine.documents.pages.tables.words import Word

COLUMNS = [72.0, 232.0, 332.0, 432.0]


def word(text: str, x0: float, y0: float, width: float = 60) -> Word:
    return Word(x0, y0, x0 + width, y0 + 10, text)


def rows_of(words: list[Word], row_edges: list[float]) -> list[list[str]]:
    table = build_table(Rect(72, row_edges[0], 432, row_edges[-1]), row_edges, COLUMNS, words)
    assert table is not None
    return [list(row) for row in table.rows]


def row(label: str, y: float, *values: str) -> list[Word]:
    return [word(label, 72, y, 100), *(word(v, 240 + 100 * n, y, 40) for n, v in enumerate(values))]


@pytest.mark.parametrize("values_at", [0, 12], ids=["in the first line", "in the last line"])
def test_wrapped_label_is_one_row_with_its_values(values_at: int) -> None:
    words = [
        *row("项目", 100, "2023年", "2022年"),
        *row("营业收入", 120, "9", "8"),
        *row("营业成本", 140, "7", "6"),
    ]
    words += [word("归属于公司普通股股东的", 72, 160, 150), word("净利润", 72, 172, 40)]
    words += [word("5", 240, 160 + values_at, 40), word("4", 340, 160 + values_at, 40)]
    words += row("每股收益", 192, "3", "2")
    assert rows_of(words, [98, 118, 138, 158, 171, 190, 210])[3] == ["归属于公司普通股股东的净利润", "5", "4"]


def test_values_in_the_middle_of_the_lines_of_their_labels() -> None:
    words = row("Item", 100, "2023", "2022")
    for top, number in ((124, 3), (179, 3), (234, 2)):
        words += [word(f"label at {top + 16 * line}", 72, top + 16 * line, 120) for line in range(number)]
        middle = top + 8 * (number - 1)
        words += [word(str(top), 240, middle, 40), word("1", 340, middle, 40)]
    words += row("Total", 270, "9", "8")
    edges = [98, 118, 139, 155, 174, 194, 210, 228, 249, 265, 284]
    assert rows_of(words, edges)[1:] == [
        ["label at 124 label at 140 label at 156", "124", "1"],
        ["label at 179 label at 195 label at 211", "179", "1"],
        ["label at 234 label at 250", "234", "1"],
        ["Total", "9", "8"],
    ]


def test_heading_above_a_row_stays_apart() -> None:
    words = [*row("Item", 100, "2023", "2022"), *row("Cash", 120, "9", "8"), word("Liabilities", 72, 140, 60)]
    words += [*row("Debt", 160, "7", "6"), *row("Other", 180, "5", "4")]
    assert [r[0] for r in rows_of(words, [98, 118, 138, 158, 178, 198])] == [
        "Item",
        "Cash",
        "Liabilities",
        "Debt",
        "Other",
    ]


def test_rows_between_rules_hold_wrapped_cells_and_broken_numbers() -> None:
    rows: list[Row] = [
        ["科目", "说明", "金额"],
        ["经营活动产生的\n现金流量净额", "流入减去流出", "1,234,567\n.89"],
        ["投资", "见附注\n第三条", "2020/12/1\n7"],
        ["筹资", "无", "5"],
    ]
    assert said(read(drawn(rows)))[:2] == [
        "科目：经营活动产生的现金流量净额；说明：流入减去流出；金额：1,234,567.89",
        "科目：投资；说明：见附注第三条；金额：2020/12/17",
    ]


def test_values_below_each_other_between_two_rules_are_rows() -> None:
    rows: list[Row] = [["年份", "数量"], ["2021\n2022", "310\n288"], ["2023", "270"]]
    assert [r[1] for r in read(drawn(rows)).rows] == ["数量", "310", "288", "270"]


def test_shading_shows_which_lines_are_a_row() -> None:
    rows: list[Row] = [
        ["Item", "Sum"],
        ["Adjustments to net\nincome", "7"],
        ["Cash", "3"],
        ["Debt and\nleases", "5"],
    ]
    model = [
        *edges(1, TOP, HIGH),
        TOP + 1.5 * HIGH,
        TOP + 2 * HIGH,
        TOP + 3 * HIGH,
        TOP + 3.5 * HIGH,
        TOP + 4 * HIGH,
    ]
    table = read(drawn(rows, "none", shaded=True), model, edges(2, LEFT, WIDE))
    assert [list(r) for r in table.rows][1:] == [
        ["Adjustments to net income", "7"],
        ["Cash", "3"],
        ["Debt and leases", "5"],
    ]
