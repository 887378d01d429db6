"""Names of columns: told by what the cells hold; keys and values have none."""

from __future__ import annotations

import pytest
from drawn_table import Cell, Row, drawn, read, said

from qa_engine.documents.pages.tables.header_rows import count_header_rows, is_key_value, names_anew
from qa_engine.documents.pages.tables.row_texts import column_names


@pytest.mark.parametrize(
    "rows",
    [
        [["DA0014", "10/06/2015", "VERIZON", "$312.40"], ["DA0015", "10/09/2015", "SMITH", "$95.00"]],
        [["云岭园", "在建", "18.6", "2026年9月"], ["南湾园", "已完工", "9.4", "2024年3月"]],
        [["1", "口蹄疫疫苗", "ZL200910092433"], ["2", "布病疫苗", "ZL201611031561"]],
        [["生物控股", "指", "金宇控股有限公司"], ["金宇保灵", "指", "金宇保灵公司"]],
        [["Sales", "$ (112)", "$ (113)"], ["Costs", "(1) %", "**"]],
        [["2021年", "2022年", "2023年"], ["2020年", "2021年", "2022年"]],
    ],
    ids=["codes", "dates and amounts", "numbered", "repeated words", "currencies", "years over years"],
)  # fmt: skip
def test_first_row_of_data_is_no_header(rows: list[list[str]]) -> None:
    assert count_header_rows(rows) == 0


@pytest.mark.parametrize(
    "rows",
    [
        [["公司的中文名称", "金宇生物技术股份有限公司"], ["公司的法定代表人", "张翀宇"]],
        [["股票简称", "北原精密"], ["股票代码", "600201"], ["电子信箱", "ir@a.example"]],
        [["姓名", "林一舟", "性别", "男"], ["手机", "13800000000", "部门", "质检部"], ["职务", "工程师", "学历", "本科"]],
        [["Name", "Ann Lee"], ["Phone", "555 0100"], ["E-mail", "ann@a.example"]],
        [["日期", "2024/4/30"], ["当前股价(元)", "8.92"], ["总市值(亿元)", "405.48"]],
    ],
    ids=["long value", "short values", "four columns", "English", "date"],
)  # fmt: skip
def test_keys_and_values_have_no_header(rows: list[list[str]]) -> None:
    assert is_key_value(rows)
    assert count_header_rows(rows) == 0


@pytest.mark.parametrize(
    "rows",
    [
        [["条款", "说明"], ["名称", "本合同的全称"], ["日期", "签订的日期"]],
        [["项目", "金额"], ["押金", "500"], ["租金", "3,200"]],
        [["Item", "December 31, 2023"], ["Cash", "12"], ["Debt", "7"]],
        [["材料名称", "用量"], ["水泥", "三吨"], ["黄沙", "五方"]],
    ],
)
def test_two_columns_with_names_are_no_keys_and_values(rows: list[list[str]]) -> None:
    assert not is_key_value(rows)
    assert count_header_rows(rows) == 1


def test_form_says_each_key_with_its_value() -> None:
    rows: list[Row] = [
        ["申请人", "高洁", "申请日期", "2024年5月6日"],
        ["所属部门", "信息中心", "联系电话", "010-66001234"],
        ["通信地址", Cell("江州市滨河路18号", 1, 3), None, None],
    ]
    table = read(drawn(rows))
    assert said(table) == [
        "申请人：高洁；申请日期：2024年5月6日",
        "所属部门：信息中心；联系电话：010-66001234",
        "通信地址：江州市滨河路18号",
    ]


def test_label_over_rows_before_keys_and_values() -> None:
    rows: list[Row] = [
        [Cell("会计师", 3), "机构名称", "致同"],
        [None, "办公地址", "深圳"],
        [None, "联系电话", "0755-1234567"],
    ]
    assert said(read(drawn(rows)))[1] == "会计师；办公地址：深圳"


def test_names_over_rows_and_columns_reach_all_that_they_span() -> None:
    rows: list[Row] = [
        [Cell("持有有限售\n条件股份", 2), Cell("产量", 1, 2), None, Cell("备注", 2)],
        [None, "2022", "2023", None],
        ["甲县", "310", "355", "无"],
    ]
    assert column_names(read(drawn(rows))) == ["持有有限售条件股份", "产量 2022", "产量 2023", "备注"]


def test_header_inside_of_a_table_changes_the_names() -> None:
    rows: list[Row] = [
        ["分行业", "收入", "成本"],
        ["疫苗", "10", "4"],
        [Cell("分产品情况", 1, 3), None, None],
        ["分产品", "收入", "成本"],
        ["口蹄疫", "8", "3"],
    ]
    assert said(read(drawn(rows))) == [
        "分行业：疫苗；收入：10；成本：4",
        "分产品情况",
        "",
        "分产品：口蹄疫；收入：8；成本：3",
    ]
    assert names_anew(["", "2020年末", "2019年末"], ["项目", "2020年", "2019年"])
    assert not names_anew(["现金", "2020", "1,999"], ["项目", "2020年", "2019年"])


def test_amounts_with_units_of_their_own_are_values_of_keys() -> None:
    cover = [["投资评级", "增持"], ["目标价", "32.50元"], ["总股本", "4.2亿股"], ["流通市值", "118亿元"]]
    assert is_key_value(cover)
    assert not is_key_value([["品名", "单价"], ["阀门", "32.5元"], ["弯头", "16元"], ["法兰", "40元"]])
    assert not is_key_value([["科目", "全年"], ["收入", "118"], ["成本", "97"], ["利润", "21"]])
