"""Periods that documents report on and that questions ask for: years as the organisation names them, parts, dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_YEAR = r"(?:19[5-9]|20[0-6])\d"
_MONTHS = {
    **{"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8},
    **{"september": 9, "october": 10, "november": 11, "december": 12},
}
_ENGLISH_DATE = rf"(?P<month>{'|'.join(_MONTHS)})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>{_YEAR})"
_ENDED = re.compile(
    rf"\b(?:fiscal|financial)?\s*(?:year|quarterly period|quarter|period|months|weeks)\s+ended:?\s+{_ENGLISH_DATE}",
    re.I,
)
_ISO_DATE = re.compile(
    rf"(?<!\d)(?P<year>{_YEAR})\s?[-_./年]\s?(?P<month>\d{{1,2}})\s?[-_./月]\s?(?P<day>\d{{1,2}})(?!\d)"
)
_FISCAL = re.compile(rf"\bfiscal\s+(?:year\s+)?({_YEAR})\b", re.I)
_FISCAL_QUARTER = re.compile(
    rf"\b(first|second|third|fourth)\s+(?:fiscal\s+)?quarter\s+(?:of\s+)?(?:fiscal\s+)?(?:year\s+)?({_YEAR})\b",
    re.I,
)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "一": 1, "二": 2, "三": 3, "四": 4}
_PARTS = (
    (re.compile(r"(?<![A-Za-z])Q([1-4])(?![0-9A-Za-z])|(?<![0-9])([1-4])Q(?![A-Za-z])", re.I), "Q"),
    (
        re.compile(
            r"(?:第)?([一二三四1-4])\s*季(?:度|报)?|\b(first|second|third|fourth)\s+(?:fiscal\s+)?quarter\b",
            re.I,
        ),
        "Q",
    ),
    (
        re.compile(
            r"半年(?:度|报)?|上半年|中期报告|\bhalf[- ]year|(?<![A-Za-z])H1(?![0-9A-Za-z])|(?<![0-9])1H(?![A-Za-z])",
            re.I,
        ),
        "H1",
    ),
)
_NAMED_YEAR = re.compile(
    rf"(?<![A-Za-z])F\.?Y\.?\s*-?(?P<fiscal>{_YEAR}|\d\d)(?!\d)|(?<![\d.,])(?P<year>{_YEAR})(?![\d.,]\d|\d)(?P<quarter>Q[1-4])?"
    r"|(?<!\d)(?P<short>\d\d)(?=Q[1-4](?!\d)|年(?:年?报|度|全年|上半年|[一二三四]季))",
    re.I,
)
_AFTER_QUARTER = re.compile(r"Q[1-4]\s*(?:of\s+)?(?:FY)?\s*(\d\d)(?!\d)", re.I)


@dataclass(frozen=True)
class Period:
    """A year, or a part of it.

    Attributes:
        year: the year as the organisation names it; 0 without one. The fiscal year 2023 of a shop ends in January 2023.
        calendar_year: the year that most of its days are in, if that is another one.
        part: ``Q1`` to ``Q4`` or ``H1``; empty for a whole year.
        end: its last day, or the day of issue, as an ISO date; empty if that is not known.
    """

    year: int = 0
    calendar_year: int = 0
    part: str = ""
    end: str = ""

    @property
    def label(self) -> str:
        """Such as ``2023`` or ``2024Q2``; empty without a year."""
        return f"{self.year}{self.part}" if self.year else ""

    @property
    def chinese(self) -> str:
        """Such as ``2023年`` or ``2024年第二季度``; empty without a year."""
        parts = {"": "", "H1": "上半年", **{f"Q{n}": f"第{'一二三四'[n - 1]}季度" for n in range(1, 5)}}
        return f"{self.year}年{parts.get(self.part, self.part)}" if self.year else ""


NO_PERIOD = Period()


def period_of(text: str) -> Period:
    """The period that a short text names, such as ``2023``, ``FY2023``, ``2024Q2``, ``2020年半年度`` or ``2023-01-28``."""
    date = _ISO_DATE.search(text)
    if date is not None:
        return Period(int(date["year"]), end=_iso(date))
    years = named_years(text)
    return Period(years[0], part=named_part(text)) if years else Period()


def named_years(text: str) -> list[int]:
    """The years that a text names, each once, in their order: ``2022``, ``FY22``, ``22年``, ``24Q1``."""
    years = []
    for match in _NAMED_YEAR.finditer(text):
        digits = match["fiscal"] or match["year"] or match["short"]
        years.append(int(digits) if len(digits) == 4 else 2000 + int(digits))
    years += [2000 + int(match[1]) for match in _AFTER_QUARTER.finditer(text)]
    return list(dict.fromkeys(years))


def named_part(text: str) -> str:
    """The first part of a year that a text names, see `Period.part`; empty without one."""
    for pattern, part in _PARTS:
        match = pattern.search(text)
        if match is not None:
            number = next(filter(None, match.groups()), "")
            return f"{part}{_ORDINALS.get(number.lower(), number)}" if part == "Q" else part
    return ""


def reported_period(first_texts: Iterable[str], all_texts: Iterable[str], is_quarterly: bool) -> Period:
    """The period of a report that says “for the fiscal year ended …” on its first pages.

    The year is named as the document itself does most often, ``fiscal 2023``, among the two that the last day allows: the
    year that ends on January 28, 2023 is fiscal 2023 to one shop and fiscal 2022 to another.

    Args:
        first_texts: of the first pages.
        all_texts: of the whole document.
        is_quarterly: whether it reports on a quarter.
    """
    match = next(filter(None, map(_ENDED.search, first_texts)), None)
    if match is None:
        return Period()
    year, month = int(match["year"]), _MONTHS[match["month"].lower()]
    calendar = year - 1 if month <= 5 and not is_quarterly else year
    quarters, mentions = Counter[tuple[int, int]](), Counter[int]()
    for text in all_texts:
        if "iscal" in text or "ISCAL" in text or "quarter" in text:
            mentions.update(int(found) for found in _FISCAL.findall(text))
            quarters.update(
                (int(when), _ORDINALS[which.lower()]) for which, when in _FISCAL_QUARTER.findall(text)
            )
    allowed = (year, year + 1) if is_quarterly else (year, year - 1)
    named = (
        max(allowed, key=lambda one: (mentions[one], one == year))
        if max(mentions[one] for one in allowed) > 2
        else year
    )
    part = ""
    if is_quarterly:
        own = {quarter: count for (when, quarter), count in quarters.items() if when == named}
        calendar_quarter = month // 3 if month % 3 == 0 else 0
        number = max(own, key=own.__getitem__) if own else calendar_quarter
        part = f"Q{number}" if number else ""
    return Period(named, calendar if calendar != named else 0, part, _iso(match, month))


def issue_date(texts: Iterable[str]) -> str:
    """The first full date in some texts, as an ISO date; empty without one."""
    match = next(filter(None, map(_ISO_DATE.search, texts)), None)
    return _iso(match) if match is not None else ""


def _iso(match: re.Match[str], month: int = 0) -> str:
    month, day = month or int(match["month"]), int(match["day"])
    return f"{match['year']}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else ""
