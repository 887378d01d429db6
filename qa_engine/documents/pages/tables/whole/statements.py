"""Recognises financial statements: the title and the row labels of a table in, which statement it is out.

Filings name the same statement in many ways (statement of income, of earnings, of operations, of profit or loss; 利润表,
损益表), and notes speak of statements in their titles. So a table is a statement only if its title and some of its labels
agree, or if it has most of the labels that only the statement has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

BALANCE_SHEET, INCOME_STATEMENT, CASH_FLOW_STATEMENT = (
    "balance_sheet",
    "income_statement",
    "cash_flow_statement",
)
EQUITY_STATEMENT, COMPREHENSIVE_INCOME, KEY_FIGURES = (
    "equity_statement",
    "comprehensive_income",
    "key_figures",
)
PARENT = "parent_"
"""Before the name of a statement of the parent company alone, or of some companies of a group."""


@dataclass(frozen=True)
class _Statement:
    """How one kind of statement is recognised and named.

    Attributes:
        names: its standard names in Chinese and English, which its table is found by, whatever its own title.
        title: what its title looks like.
        labels: what its rows or columns are called, one group for each of them.
        agreeing: so many of the labels are there if the title says so.
        telling: so many if it has no such title; 0 for a statement that is not recognised without one.
    """

    names: str
    title: re.Pattern[str]
    labels: tuple[re.Pattern[str], ...]
    agreeing: int
    telling: int


def _any_case(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.I) for pattern in patterns)


def _title(chinese: str, english: str) -> re.Pattern[str]:
    return re.compile(rf"({chinese})|\b({english})", re.I)


_STATEMENTS = {
    BALANCE_SHEET: _Statement(
        "资产负债表 balance sheet, statement of financial position",
        _title(
            "资产负债表|財務狀況表|财务状况表|資產負債表",
            r"balance sheets?|statements? of (consolidated )?financial (position|condition)",
        ),
        _any_case(
            r"^total assets|^资产(总计|合计)|^資產總[計額]|^资产总额",
            r"^total liabilities\b(?! and)|^负债(合计|总计)|^負債(總額|合計)",
            r"^total .*equity|^(所有者|股东)权益.*(合计|总计)|^(股東)?權益(總額|合計)",
            r"^total current assets|^流动资产合计|^流動資產(總額|合計)",
            r"^total (non-?)?current liabilities|^(非)?流动负债合计|^(非)?流動負債(總額|合計)",
            r"^(trade |accounts )?(and other )?payables?\b|^accounts payable|^应付账款",
            r"^retained earnings|^accumulated deficit|^未分配利润",
        ),
        2,
        4,
    ),
    CASH_FLOW_STATEMENT: _Statement(
        "现金流量表 cash flow statement, statement of cash flows",
        _title("现金流量表|現金流量表", r"statements? of (consolidated )?cash flows?|cash flow statements?"),
        _any_case(
            r"operating activities|经营活动|經營活動",
            r"investing activities|投资活动|投資活動",
            r"financing activities|筹资活动|融資活動|籌資活動",
            r"(beginning|end|start|close) of (the )?(year|period)|期[初末]现金|[年期][初末]",
            r"^depreciation|^销售商品、提供劳务收到的现金|^支付给职工",
            r"(increase|decrease|change).* in cash|现金及现金等价物净(增加|变动)",
        ),
        3,
        6,
    ),
    EQUITY_STATEMENT: _Statement(
        "所有者权益变动表 股东权益变动表 statement of changes in equity, shareholders' equity",
        _title(
            "(所有者|股东)权益变动表|權益變動表",
            r"statements? of (changes in )?(consolidated )?(share|stock)?(holders|owners)?['’]?s?['’]? ?(equity|deficit)",
        ),
        _any_case(
            r"^(ending |beginning )?balances?\b|^[一二三四]、(上年|本年)[年期]?[初末]",
            r"retained earnings|accumulated deficit|未分配利润",
            r"paid.?in capital|share premium|资本公积",
            r"comprehensive (income|loss)|综合收益",
            r"treasury|common (stock|shares)|ordinary shares|share capital|股本|盈余公积",
            r"dividends?|repurchase|利润分配",
        ),
        3,
        0,
    ),
    COMPREHENSIVE_INCOME: _Statement(
        "综合收益表 statement of comprehensive income",
        _title(
            "综合收益表|全面收益表",
            r"statements? of (consolidated )?(other )?comprehensive (income|loss|earnings)",
        ),
        _any_case(
            r"other comprehensive|其他综合收益|其他全面收益",
            r"comprehensive (income|loss|earnings)|综合收益总额|全面收益總額",
            r"net (income|earnings|loss|profit)|profit for the|净利润",
            r"translation|折算",
        ),
        2,
        0,
    ),
    INCOME_STATEMENT: _Statement(
        "利润表 损益表 income statement, statement of operations, profit and loss, earnings",
        _title(
            "利润表|损益表|損益表|利潤表",
            r"statements? of (consolidated )?(income|earnings|operations|profit|loss)|income statements?"
            r"|profit (and|or) loss( account| statement)?|consolidated (results of operations|income|earnings)\b",
        ),
        _any_case(
            r"^(total |net )?(operating )?(sales|revenues?)\b|营业(总)?收入|^收入|收益$",
            r"^(total )?costs? of (sales|revenues?|goods|products)|营业(总)?成本|銷售成本",
            r"^gross (profit|margin)|毛利",
            r"^(operating (income|profit|loss)|(income|loss|profit).* from operations)|营业利润|經營溢利",
            r"income tax|所得税|所得稅",
            r"^net (income|earnings|profit|loss)|^profit for the|净利润|年內溢利|本年利润",
            r"per share|每股",
            r"^interest expense|财务费用|管理费用|利润总额",
        ),
        3,
        6,
    ),
    KEY_FIGURES: _Statement(
        "主要会计数据 主要财务指标 key figures, financial highlights, selected financial data",
        _title(
            "主要(会计|财务)(数据|指标)|财务(概要|摘要|数据摘要)",
            r"(financial|performance) highlights|selected (consolidated )?financial (data|information)"
            r"|key (financial )?figures|(five|ten).year (summary|review|record)|financial summary",
        ),
        _any_case(
            r"revenues?|sales|营业(总)?收入",
            r"net (income|profit|earnings)|净利润",
            r"per share|每股",
            r"total assets|总资产|資產總",
            r"cash flow|cash provided|现金流量净额",
            r"return on|收益率|净资产",
        ),
        2,
        0,
    ),
}
"""In the order in which they are looked for: the title of a statement of comprehensive income holds that of an income
statement."""
_PARENT = re.compile(
    r"母公司|本公司(资产|利润|现金|股东)|公司(资产负债|利润|现金流量)表"
    r"|\b(parent|company) only|parent company|obligor|guarantor",
    re.I,
)
_CONSOLIDATED = re.compile(r"合并|合併|consolidated", re.I)
_MIN_ROWS = 12
"""A table without a title that says so is a statement from so many rows on."""


def statement_of(title: str, labels: Sequence[str], columns: Sequence[str] = ()) -> str:
    """Which statement a table is, as `BALANCE_SHEET` and so on, with `PARENT` before it; empty for any other table.

    Args:
        title: the lines above the table, its caption, and a title inside it.
        labels: of its rows.
        columns: their names, among which a statement of changes in equity has its labels.
    """
    found = ""
    for kind, statement in _STATEMENTS.items():
        texts = [*labels, *columns] if kind == EQUITY_STATEMENT else labels
        agreeing = sum(1 for label in statement.labels if any(label.search(text) for text in texts))
        if statement.title.search(title):
            if agreeing >= statement.agreeing:
                found = kind
                break
        elif statement.telling and len(labels) >= _MIN_ROWS and agreeing >= statement.telling and not found:
            found = kind
    if not found:
        return ""
    return f"{PARENT}{found}" if of_parent(title) else found


def of_parent(title: str) -> bool:
    """Whether a title says that what is below it is of the parent company alone, or of some companies of a group."""
    return _PARENT.search(title) is not None and _CONSOLIDATED.search(title) is None


def is_title(text: str) -> bool:
    """Whether a text is the title of a statement."""
    return any(statement.title.search(text) for statement in _STATEMENTS.values())


def standard_names(statement: str) -> str:
    """The names of a statement in Chinese and English; empty for none."""
    found = _STATEMENTS.get(statement.removeprefix(PARENT))
    return found.names if found is not None else ""
