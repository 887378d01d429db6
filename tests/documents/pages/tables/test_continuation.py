"""A table over two pages: names and labels go on, and those of another table do not."""

from __future__ import annotations

import pytest

from qa_engine.documents.blocks import Block, Line, Page, Role, Table
from qa_engine.documents.text_flow.builder import build_text

RULED = (72.0, 172.0, 272.0)
HEADER = ["园区", "状态", "投资"]


def table(
    *rows: list[str], header_rows: int = 0, columns: tuple[float, ...] = RULED, key_value: bool = False
) -> Table:
    boxes = [(72.0, 100.0 + 20 * n, 372.0, 120.0 + 20 * n) for n in range(len(rows))]
    return Table(rows, boxes, header_rows, key_value=key_value, complete=True, columns=columns)


def block(page: int, content: Table | str, role: Role = Role.BODY) -> Block:
    if isinstance(content, str):
        return Block(role, [Line(content, page, 72, 80, 300, 92, 10, 0)])
    return Block(Role.TABLE, [Line("rows", page, 72, 100, 372, 120, 10, 0)], content)


def said(*pages: list[Table | str]) -> list[str]:
    made = [
        Page(number, 595, 842, "layout", [block(number, content) for content in contents])
        for number, contents in enumerate(pages, 1)
    ]
    return [text for paragraph in build_text(made, 10.0).paragraphs for text in paragraph.row_texts]


def test_header_alone_at_the_foot_of_the_page_before_names_the_columns() -> None:
    rows = said([table(HEADER)], [table(["云岭", "在建", "待定"], ["南湾", "停工", "9.4"], header_rows=1)])
    assert rows[1:] == ["园区：云岭；状态：在建；投资：待定", "园区：南湾；状态：停工；投资：9.4"]


def test_repeated_header_is_no_data_and_a_first_row_of_words_is() -> None:
    first = table(HEADER, ["甲", "在建", "无"], header_rows=1)
    assert said([first], [table(HEADER, ["乙", "停工", "有"], header_rows=1)])[1:] == [
        "园区：乙；状态：停工；投资：有"
    ]
    assert (
        said([first], [table(["丙", "在建", "有"], ["丁", "停工", "无"], header_rows=1)])[1]
        == "园区：丙；状态：在建；投资：有"
    )


@pytest.mark.parametrize(
    ("between", "later"),
    [
        (["产业园区的建设情况与下一年度的投资计划，由发展改革部门会同财政部门编制并公布执行。"], table(["乙", "x", "3"])),
        ([], table(["乙", "x", "3"], columns=(72.0, 240.0, 330.0))),
        ([], table(["乙", "x", "3", "4"], columns=())),
        ([], table(["城市", "人口", "面积"], ["杭州", "120", "16"], header_rows=1)),
    ],
    ids=["text between", "other columns", "more columns", "names of its own"],
)  # fmt: skip
def test_other_table_does_not_get_the_names(between: list[Table | str], later: Table) -> None:
    rows = said([table(HEADER, ["甲", "在建", "5"], header_rows=1), *between], [later])
    assert not any("园区" in row for row in rows[1:])


def test_unit_between_the_parts_and_an_empty_column_do_no_harm() -> None:
    first = table(["项目", "附注", "金额"], ["现金", "", "5"], header_rows=1)
    assert said([first], ["单位：元", table(["存货", "7"], columns=(72.0, 272.0))])[1:] == [
        "项目：存货；金额：7"
    ]


def test_label_over_rows_goes_on_and_a_sum_does_not() -> None:
    first = table(HEADER, ["一库", "A", "1"], ["一库", "B", "2"], header_rows=1)
    rows = said([first], [table(["", "C", "3"], ["二库", "D", "4"])])
    assert rows[2:] == ["园区：一库；状态：C；投资：3", "园区：二库；状态：D；投资：4"]
    total = table(HEADER, ["一库", "A", "1"], ["合计", "", "1"], header_rows=1)
    assert said([total], [table(["", "C", "3"])])[2] == "状态：C；投资：3"


def test_keys_and_values_go_on() -> None:
    first = table(["公司名称", "甲公司"], columns=(72.0, 172.0), key_value=True)
    later = table(["办公地址", "杭州"], ["网址", "www.a.example"], header_rows=1, columns=(72.0, 172.0))
    assert said([first], [later])[1:] == ["办公地址：杭州", "网址：www.a.example"]
