"""Titles and labels in, the kind of statement out; a table that only speaks of a statement is none."""

from __future__ import annotations

import pytest

from qa_engine.documents.pages.tables.whole.statements import standard_names, statement_of

INCOME = ["Net sales", "Cost of sales", "Operating income", "Income taxes", "Net income"]
BALANCE = [
    "Cash and cash equivalents",
    "Total current assets",
    "Total assets",
    "Total liabilities",
    "Total equity",
]
FLOWS = [
    "Cash flows from operating activities",
    "Depreciation and amortization",
    "Cash flows from investing activities",
    "Cash flows from financing activities",
]
LIRUN = ["一、营业总收入", "二、营业总成本", "三、营业利润", "四、利润总额", "减：所得税费用", "五、净利润"]
ZICHAN = ["货币资金", "流动资产合计", "资产总计", "流动负债合计", "负债合计", "所有者权益合计"]
LIULIANG = ["经营活动产生的现金流量净额", "投资活动产生的现金流量净额", "筹资活动产生的现金流量净额"]


@pytest.mark.parametrize(
    ("title", "labels"),
    [
        ("Supplemental Balance Sheet Information", ["Accounts receivable", "Other", "Prepaid expenses"]),
        (
            "Amounts recognized in the consolidated balance sheet",
            ["Non-current liability", "Accrued benefit"],
        ),
        ("合并资产负债表项目注释 货币资金", ["库存现金", "银行存款", "合计"]),
        ("Cash flows", FLOWS),
        ("Segment results", INCOME),
        ("", []),
    ],
)
def test_no_statement(title: str, labels: list[str]) -> None:
    assert statement_of(title, labels) == ""


@pytest.mark.parametrize(
    ("title", "labels", "expected"),
    [
        ("Acme Inc. Consolidated Statements of Income (in millions)", INCOME, "income_statement"),
        ("CONSOLIDATED STATEMENTS OF OPERATIONS", INCOME, "income_statement"),
        ("Condensed Consolidated Statement of Earnings (unaudited)", INCOME, "income_statement"),
        ("Consolidated income statement", [*INCOME[:3], "Profit for the year"], "income_statement"),
        ("Statement of profit or loss", INCOME, "income_statement"),
        ("Consolidated Balance Sheets", BALANCE, "balance_sheet"),
        ("Consolidated Statement of Financial Position", BALANCE, "balance_sheet"),
        ("Consolidated Statements of Cash Flows", FLOWS, "cash_flow_statement"),
        (
            "Statements of Comprehensive Income",
            ["Net income", "Other comprehensive income"],
            "comprehensive_income",
        ),
        ("合并利润表 2020年1—12月 单位：元", LIRUN, "income_statement"),
        ("母公司利润表", LIRUN, "parent_income_statement"),
        ("合并资产负债表", ZICHAN, "balance_sheet"),
        ("母公司资产负债表 单位：元 币种：人民币", ZICHAN, "parent_balance_sheet"),
        ("Balance Sheet for Obligor Group", BALANCE, "parent_balance_sheet"),
        ("合并现金流量表", LIULIANG, "cash_flow_statement"),
        ("(一) 主要会计数据", ["营业收入", "归属于上市公司股东的净利润", "总资产"], "key_figures"),
        ("Financial highlights", ["Revenue", "Earnings per share", "Total assets"], "key_figures"),
    ],
)
def test_statement_by_title_and_labels(title: str, labels: list[str], expected: str) -> None:
    assert statement_of(title, labels) == expected


def test_changes_in_equity_have_their_labels_in_the_columns() -> None:
    columns = ["Common stock", "Additional paid-in capital", "Retained earnings", "Total"]
    title = "Consolidated Statements of Shareholders' Equity"
    assert statement_of(title, ["Balances at January 1"], columns) == "equity_statement"
    assert (
        statement_of("合并所有者权益变动表", ["一、上年期末余额"], ["股本", "资本公积", "未分配利润"])
        == "equity_statement"
    )


def test_most_of_the_labels_make_a_statement_without_a_title() -> None:
    assert (
        statement_of("(In millions)", [*BALANCE, *(f"Item {number}" for number in range(12))])
        == "balance_sheet"
    )


def test_standard_names_are_in_both_languages() -> None:
    assert "利润表" in standard_names("income_statement")
    assert "income statement" in standard_names("parent_income_statement")
    assert standard_names("") == ""
