"""The numbers and months of a text, as what they mean rather than as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = {
    char: value
    for value, chars in enumerate(
        ("〇零○", "一壹弌", "二贰两双", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for char in chars
}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_HAN = "".join([*_DIGITS, *_SMALL, *_LARGE])
_SCALES = {
    "千": 10**3, "百": 10**2, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "十亿": 10**9,
    "百亿": 10**10, "千亿": 10**11, "万亿": 10**12, "k": 10**3, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9,
    "t": 10**12, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_UNITS_IN_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS_IN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_MONTH_NAMES = (
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|"
    "november nov|december dec"
)
_WORDS = {word: value for value, word in enumerate(_UNITS_IN_WORDS.split())} | dict(
    zip(_TENS_IN_WORDS.split(), range(20, 100, 10), strict=True)
)
_NUMBER_WORDS = (
    _WORDS
    | {word: value for value, word in enumerate(_ORDINALS.split(), 1)}
    | {"half": 2, "twice": 2, "double": 2, "dozen": 12, "hundred": 100, "both": 2, "once": 1, "single": 1}
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES.split("|"), 1) for name in names.split()}
_MAX_NUMERAL = 40
"""Characters of the longest Chinese numeral: what is longer is none."""
_PLAIN = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_CHINESE_SCALE = r"十万|百万|千万|十亿|百亿|千亿|万亿|[百千万亿](?![米瓦克])"
_SCALED = re.compile(
    rf"({_PLAIN})(?:\s?(?:多|余|几)?({_CHINESE_SCALE})|[\s-]?(thousand|million|billion|trillion|bn|mn|[kmbt])(?![a-z0-9]))?"
)
_NUMERAL = re.compile(rf"[{_HAN}]+(?:点[{''.join(_DIGITS)}]+)?")
_SPACED = re.compile(r"(?<![0-9.])[0-9]{1,3}(?: [0-9]{3})+(?![0-9])")
_WORD = re.compile(r"[a-z]+")
_CLOCK = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-3])[:：][0-5][0-9](?![0-9])")
_MONTH = re.compile(rf"(?<![0-9])([0-9]{{1,2}})\s*月|([{_HAN}]{{1,2}})\s*月")
_NUMERIC_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}[-/.](0?[1-9]|1[0-2])(?:[-/.][0-9]{1,2})?|([0-9]{1,2})[-/.]([0-9]{1,2})[-/.][0-9]{2,4})(?![0-9])"
)


@dataclass(frozen=True)
class Figures:
    """What numbers a text holds.

    Attributes:
        numbers: values in plain digits: ``3000000`` for 300万, 三百万, 3 million and 3,000,000.
        months: of dates in any form, 1 to 12.
    """

    numbers: frozenset[str]
    months: frozenset[int]

    @classmethod
    def of(cls, text: str) -> Figures:
        """All that a text can be said to hold, rather too much than too little.

        Args:
            text: made `comparable` (`qa_engine.answering.checks.terms`).
        """
        return cls(frozenset(_numbers(text)), frozenset(_months(text)))


def value_of(number: str) -> str | None:
    """A number in plain digits: Arabic with or without separators and scale, or Chinese. None for what is none.

    Example:
        >>> value_of("1,200"), value_of("一千二百"), value_of("12.50"), value_of("3.5万"), value_of("二〇二四")
        ('1200', '1200', '12.5', '35000', '2024')
    """
    if matched := _SCALED.fullmatch(number):
        digits, chinese, latin = matched.groups()
        plain, scale = Decimal(digits.replace(",", "")), chinese or latin
        return _plain(plain * _SCALES[scale] if scale else plain)
    return _chinese_value(number)


def _chinese_value(numeral: str) -> str | None:
    whole, _, fraction = numeral.partition("点")
    value = _whole(whole)
    if value is None or any(char not in _DIGITS for char in fraction):
        return None
    digits = "".join(str(_DIGITS[char]) for char in fraction)
    return _plain(Decimal(f"{value}.{digits or 0}"))


def _whole(numeral: str) -> int | None:
    """A Chinese whole number, written with its places (三百二十) or digit by digit (二〇二四)."""
    if not 0 < len(numeral) <= _MAX_NUMERAL or any(char not in _HAN for char in numeral):
        return None
    if all(char in _DIGITS for char in numeral):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total = section = digit = 0
    place, pending = 10**9, False
    for char in numeral:
        if char in _DIGITS:
            if pending and digit:
                return None
            digit, pending = _DIGITS[char], True
        elif char in _SMALL:
            if _SMALL[char] >= place:
                return None
            place = _SMALL[char]
            section += (digit if pending else 1) * place
            digit, pending = 0, False
        else:
            if not (total or section or digit):
                return None
            # 二万亿: what stands before belongs to the larger unit as a whole.
            total = (
                (total + section + digit) * _LARGE[char]
                if total and _LARGE[char] > total
                else (total + (section + digit) * _LARGE[char])
            )
            section = digit = 0
            place, pending = 10**9, False
    if pending and digit and numeral[-2] in "百千万亿佰仟" and numeral[-1] in _DIGITS:
        # 三千五 is 3500: the last digit counts in the next lower place.
        unit = {**_SMALL, **_LARGE}[numeral[-2]]
        return total + section + digit * (unit // 10)
    return total + section + digit


def _numbers(text: str) -> Iterator[str]:
    for matched in _SCALED.finditer(text):
        digits, chinese, latin = matched.groups()
        plain = Decimal(digits.replace(",", ""))
        yield _plain(plain)
        if scale := chinese or latin:
            yield _plain(plain * _SCALES[scale])
        if "," in digits:  # also a list without blanks
            yield from (_plain(Decimal(part)) for part in digits.split(","))
    for date in _NUMERIC_DATE.finditer(text):
        yield from (_plain(Decimal(part)) for part in re.findall("[0-9]+", date[0]))
    for spaced in _SPACED.findall(text):
        yield _plain(Decimal(spaced.replace(" ", "")))
    for numeral in _NUMERAL.findall(text):
        # 一百二 in a run that is no number, such as 三四百, counts in all its parts.
        value = _chinese_value(numeral)
        yield from [value] if value is not None else []
        yield from (str(_DIGITS[char]) for char in numeral if char in _DIGITS)
        if value is None and len(numeral) <= _MAX_NUMERAL:
            yield from (part for cut in range(1, len(numeral)) if (part := _chinese_value(numeral[cut:])))
    words = _WORD.findall(text)
    for word, following in zip(words, [*words[1:], ""], strict=False):
        number = _NUMBER_WORDS.get(word, _MONTHS.get(word))
        if number is None:
            continue
        yield str(number)
        if number >= 20 and 0 < _WORDS.get(following, 0) < 10:
            yield str(number + _WORDS[following])
        if following in _SCALES or following == "hundred":
            yield str(number * _SCALES.get(following, 100))
    for hour in _CLOCK.findall(text):
        yield str(int(hour) % 12 or 12)


def _months(text: str) -> Iterator[int]:
    for digits, numeral in _MONTH.findall(text):
        # Of two characters that make no number, or another one, the last may be the month.
        for written in {numeral, numeral[-1:]}:
            value = int(digits) if digits else _whole(written)
            if value is not None:
                yield value
    for matched in _NUMERIC_DATE.findall(text):
        yield from (int(part) for part in matched if part and int(part) <= 12)
    yield from (_MONTHS[word] for word in _WORD.findall(text) if word in _MONTHS)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
