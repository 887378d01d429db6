"""The BM25 terms of numbers, dates and measures: one term for all spellings of the same quantity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache

from qa_engine.text.numbers import MAGNITUDES, MAX_NUMERAL, MONTHS, plain_digits

_UNITS = {
    "%": "% percent 个百分点",
    "km2": "km2 平方公里 平方千米 square-kilometers square-kilometres",
    "m2": "m2 平方米 square-meters square-metres",
    "m3": "m3 立方米 cubic-meters cubic-metres",
    "ha": "ha 公顷 hectares",
    "km": "km 公里 千米 kilometers kilometres",
    "m": "m 米 公尺 meters metres",
    "cm": "cm 厘米 公分 centimeters centimetres",
    "mm": "mm 毫米 millimeters millimetres",
    "mile": "英里 miles", "mile2": "平方英里 square-miles", "ft": "ft 英尺 feet foot", "inch": "英寸 inch inches",
    "kg": "kg 公斤 千克 kilograms", "g": "g 克 grams", "mg": "mg 毫克 milligrams", "t": "吨 tons tonnes",
    "l": "l 升 公升 liters litres", "ml": "ml 毫升 milliliters millilitres",
    "h": "h 小时 hours", "min": "min 分钟 minutes", "s": "s 秒 秒钟 seconds", "ms": "ms 毫秒 milliseconds",
    "day": "天 days", "week": "周 星期 weeks", "month": "个月 months", "year": "年 years",
    "c": "°c 摄氏度 degrees-celsius",
    "usd": "美元 美金 dollars", "eur": "欧元 euros", "cny": "元 人民币 yuan rmb",
    "kw": "kw 千瓦 kilowatts", "mw": "mw 兆瓦 megawatts", "kwh": "kwh 千瓦时 度电", "v": "v 伏 伏特 volts",
    "hz": "hz 赫兹 赫 hertz", "mhz": "mhz 兆赫 megahertz", "ghz": "ghz 吉赫 gigahertz",
    "person": "人 people",
}  # fmt: skip
"""Common units by the term that stands for them: symbols, Chinese words, English words in the plural."""
_MONTHS = {
    name: number for name, number in MONTHS.items() if len(name) > 4 or name in {"may", "june", "july"}
}
"""Full names only: an abbreviation such as mar or dec is often another word."""


def _unit_names() -> dict[str, str]:
    names = {}
    for unit, spellings in _UNITS.items():
        for spelling in spellings.split():
            name = spelling.replace("-", " ")
            names[name] = unit
            if name.isascii() and len(name) > 3 and name.endswith("s"):
                names[name.removesuffix("s")] = unit
    return names


_UNIT_OF = _unit_names()


def _alternatives(words: Iterable[str]) -> str:
    """A pattern for one of the words, the longest first; one of Latin letters must end there."""
    return "|".join(
        re.escape(word) + ("(?![a-z0-9])" if re.search("[a-z]$", word) else "")
        for word in sorted(words, key=len, reverse=True)
    )


_DIGITS = r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?"
_PLACES = "〇零一二两三四五六七八九十百千万亿"
_NUMERAL = f"[{_PLACES}]+"
_ANY_NUMBER = re.compile(rf"[0-9]|{_NUMERAL}")
_ORDINAL = re.compile(rf"第\s*([0-9]+|{_NUMERAL})\s*([^\W\d_a-z{_PLACES}])")
_MEASURE = re.compile(
    rf"(?:(?<![0-9.,a-z])({_DIGITS})|({_NUMERAL}))[ -]?"
    rf"(?:(?!千[米克瓦])({_alternatives(MAGNITUDES)})[ -]?)?(?:多|余|来)?({_alternatives(_UNIT_OF)})?"
)
_PERCENT = re.compile(rf"百分之\s*({_DIGITS}|{_NUMERAL})")
_HAN_MONTH, _HAN_DAY = "[0-9]{1,2}|[一二三四五六七八九十]{1,2}", "[0-9]{1,2}|[一二三四五六七八九十]{1,3}"
_MONTH_NAME, _DAY_NUMBER = "|".join(_MONTHS), "[0-9]{1,2})(?:st|nd|rd|th)?"
_DATES = tuple(
    map(
        re.compile,
        (
            rf"(?P<y>[0-9]{{4}}|[〇零一二三四五六七八九]{{4}})\s*年\s*(?P<m>{_HAN_MONTH})\s*月(?:\s*(?P<d>{_HAN_DAY})\s*[日号])?",
            rf"(?<![0-9年])(?P<m>{_HAN_MONTH})\s*月\s*(?P<d>{_HAN_DAY})\s*[日号]",
            r"(?<![0-9./-])(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})(?![0-9./-])",
            rf"(?P<m>{_MONTH_NAME})\s+(?P<d>{_DAY_NUMBER}(?:,?\s+(?P<y>[0-9]{{4}}))?(?![0-9])",
            rf"(?<![0-9])(?P<d>{_DAY_NUMBER}\s+(?:of\s+)?(?P<m>{_MONTH_NAME})(?:,?\s+(?P<y>[0-9]{{4}}))?(?![0-9])",
            rf"(?P<m>{_MONTH_NAME}),?\s+(?P<y>[0-9]{{4}})(?![0-9])",
        ),
    )
)


def number_terms(text: str) -> Iterator[str]:
    """The BM25 terms of the numbers, dates and measures of a text, besides the digits themselves.

    Args:
        text: folded (`qa_engine.text.tokenizer.fold`), in lower case.

    Yields:
        ``第32条`` for 第三十二条 and 第 32 条; ``3000000`` for 300万, 三百万 and 3 million; ``30%`` for 百分之三十 and 30
        percent; ``120km`` for 120公里 and 120 kilometres; ``2024-03``, ``03-05`` and ``2024-03-05`` for 二〇二四年三月五日,
        2024/3/5 and March 5, 2024.
    """
    if not _ANY_NUMBER.search(text):
        return
    for number, noun in _ORDINAL.findall(text):
        if (value := _strict_value(number)) is not None:
            yield f"第{value}{noun}"
    for number in _PERCENT.findall(text):
        if (value := _strict_value(number)) is not None:
            yield f"{value}%"
    yield from _measures(text)
    for form in _DATES:
        for match in form.finditer(text):
            yield from _date_terms(match.groupdict())


def _measures(text: str) -> Iterator[str]:
    for match in _MEASURE.finditer(text):
        digits, numeral, magnitude, unit = match.groups()
        if numeral and len(numeral) == 1 and not unit:
            continue  # 一 and 万 alone are mostly parts of words
        value = _strict_value(digits or numeral)
        if value is None:
            continue
        if magnitude:
            value = plain_digits(Decimal(value) * MAGNITUDES[magnitude])
        if magnitude or (numeral and len(numeral) > 1):
            yield value
        if unit and not (unit == "年" and len(value) == 4):  # 2024年 is a date
            yield f"{value}{_UNIT_OF[unit]}"


def _date_terms(parts: dict[str, str | None]) -> Iterator[str]:
    year, month, day = (_date_part(parts.get(name)) for name in "ymd")
    if month is None or not 1 <= month <= 12 or not (day is None or 1 <= day <= 31):
        return
    if year is not None:
        yield f"{year:04d}-{month:02d}"
    if day is not None:
        yield f"{month:02d}-{day:02d}"
        if year is not None:
            yield f"{year:04d}-{month:02d}-{day:02d}"


def _date_part(text: str | None) -> int | None:
    if text is None:
        return None
    if text in _MONTHS:
        return _MONTHS[text]
    value = _strict_value(text)
    return None if value is None else int(value)


@lru_cache(maxsize=16_384)
def _strict_value(number: str) -> str | None:
    """A number in plain digits, or None for characters that make none, such as 千万 or 十百.

    Not `parse_number`, which reads more and reads some malformed numerals otherwise: terms are stored with a collection.
    """
    if number[0].isascii():
        return plain_digits(Decimal(number.replace(",", "")))
    if len(number) > MAX_NUMERAL:
        return None
    import cn2an

    try:
        return plain_digits(Decimal(str(cn2an.cn2an(number, "smart"))))
    except (ValueError, KeyError):  # the latter from 〇 where cn2an expects a digit
        return None
