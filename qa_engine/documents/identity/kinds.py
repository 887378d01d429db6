"""Kinds of documents: what a first page, a file name or a question calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMED = (
    (
        "broker_report",
        r"证券研究报告|研报|(?:季|年|中)报点评|(?:公司|行业)(?:点评|深度|研究)报告|\bequity research",
    ),
    ("half_year_report", r"半年度报告|半年报|中期报告|\bhalf[- ]year(?:ly)? report|\binterim report"),
    (
        "quarterly_report",
        r"(?<![A-Za-z0-9])10[-_ ]?Q(?![A-Za-z0-9])|"
        r"(?:第[一二三四]|[一二三四1-4])季度?报告?|季报|季度报告|\bquarterly report",
    ),
    (
        "annual_report",
        r"(?<![A-Za-z0-9])10[-_ ]?K(?![A-Za-z0-9])|(?<!半)年度报告|年报|\bannual report|(?<![A-Za-z0-9])20-F(?![A-Za-z0-9])",
    ),
    (
        "earnings_release",
        r"业绩(?:公告|快报|预告)|\bearnings (?:press )?release|(?<![A-Za-z])EARNINGS(?![A-Za-z])",
    ),
    ("data_sheet", r"规格书|数据手册|技术规格|data ?sheet|specification sheet"),
    ("handbook", r"员工手册|学生手册|\bemployee handbook"),
    (
        "manual",
        r"使用说明书?|用户手册|操作(?:手册|指南)|安装(?:手册|指南)|维修手册|故障排查指南|"
        r"\buser(?:'s)? (?:manual|guide)|instruction manual",
    ),
)
_KINDS = tuple((kind, re.compile(words, re.I)) for kind, words in _NAMED)
_LAW = re.compile(r"(?:法|条例|办法|规定|规则|细则)$")
_ARTICLE = re.compile(r"第[一二三四五六七八九十百\d]+条")
_CONTRACT = re.compile(r"(?:合同|协议书?)$|\b(?:agreement|contract)$", re.I)
_ABSTRACT = re.compile(r"^\s*(?:abstract|摘\s*要)\b", re.I)
_RELEASE = re.compile(
    r"\breports? (?:\w+ ){0,4}(?:quarter|fiscal|full[- ]year|annual)\b.{0,40}\bresults", re.I
)
_RATING = re.compile(r"投资评级|(?:买入|增持|中性|减持)\s*[（(](?:维持|首次|上调|下调)|证券研究报告|分析师")
_FORM = re.compile(r"^\W*form\s+(10-?K|10-?Q|20-?F)\b", re.I)
_FORMS = {"10K": "annual_report", "20F": "annual_report", "10Q": "quarterly_report"}


def named_kind(text: str) -> str:
    """The kind that a text calls a document by its name; empty without one. The first in the order of the list counts.

    Example:
        >>> named_kind("3M_2022_10K"), named_kind("生物股份2020年年报")
        ('annual_report', 'annual_report')
    """
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "")


def kind_of(title: str, stem: str, first_lines: Sequence[str], pages: int) -> str:
    """The kind of a document; empty if nothing says it.

    Args:
        title, stem: its title, and the name of its file without the suffix.
        first_lines: the lines of its first page.
        pages: the number of its pages.
    """
    form = next(filter(None, map(_FORM.search, first_lines)), None)
    if form is not None:
        return _FORMS[form[1].upper().replace("-", "")]
    start = "\n".join(first_lines)
    if len(set(_RATING.findall(start))) > 1:
        return "broker_report"
    named = named_kind(stem.replace("_", " ")) or named_kind(title)
    if named:
        return named
    if any(_RELEASE.search(line) for line in first_lines[:6]):
        return "earnings_release"
    if _LAW.search(title) and _ARTICLE.search(start):
        return "law"
    if _CONTRACT.search(title):
        return "contract"
    if pages <= 80 and any(map(_ABSTRACT.search, first_lines)):
        return "paper"
    # In the first lines that stand alone, longer ones speak of other documents.
    return next(filter(None, (named_kind(line) for line in first_lines[:12] if len(line) <= 40)), "")
