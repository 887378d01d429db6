"""Rows of tables: what is a label, which label and which column are asked for, and what is said in figures."""

from __future__ import annotations

import pytest

from qa_engine.answering.extractive.figures import figure, not_computed, unit_above
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.rows import (
    AskedLabel,
    Cell,
    Row,
    label_match,
    period_match,
    row_period_match,
)
from qa_engine.types import PassageSentence

REVENUE = "项目：营业收入；2022年：39,700；2021年：36,500"


def said(question: str, text: str, unit: str = "", year: int | None = None) -> str:
    return figure(Row.of(text), AskedLabel.of(question), QuestionKind.of(question), year, unit)


@pytest.mark.parametrize("text", ["", "；", "：", "；；：；"])
def test_broken_rows_do_no_harm(text: str) -> None:
    row = Row.of(text)
    assert said("营业收入是多少？", text) == "" or row.cells
    assert label_match(row, AskedLabel.of("营业收入")) == 0.0


def test_rows_and_pairs_are_told_apart() -> None:
    assert Row.of(REVENUE) == Row("营业收入", "项目", (Cell("2022年", "39,700"), Cell("2021年", "36,500")))
    assert Row.of("法定代表人：张三") == Row("法定代表人", "", (Cell("", "张三"),))
    assert Row.of("股票代码：600000；股票简称：甲乙").label == ""
    assert Row.of("Revenue; 2022: 1,200; 2021: 900").label == "Revenue"


def test_a_column_of_numbers_is_no_label() -> None:
    row = Row.of("No.: 1.1.5；参数：电池内阻；规格：≤0.45mΩ；条件：25℃")
    assert (row.label, row.corner, len(row.cells)) == ("电池内阻", "参数", 2)


def test_an_exact_label_comes_before_a_longer_one() -> None:
    asked = AskedLabel.of("2022年营业收入是多少？")
    exact, longer, other = (
        label_match(Row.of(f"{label}；2022年：1"), asked)
        for label in ("营业收入", "其他业务营业收入占比", "应付账款")
    )
    assert exact > longer > other == 0.0


def test_the_names_of_columns_are_labels_too() -> None:
    asked = AskedLabel.of("口蹄疫疫苗的销售量")
    named = label_match(Row.of("口蹄疫疫苗；生产量：10；销售量：20"), asked)
    assert named > label_match(Row.of("口蹄疫疫苗；生产量：10；库存量：20"), asked)


@pytest.mark.parametrize(
    ("question", "name", "year", "verdict"),
    [
        ("2022年营业收入", "2022年", None, 1),
        ("2022年营业收入", "2021年度", None, -1),
        ("2022年营业收入", "本期发生额", 2022, 1),
        ("2021年营业收入", "上期发生额", 2022, 1),
        ("2022年末负债", "期初余额", 2022, -1),
        ("2022年营业收入", "本期发生额", None, 0),
        ("营业收入", "2022年", 2022, 0),
        ("2022年第三季度营业收入", "第三季度", 2022, 1),
        ("2022年第三季度营业收入", "第一季度", 2022, -1),
        ("FY2022 revenue", "2022", None, 1),
    ],
)
def test_periods(question: str, name: str, year: int | None, verdict: int) -> None:
    assert period_match(name, QuestionKind.of(question), year) == verdict


def test_a_row_is_of_the_period_of_one_of_its_columns() -> None:
    assert row_period_match(Row.of(REVENUE), QuestionKind.of("2021年营业收入"), None) == 1
    assert row_period_match(Row.of(REVENUE), QuestionKind.of("2015年营业收入"), None) == -1
    compared = Row.of("产品：水泥；销售量：31.5；销售量比上年增减（%）：4.2")
    assert row_period_match(compared, QuestionKind.of("2022年水泥卖了多少"), 2022) == 0


def test_the_asked_cell_has_label_unit_and_period() -> None:
    assert said("2022年营业收入是多少？", REVENUE, "万元") == "营业收入（万元），2022年：39,700"
    assert said("2021年营业收入是多少？", REVENUE, "万元") == "营业收入（万元），2021年：36,500"


def test_without_an_asked_column_the_whole_row_is_said() -> None:
    assert said("营业收入是多少？", REVENUE, "万元") == "营业收入（万元），2022年：39,700；2021年：36,500"


def test_a_column_is_asked_for_by_its_name() -> None:
    row = "口蹄疫疫苗；生产量：10；销售量：20；库存量：30"
    assert said("口蹄疫疫苗的销售量是多少？", row) == "口蹄疫疫苗，销售量：20"


def test_units_are_not_given_twice_nor_to_ratios() -> None:
    assert said("毛利率是多少？", "项目：毛利率；2022年：28.1%；2021年：27.0%", "万元").startswith("毛利率，")
    assert "万元" not in said("每股收益", "每股收益（元/股）；2022年：0.36；2021年：0.20", "万元")
    assert said("净利润", "利润表(百万元)：净利润；2022A: -18", "").startswith("净利润（百万元），")


def test_rows_without_figures_are_quoted_as_they_stand() -> None:
    assert said("法定代表人是谁？", "法定代表人：张三") == ""


def test_a_growth_takes_the_column_of_changes() -> None:
    row = "营业收入；2022年：39,700；2021年：36,500；增减(%)：8.77"
    assert said("2022年营业收入比2021年增长多少？", row) == "营业收入，增减(%)：8.77"


def test_a_difference_is_not_computed() -> None:
    kind = QuestionKind.of("2022年营业收入比2021年多多少？")
    text = said("2022年营业收入比2021年多多少？", REVENUE, "万元")
    assert "39,700" in text
    assert "36,500" in text
    assert "没有计算" in not_computed(kind, text)
    assert not_computed(QuestionKind.of("营业收入是多少？"), text) == ""


@pytest.mark.parametrize(
    ("above", "unit"),
    [
        ("单位：万元 币种：人民币", "万元"),
        ("√适用 □不适用单位：元", "元"),
        ("(In millions of U.S. dollars)", "millions of U.S. dollars"),
        ("公司的主要指标", ""),
    ],
)
def test_the_unit_stands_above_the_table(above: str, unit: str) -> None:
    rows = [PassageSentence(f"d-{n}", REVENUE, table=3, role="table") for n in range(3)]
    assert unit_above([PassageSentence("d", above), *rows], 3) == unit
