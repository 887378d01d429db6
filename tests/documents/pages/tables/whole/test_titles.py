"""Tables inside tables: divided at the titles of statements, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qa_engine.documents.blocks import Table
from qa_engine.documents.pages.tables.row_texts import column_names
from qa_engine.documents.pages.tables.whole.titles import titled_parts

HEADER = ["项目", "附注", "2021年度", "2020年度"]
BODY = [["营业收入", "七、1", "9", "8"], ["营业成本", "", "7", "6"], ["净利润", "", "2", "2"]]


def table(*rows: Sequence[str], header_rows: int = 1, **facts: object) -> Table:
    boxes = [(0.0, float(number), 9.0, number + 1.0) for number in range(len(rows))]
    return Table(rows, boxes, header_rows, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rows",
    [
        [HEADER, *BODY],
        [["报表", "页"], ["合并资产负债表", "53"], ["合并利润表", "54"], ["合并现金流量表", "55"]],
        [HEADER, *BODY, ["合并利润表", "", "", ""]],
        [HEADER, *BODY, ["单位：元", "", "", ""], *BODY],
        [HEADER, ["合并利润表", "", "", ""], *BODY],
        [["a", "b"]],
    ],
)
def test_table_that_is_one_stays_whole(rows: list[list[str]]) -> None:
    whole = table(*rows)
    (part,) = titled_parts(whole)
    assert part.table is whole
    assert part.title == []


def test_statement_below_another_one_is_a_table_of_its_own() -> None:
    title = [["合并利润表", "", "", ""], ["编制单位：甲公司", "", "", "单位：元币种：人民币"]]
    before = [["项目", "附注", "2021年12月31日", "2020年12月31日"], ["资产总计", "", "5", "4"]]
    first, second = titled_parts(table(*before, *title, HEADER, *BODY, wide={(2, 0): 3, (5, 0): 1}))
    assert (first.title, list(first.table.rows)) == ([], before)
    assert second.title == ["合并利润表", "编制单位：甲公司 单位：元币种：人民币"]
    assert list(second.table.rows) == [HEADER, *BODY]
    assert column_names(second.table) == HEADER
    assert second.title_boxes == [(0, 2, 9, 3), (0, 3, 9, 4)]
    assert second.table.boxes[0] == (0, 4, 9, 5)
    assert second.table.wide == {(1, 0): 1}


def test_unit_at_the_top_is_no_name_of_columns() -> None:
    unit = ["", "单位：元币种：人民币", "单位：元币种：人民币", "单位：元币种：人民币"]
    (part,) = titled_parts(table(unit, HEADER, *BODY, header_rows=2))
    assert part.title == ["单位：元币种：人民币"]
    assert column_names(part.table) == HEADER


def test_english_statement_with_its_unit() -> None:
    rows = [
        ["Consolidated Balance Sheets", ""],
        ["(In millions)", ""],
        ["", "2022"],
        ["Total assets", "5"],
        ["Debt", "3"],
    ]
    (part,) = titled_parts(table(*rows, header_rows=0))
    assert part.title == ["Consolidated Balance Sheets", "(In millions)"]
    assert column_names(part.table) == ["", "2022"]
