"""Reads what a document says about itself on its first pages, in running headers, in the file's title and name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import NamedTuple

from qa_engine.documents.identity.kinds import kind_of, named_kind
from qa_engine.documents.identity.organisations import (
    defined_names,
    is_organisation,
    labelled,
    organisations_in,
    parties,
    registrant,
    securities,
    short_names,
    squeezed,
    tickers,
    titled,
)
from qa_engine.documents.identity.record import REPORTS, DocumentIdentity
from qa_engine.documents.identity.reported_periods import reported_period
from qa_engine.text.periods import Period, date_in, part_of_year, years_of

_FIRST_PAGES, _LABEL_PAGES, _MAX_LINES, _MAX_CHARS = 3, 8, 400, 1000
_MAX_TITLE = 80
_BOILERPLATE = re.compile(
    r"^\W*(?:united states|securities and exchange commission|form (?:10|20|8)|table of contents|contents|目\s*录|"
    r"for the (?:fiscal|quarter|year|transition)|[(（]?mark one|documents incorporated|abstract|introduction|washington|"
    r"part [iv]+\b|item \d|chapter \d|\d+(?:\.\d+)+|(?:19|20)\d\d\s*[-年./]\s*\d+\s*[-月./]|"
    r"证券研究报告|公司报告|公司代码|分析师|摘\s*要|重要提示|第[一二三四五六七八九十\d]+[章节])",
    re.I,
)
_JUNK_TITLE = re.compile(
    r"^(?:untitled|无标题|microsoft word|document\d*|幻灯片|powerpoint|slide|\(anonymous\)|unknown|pdf)|"
    r"\.(?:docx?|pdf|pptx?|tex|dvi|indd|xlsx?|html?)\b|^[\W\d_]*$|^(?:股份)?有限公司$",
    re.I,
)
_CODE = re.compile(r"[036]\d{5}")
"""Of a share in China."""
_FILE_SUFFIX = re.compile(r"\.(?:pdf|docx?|pptx?|xlsx?)$", re.I)
_KNOWN = 0.7
"""The share of the pairs of characters of a title in the file's metadata that the first page has as well."""
_BROKER = re.compile(r"([\u4e00-\u9fff]{2,4}证券)(?=股份有限公司|有限责任公司|有限公司|研究所)")
_MAKER = re.compile(r"(?:由|指)([\u4e00-\u9fff]{2,12}?公司)(?:生产|制造|研制)")
_MODEL = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,6}[A-Za-z]*-?\d+[A-Za-z]*(?:[-.]\d+[A-Za-z]*)*")
_REPORT_TITLE = re.compile(r"20\d\d\s*年?\s*(?:半?年度|第[一二三四]季度)\s*报告")
_NAME_PARTS = re.compile(r"[_\s]+|(?<=[^\d])-(?=\d{4}(?!\d))")
_DATE_PART = re.compile(r"(?:19|20)\d\d(?:[-.]?\d\d){0,2}|\d+")


class IdentityLine(NamedTuple):
    """A sentence, a heading or a row of a table.

    Attributes:
        text: its text.
        page: from 1; 0 if it is not known.
        heading: whether it is a heading.
    """

    text: str
    page: int
    heading: bool = False


def document_identity(
    lines: Sequence[IdentityLine],
    file_name: str,
    running: Iterable[str] = (),
    file_title: str = "",
    pages: int = 0,
) -> DocumentIdentity:
    """The identity of a document by rules; what none of them is sure of is empty.

    Args:
        lines: of the whole document, in order.
        file_name: the name of its file, which counts as evidence.
        running: headers and footers that were left out of the text.
        file_title: the title in the file's own metadata.
        pages: the number of its pages.
    """
    begin = [line._replace(text=line.text[:_MAX_CHARS]) for line in lines[:_MAX_LINES]]
    first = [line for line in begin if line.page <= _FIRST_PAGES]
    first_page = [line for line in first if line.page <= 1] or first[:40]
    front = [line.text for line in first_page]
    start = "\n".join(line.text for line in begin if line.page <= _LABEL_PAGES)
    stem = PurePath(file_name).stem
    title = _title(first_page, stem, file_title)
    kind = kind_of(title, stem, front, pages)
    organisation, names = _organisation(first_page, lines, start, running, stem, kind)
    period = _period(title, stem, kind, [line.text for line in first], (line.text for line in lines))
    product = ""
    if kind in {"data_sheet", "manual"}:
        model = _MODEL.search(title) or _MODEL.search(stem)
        product = model.group() if model is not None else ""
    return DocumentIdentity(title, organisation, names, kind, period, product)


def _title(first_page: Sequence[IdentityLine], stem: str, file_title: str) -> str:
    """The title of the file's metadata if it is one, else the first telling heading, else the name of the file."""
    own = _FILE_SUFFIX.sub("", " ".join(file_title.split()))
    front = squeezed(" ".join(line.text for line in first_page))
    pairs = [squeezed(own)[at : at + 2] for at in range(len(squeezed(own)) - 1)]
    known = sum(pair in front for pair in pairs) >= _KNOWN * len(pairs)  # else it is that of a template
    if 6 <= len(own) <= _MAX_TITLE and not _JUNK_TITLE.search(own) and known:
        return own
    for line in first_page[:12]:
        report = _REPORT_TITLE.search(line.text)
        if report is not None and len(line.text) <= _MAX_TITLE:
            return re.sub(r"\s+", "", report.group())
    for line in first_page:
        text = " ".join(line.text.split())
        if (
            line.heading
            and 4 <= len(text) <= _MAX_TITLE
            and not _BOILERPLATE.match(text)
            and not is_organisation(text)
        ):
            return text
    return stem.replace("_", " ").strip()


def _organisation(
    first_page: Sequence[IdentityLine],
    all_lines: Sequence[IdentityLine],
    start: str,
    running: Iterable[str],
    stem: str,
    kind: str,
) -> tuple[str, tuple[str, ...]]:
    """The full name of the organisation, and its other names."""
    lines = [line.text.strip() for line in first_page]
    texts = start.split("\n")
    stem_parts = [part for part in _NAME_PARTS.split(stem) if part]
    named = [name for part in stem_parts for name in organisations_in(part)]
    charter = registrant(lines)
    alone = [line.strip(" .") for line in lines if is_organisation(line)]
    headers = Counter(name for text in running if len(text) <= 80 for name in organisations_in(text))
    candidates = [
        labelled(texts, "full"),
        *named,
        charter,
        *filter(None, map(titled, lines[:20])),
        *alone,
        *(name for name, _ in headers.most_common(1)),
    ]
    organisation = next(filter(None, candidates), "")
    names = [labelled(texts, "short"), labelled(texts, "code")] if organisation or kind in REPORTS else []
    if kind == "broker_report":
        listed = [pair for line in lines for pair in securities(line)] or securities(stem)
        brokers = Counter(name for line in all_lines for name in _BROKER.findall(line.text))
        broker = next((name for name, count in brokers.most_common(1) if count > 1 or len(brokers) == 1), "")
        # It is about a company; one without a company in its first lines is about a trade.
        organisation, *names = (*listed[0], broker) if listed else (broker,)
    elif kind == "contract":
        both = parties(start)
        organisation = next(iter(both), organisation)
        names += [name for party in both for name in (party, *short_names(party, start))]
    elif kind in {"data_sheet", "manual"} and not organisation:
        makers = [name for line in all_lines[:_MAX_LINES] for name in _MAKER.findall(line.text[:_MAX_CHARS])]
        organisation = next(iter(makers), "")
        names += short_names(organisation, start)
    elif organisation:
        names += defined_names(start, organisation) + short_names(organisation, start) + tickers(start)
    if organisation or kind in REPORTS:
        names += _from_file_name(stem_parts, start)
    if not organisation and names:
        organisation = next(filter(None, names), "")
    own = {squeezed(organisation)}
    unique: dict[str, str] = {}
    for name in filter(None, names):
        key = squeezed(name)
        if len(key) >= 2 and key not in own:
            unique.setdefault(key, name)
    return organisation, tuple(unique.values())


def _from_file_name(parts: Sequence[str], start: str) -> list[str]:
    """Parts of a file's name that the first pages have as well, and that name no kind and no date."""
    squeezed_start = squeezed(start)
    if len(parts) < 2:
        return []
    return [
        part
        for part in parts
        if 2 <= len(squeezed(part)) <= 20
        and (not _DATE_PART.fullmatch(part) or _CODE.fullmatch(part))
        and not _recent_years(part)
        and not named_kind(part)
        and not organisations_in(part)
        and squeezed_start.count(squeezed(part)) >= (1 if _CODE.fullmatch(part) else 2)
    ]


def _period(title: str, stem: str, kind: str, first_texts: Sequence[str], all_texts: Iterable[str]) -> Period:
    """The period of a report; of other documents the year that the title has, and the date of issue."""
    file_years, title_years = _years_of_name(stem), _recent_years(title)
    quarterly = kind == "quarterly_report"
    if kind in REPORTS:
        is_form = kind != "earnings_release"  # whose tables begin with the year before
        period = reported_period(first_texts, all_texts, quarterly) if is_form else Period()
        own = next((found for text in (title, *first_texts) if (found := _own_year(text, kind))), 0)
        part = period.part or (part_of_year(title) or part_of_year(stem) if kind != "annual_report" else "")
        if period.year:
            if file_years and file_years[-1] in {period.calendar_year, period.year}:
                named = file_years[-1]  # somebody who knows the company called it so
                other = period.calendar_year if named == period.year else period.year
                period = replace(period, year=named, calendar_year=other if other != named else 0)
            return replace(period, part=part)
        year = own or next(iter([*file_years[-1:], *title_years]), 0)
        if kind == "earnings_release" and part == "Q4":
            part = ""  # the last quarter is told with the whole year
        return Period(year, part=part)
    year = title_years[0] if title_years else 0
    return Period(
        year,
        end=next(filter(None, map(date_in, first_texts)), "")
        if kind in {"broker_report", "contract", "law"}
        else "",
    )


def _own_year(text: str, kind: str) -> int:
    """The year of a line such as “2020 年年度报告” or “Fiscal 2023 results”."""
    if len(text) > 120 or not (named_kind(text) == kind or re.search(r"\bfiscal 20\d\d\b", text, re.I)):
        return 0
    return next(iter(_recent_years(text)), 0)


def _years_of_name(stem: str) -> list[int]:
    """The years in a file's name; a whole date is that of its publication."""
    return _recent_years(re.sub(r"(?:19|20)\d\d[-.]\d\d[-.]\d\d", " ", stem).replace("_", " "))


def _recent_years(text: str) -> list[int]:
    """The years of a name or title that a document may be about: not the Act of 1934, nor a number such as 1860."""
    return [year for year in years_of(text) if 1950 <= year < 2070]
