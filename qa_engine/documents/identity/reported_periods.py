"""The period that an English report says it is for: “for the fiscal year ended January 28, 2023”."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from qa_engine.text.numbers import MONTHS
from qa_engine.text.periods import Period, iso_date, part_of_year

_YEAR = r"(?:19[5-9]|20[0-6])\d"
_MONTHS = "|".join(name for name in MONTHS if len(name) > 4 or name in {"may", "june", "july"})
_ENGLISH_DATE = rf"(?P<month>{_MONTHS})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>{_YEAR})"
_ENDED = re.compile(
    rf"\b(?:fiscal|financial)?\s*(?:year|quarterly period|quarter|period|months|weeks)\s+ended:?\s+{_ENGLISH_DATE}",
    re.I,
)
_FISCAL = re.compile(rf"\bfiscal\s+(?:year\s+)?({_YEAR})\b", re.I)
_FISCAL_QUARTER = re.compile(
    r"\b(?:first|second|third|fourth)\s+(?:fiscal\s+)?quarter\s+(?:of\s+)?(?:fiscal\s+)?(?:year\s+)?"
    rf"({_YEAR})\b",
    re.I,
)


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
    year, month = int(match["year"]), MONTHS[match["month"].lower()]
    calendar = year - 1 if month <= 5 and not is_quarterly else year
    quarters, mentions = Counter[tuple[int, str]](), Counter[int]()
    for text in all_texts:
        if "iscal" in text or "ISCAL" in text or "quarter" in text:
            mentions.update(int(found) for found in _FISCAL.findall(text))
            quarters.update((int(one[1]), part_of_year(one[0])) for one in _FISCAL_QUARTER.finditer(text))
    allowed = (year, year + 1) if is_quarterly else (year, year - 1)
    named = (
        max(allowed, key=lambda one: (mentions[one], one == year))
        if max(mentions[one] for one in allowed) > 2
        else year
    )
    part = ""
    if is_quarterly:
        own = {quarter: count for (when, quarter), count in quarters.items() if when == named}
        calendar_quarter = f"Q{month // 3}" if month % 3 == 0 else ""
        part = max(own, key=own.__getitem__) if own else calendar_quarter
    return Period(named, calendar if calendar != named else 0, part, iso_date(year, month, int(match["day"])))
