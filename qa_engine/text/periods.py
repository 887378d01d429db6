"""Years and parts of years that texts name, in any writing: 2023年, 二〇二三年, FY23, 24Q1, 2023/24, 第二季度, 上半年."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qa_engine.text.language import is_chinese
from qa_engine.text.numbers import parse_number

_FULL = r"(?:1[5-9]|20)\d\d"
_YEAR = re.compile(
    rf"(?<!\d)(?:(?<=\d{{4}},)|(?<!\d[.,]))(?P<full>{_FULL})(?!\d|\.\d|,\d{{3}}(?!\d)|号)(?:/(?P<next>\d\d)(?![\d/]))?"
    r"|(?P<han>[一二][〇零○一二三四五六七八九]{3})(?=年)"
    rf"|(?<![A-Za-z])F\.?Y\.?\s?[-']?(?P<fiscal>{_FULL}|\d\d)(?!\d)"
    r"|(?<!\d)(?<!\d[.,])(?P<short>\d\d)(?=\s?[QH][1-4](?!\d)|(?:[-–~至/]\d\d){0,2}年(?!以|内|间|代|期|来)|(?-i:E)(?![A-Za-z0-9]))"
    rf"|(?<![A-Za-z0-9])(?:[1-4][QH]|[QH][1-4]\s?(?:of\s)?(?:FY|[\s']))\s?(?P<after>{_FULL}|\d\d)(?![\d%]|[.,]\d)",
    re.IGNORECASE,
)
_SHORT_AS_YEAR = re.compile(r"[QH][1-4](?!\d)|年(?:年?报|度|[上下]半年|第?[一二三四1-4]\s*季)")
_SHORT_FIRST = re.compile(r"(?:^|['’‘])\s*$")
_SHORT_AT_START = re.compile(r"年(?![以之]?[内间前后来上下]|代|期|[工司教]龄|质?保|老|的?时间|寿命|使用)")
"""A year of two digits begins a question or stands behind an apostrophe, and is not how long something takes."""
_TOLD_AS_YEAR = re.compile(
    r"\s*(?:财年|[版款](?!本)|年(?!代|以?[前后来起]|之[前后]|内|间|轮)|[QH][1-4](?!\d)|[AE](?![A-Za-z]))"
    rf"|\s*[-–—~至到和与及、/]\s*{_FULL}\s*年"
)
_COUNTED = (
    "samples|tokens|words|people|persons|times|users|hours|days|years|months|weeks|miles|met(?:er|re)s|units|examples|images"
    "|pages|steps|points|dollars|employees|questions|documents|layers|parameters|items|copies|feet|kg|km"
)
_NO_YEAR_BEFORE, _NO_YEAR_BEHIND = (
    re.compile(r"[\w.,$€£-]$"),
    re.compile(rf"\w|\s*%|\s+(?:{_COUNTED})\b|-[a-z]", re.I),
)
_HALF_OF = r" half(?= (?:of )?(?:fiscal )?(?:year )?(?:FY)?[0-9]{2})"
_PART = re.compile(
    r"第(?P<han>[一二三四1-4])\s*季|(?P<bare>[一二三四1-4])\s*季[度报]"
    r"|(?<![A-Za-z])Q(?P<behind>[1-4])(?!\d)|(?<!\d)(?P<before>[1-4])Q(?![A-Za-z])"
    r"|\b(?P<word>first|second|third|fourth)[\s-]+(?:fiscal\s+)?quarters?\b"
    rf"|(?P<half>上半年|半年[度报]|中期报告|\b(?:half[- ]year|first{_HALF_OF})"
    r"|(?<![A-Za-z])H1(?![A-Za-z0-9])|(?<!\d)1H(?![A-Za-z]))"
    rf"|(?P<later>下半年|\bsecond{_HALF_OF}|(?<![A-Za-z])H2(?![A-Za-z0-9])|(?<!\d)2H(?![A-Za-z]))",
    re.IGNORECASE,
)
_BARE_PART = re.compile(r"uarter|\bhalf\b|(?<![A-Za-z])[QH][1-4](?!\d)|(?<!\d)[1-4][QH](?![A-Za-z])")
_ORDINALS = {"一": 1, "二": 2, "三": 3, "四": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}
_PERIOD_WORDS = re.compile(
    r"(?:FY)?(?:19|20)[0-9]{2}\s*(?:年度?)?(?:\s*[0-9]{1,2}\s*月(?:\s*[0-9]{1,2}\s*日)?)?末?|[本上去]年度?|[本上]期|期[末初]|年[末初]"
    r"|报告期内?|第?[一二三四]季[度报]?|[Qq][1-4]|[上下]半年|[0-9]{2}年"
)
_BEFORE_YEAR, _BEHIND_YEAR = 18, 6
_ISO_DATE = re.compile(
    r"(?<!\d)(?P<year>19[5-9]\d|20[0-6]\d)\s?[-_./年]\s?(?P<month>\d{1,2})\s?[-_./月]\s?(?P<day>\d{1,2})(?!\d)"
)


@dataclass(frozen=True)
class Period:
    """A year, or a part of it.

    Attributes:
        year: the year as the organisation names it; 0 without one. The fiscal year 2023 of a shop ends in January 2023.
        calendar_year: the year that most of its days are in, if that is another one.
        part: ``Q1`` to ``Q4``, ``H1`` or ``H2``; empty for a whole year.
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
        parts = {
            "": "",
            "H1": "上半年",
            "H2": "下半年",
            **{f"Q{n}": f"第{'一二三四'[n - 1]}季度" for n in range(1, 5)},
        }
        return f"{self.year}年{parts.get(self.part, self.part)}" if self.year else ""


NO_PERIOD = Period()


def period_of(text: str) -> Period:
    """The period that a short text names, such as ``2023``, ``FY2023``, ``2024Q2``, ``2020年半年度`` or ``2023-01-28``."""
    date = _ISO_DATE.search(text)
    if date is not None:
        return Period(int(date["year"]), end=iso_date(date["year"], int(date["month"]), int(date["day"])))
    years = years_of(text)
    return Period(years[0], part=part_of_year(text)) if years else NO_PERIOD


def years_of(text: str) -> list[int]:
    """The years that a text names, each once, in their order: 2023, 二〇二三年, FY23, 24年, 24Q1, 1Q24, 2023/24, 2024E."""
    years: list[int] = []
    for match in _YEAR.finditer(text):
        years += _years(match)
    return list(dict.fromkeys(years))


def parts_of_year(text: str) -> list[str]:
    """The parts of a year that a text names, each once, in their order: ``Q2`` for 第二季度 and 2Q, ``H1`` for 上半年."""
    parts = []
    for match in _PART.finditer(text):
        if number := match["han"] or match["bare"] or match["behind"] or match["before"] or match["word"]:
            parts.append(f"Q{_ORDINALS.get(number.lower(), number)}")
        else:
            parts.append("H1" if match["half"] else "H2")
    return list(dict.fromkeys(parts))


def names_part(text: str, year: int, part: str) -> bool:
    """Whether a text names a part of a year with the year: 2023年第三季度, Q3 2023; not 第三季度（2024年1月印发）."""
    start = 0
    for match in _YEAR.finditer(text):
        around = text[max(start, match.start() - _BEFORE_YEAR) : match.end() + _BEHIND_YEAR]
        if year in _years(match) and part in parts_of_year(around):
            return True
        start = match.end() + _BEHIND_YEAR  # what stands right behind a year is of that year
    return False


def part_of_year(text: str) -> str:
    """The first part of a year that a text names; empty without one."""
    return next(iter(parts_of_year(text)), "")


def asked_periods(question: str) -> Iterator[tuple[str, Period]]:
    """The years, quarters and halves that a question surely asks for, with their text: none that may be a plain number.

    In Chinese, a bare number is no year without a word that says so; in English it is one, unless it counts something.
    Decades are no periods, and neither are bounds, such as 2020年以前.
    """
    chinese = is_chinese(question)
    for match in _YEAR.finditer(question):
        behind, full = question[match.end() :], match["full"]
        if match["short"] and not _SHORT_AS_YEAR.match(behind):
            is_first = _SHORT_FIRST.search(question[: match.start()])
            if not (is_first and "15" <= match["short"] <= "35" and _SHORT_AT_START.match(behind)):
                continue
        bare = full is not None and not match["next"] and not _TOLD_AS_YEAR.match(behind)
        if bare and (chinese or not 1950 <= int(full) < 2050 or _is_number(question, match)):
            continue
        around = question[max(0, match.start() - _BEFORE_YEAR) : match.end() + _BEHIND_YEAR]
        parts = parts_of_year(around)
        if (bare and not _BARE_PART.search(around)) or re.search("前[二三]季", around):
            parts = []
        for year in _years(match)[:1]:
            yield match[0], Period(year, part=parts[0] if len(parts) == 1 else "")


def without_periods(text: str) -> str:
    """A text with blanks for the words that name periods, such as 2023年, 上期 and 报告期内."""
    return _PERIOD_WORDS.sub(" ", text)


def date_in(text: str) -> str:
    """The first full date of a text, such as 2024年3月5日, as an ISO date; empty without one."""
    date = _ISO_DATE.search(text)
    return iso_date(date["year"], int(date["month"]), int(date["day"])) if date is not None else ""


def iso_date(year: int | str, month: int, day: int) -> str:
    """``2024-03-05``; empty if there is no such month or day."""
    return f"{year}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else ""


def _is_number(question: str, match: re.Match[str]) -> bool:
    before, behind = question[: match.start()], question[match.end() :]
    return bool(_NO_YEAR_BEFORE.search(before) or _NO_YEAR_BEHIND.match(behind))


def _years(match: re.Match[str]) -> list[int]:
    """The year of a match; of 2023/24 both, of 2020/11 the first, since that is a month."""
    if match["han"]:
        return [int(parse_number(match["han"]) or 0)]
    digits = match["full"] or match["fiscal"] or match["short"] or match["after"]
    year = int(digits) if len(digits) == 4 else (1900 if digits >= "70" else 2000) + int(digits)
    return [year, year + 1] if match["next"] and int(match["next"]) == (year + 1) % 100 else [year]
