"""Cells over several rows and columns: each row says the label that its cell belongs to, and no other."""

from __future__ import annotations

import pymupdf
import pytest
from drawn_table import HIGH, LEFT, TOP, WIDE, Borders, Cell, Place, Row, drawn, edges, read, said

RATES: list[Row] = [
    ["区域", "类型", "价格"],
    [Cell("华北", 3), "标准", "12"],
    [None, "加急", "18"],
    [None, "冷链", "27"],
    ["西藏", "标准", "40"],
    [Cell("西南", 2), "标准", "15"],
    [None, "加急", "23"],
]
SAID = [
    "区域：华北；类型：标准；价格：12",
    "区域：华北；类型：加急；价格：18",
    "区域：华北；类型：冷链；价格：27",
    "区域：西藏；类型：标准；价格：40",
    "区域：西南；类型：标准；价格：15",
    "区域：西南；类型：加急；价格：23",
]


def unruled(rows: list[Row], place: Place = "middle") -> list[str]:
    model = edges(len(rows), TOP, HIGH), edges(len(rows[0]), LEFT, WIDE)
    return said(read(drawn(rows, "none", place), *model))


@pytest.mark.parametrize("place", ["top", "middle", "bottom"])
@pytest.mark.parametrize("borders", ["lines", "thin boxes", "cells"])
def test_label_belongs_to_the_rows_that_its_cell_spans(borders: Borders, place: Place) -> None:
    table = read(drawn(RATES, borders, place))
    assert said(table) == SAID
    assert not table.doubt


def test_two_columns_of_labels_and_a_value_over_rows() -> None:
    rows: list[Row] = [
        ["大区", "城市", "档次", "押金"],
        [Cell("华东", 3), Cell("上海", 2), "标准", Cell("500", 2)],
        [None, None, "豪华", None],
        [None, "苏州", "标准", "300"],
    ]
    assert said(read(drawn(rows))) == [
        "大区：华东；城市：上海；档次：标准；押金：500",
        "大区：华东；城市：上海；档次：豪华；押金：500",
        "大区：华东；城市：苏州；档次：标准；押金：300",
    ]


def test_label_in_the_middle_of_its_rows_is_theirs_without_rules() -> None:
    even: list[Row] = [
        RATES[0],
        [Cell("华北", 2), "标准", "12"],
        [None, "加急", "18"],
        [Cell("西南", 4), "标准", "15"],
    ]
    even += [[None, kind, price] for kind, price in (("加急", "23"), ("冷链", "31"), ("次日", "44"))]
    assert [row[:5] for row in unruled(even)] == ["区域：华北"] * 2 + ["区域：西南"] * 4


def test_labels_that_fit_two_divisions_are_given_to_no_other_row_and_doubted() -> None:
    rows: list[Row] = [RATES[0], ["甲", "A", "1"], ["", "B", "2"], ["乙", "C", "3"], ["", "D", "4"]]
    table = read(drawn(rows, "none"), edges(5, TOP, HIGH), edges(3, LEFT, WIDE))
    assert [row[0] for row in table.rows[1:]] == ["甲", "", "乙", ""]
    assert said(table)[1] == "类型：B；价格：2"
    assert table.doubt


def test_labels_at_the_top_of_groups_that_begin_alike_are_carried_down() -> None:
    rows: list[Row] = [RATES[0], ["甲", "A", "1"], ["", "B", "2"], ["乙", "A", "3"], ["", "B", "4"]]
    assert [row[:4] for row in unruled(rows)] == ["区域：甲"] * 2 + ["区域：乙"] * 2


def test_sum_without_a_name_does_not_get_that_of_the_row_above() -> None:
    rows: list[Row] = [["Item", "2023", "2022"], ["Sales", "9,410", "8,777"], ["Costs", "(5,120)", "(4,903)"]]
    rows += [["", "4,290", "3,874"], ["Tax", "(90)", "(80)"]]
    assert unruled(rows)[2] == "2023: 4,290; 2022: 3,874"


def test_cell_over_columns_has_no_name_and_a_title_is_no_row() -> None:
    rows: list[Row] = [
        [Cell("费用明细表", 1, 3), None, None],
        ["项目", "数量", "金额"],
        ["桌椅", "20", "6,000"],
        [Cell("全年合计支出", 1, 2), None, "8,400"],
        [Cell("备注：含税", 1, 3), None, None],
    ]
    assert said(read(drawn(rows))) == [
        "项目：桌椅；数量：20；金额：6,000",
        "全年合计支出；8,400",
        "备注：含税",
    ]


def test_words_without_padding_are_cut_at_the_rule_between_them() -> None:
    document = pymupdf.open()
    page = document.new_page()
    for number, text in enumerate(["品名单价", "螺栓三元", "垫圈一元"]):
        y = TOP + HIGH * number
        page.insert_text((LEFT, y + 16), text, fontsize=10, fontname="china-s")
        for x in (LEFT - 2, LEFT + 20, LEFT + 42):
            page.draw_line((x, y), (x, y + HIGH))
        page.draw_line((LEFT - 2, y), (LEFT + 42, y))
    assert said(read(document)) == ["品名：螺栓；单价：三元", "品名：垫圈；单价：一元"]


def test_a_long_text_over_rows_stands_once() -> None:
    note = "以发布后的十二个月"
    rows: list[Row] = [
        ["标准", "评级", "涨幅"],
        [Cell("\n".join([note] * 7), 4), "推荐", "15"],
        *([None, rating, change] for rating, change in (("谨慎", "5"), ("中性", "0"), ("回避", "3"))),
    ]
    assert said(read(drawn(rows))) == [
        f"标准：{note * 7}；评级：推荐；涨幅：15",
        "评级：谨慎；涨幅：5",
        "评级：中性；涨幅：0",
        "评级：回避；涨幅：3",
    ]
