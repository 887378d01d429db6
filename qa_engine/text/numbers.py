"""Numbers and months of a text as values, however they are written: in digits, in Chinese characters, in English words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

MAGNITUDES = {
    "千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "十亿": 10**9, "百亿": 10**10,
    "千亿": 10**11, "万亿": 10**12, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_SCALES = {
    **MAGNITUDES,
    "百": 10**2,
    "k": 10**3,
    "m": 10**6,
    "mn": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "t": 10**12,
}
_MONTH_NAMES = (
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|"
    "november nov|december dec"
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES.split("|"), 1) for name in names.split()}
"""Months by their English names and abbreviations."""
_DIGIT_CHARS = "〇零○ 一壹弌 二贰两双 三叁 四肆 五伍 六陆 七柒 八捌 九玖"
_HAN_DIGITS = {char: value for value, chars in enumerate(_DIGIT_CHARS.split()) for char in chars}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_HAN = "".join([*_HAN_DIGITS, *_SMALL, *_LARGE])
MAX_NUMERAL = 40
"""Characters of the longest Chinese numeral: what is longer is none."""
_UNITS_IN_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS_IN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: value for value, word in enumerate(_UNITS_IN_WORDS.split())} | dict(
    zip(_TENS_IN_WORDS.split(), range(20, 100, 10), strict=True)
)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_NUMBER_WORDS = (
    _WORDS
    | {word: value for value, word in enumerate(_ORDINALS.split(), 1)}
    | {"half": 2, "twice": 2, "double": 2, "dozen": 12, "hundred": 100, "both": 2, "once": 1, "single": 1}
)
_SCALED = re.compile(
    r"([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
    r"(?:\s?(?:多|余|几)?(十万|百万|千万|十亿|百亿|千亿|万亿|[百千万亿](?![米瓦克]))"
    r"|[\s-]?(thousand|million|billion|trillion|bn|mn|[kmbt])(?![a-z0-9]))?"
)
_HAN_NUMBER = re.compile(rf"[{_HAN}]+(?:点[{''.join(_HAN_DIGITS)}]+)?")
_SPACED = re.compile(r"(?<![0-9.])[0-9]{1,3}(?: [0-9]{3})+(?![0-9])")
_WORD = re.compile(r"[a-z]+")
_CLOCK = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-3])[:：][0-5][0-9](?![0-9])")
_MONTH = re.compile(rf"(?<![0-9])([0-9]{{1,2}})\s*月|([{_HAN}]{{1,2}})\s*月")
_NUMERIC_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}[-/.](0?[1-9]|1[0-2])(?:[-/.][0-9]{1,2})?|([0-9]{1,2})[-/.]([0-9]{1,2})[-/.][0-9]{2,4})(?![0-9])"
)


@dataclass(frozen=True)
class TextNumbers:
    """The numbers that a text holds.

    Attributes:
        numbers: values in plain digits: ``3000000`` for 300万, 三百万, 3 million and 3,000,000.
        months: of dates in any form, 1 to 12.
    """

    numbers: frozenset[str]
    months: frozenset[int]

    @classmethod
    def of(cls, text: str) -> TextNumbers:
        """All numbers that a text made `comparable` (`qa_engine.answering.checks.terms`) can be said to hold.

        Rather too many than too few.
        """
        return cls(frozenset(_numbers(text)), frozenset(_months(text)))


def parse_number(number: str) -> str | None:
    """A number in plain digits: Arabic with or without separators and scale, or Chinese. None if the text is no number.

    Example:
        >>> parse_number("1,200"), parse_number("一千二百"), parse_number("12.50"), parse_number("二〇二四")
        ('1200', '1200', '12.5', '2024')
        >>> parse_number("3.5万"), parse_number("三千五"), parse_number("十百")
        ('35000', '3500', None)
    """
    if match := _SCALED.fullmatch(number):
        digits, chinese, latin = match.groups()
        plain, scale = Decimal(digits.replace(",", "")), chinese or latin
        return plain_digits(plain * _SCALES[scale] if scale else plain)
    return _han_value(number)


def _han_value(numeral: str) -> str | None:
    whole, _, fraction = numeral.partition("点")
    value = _whole(whole)
    if value is None or any(char not in _HAN_DIGITS for char in fraction):
        return None
    digits = "".join(str(_HAN_DIGITS[char]) for char in fraction)
    return plain_digits(Decimal(f"{value}.{digits or 0}"))


def _whole(numeral: str) -> int | None:
    """A Chinese whole number, written with its places (三百二十) or digit by digit (二〇二四)."""
    if not 0 < len(numeral) <= MAX_NUMERAL or any(char not in _HAN for char in numeral):
        return None
    if all(char in _HAN_DIGITS for char in numeral):
        return int("".join(str(_HAN_DIGITS[char]) for char in numeral))
    total = section = digit = 0
    place, pending = 10**9, False
    for char in numeral:
        if char in _HAN_DIGITS:
            if pending and digit:
                return None
            digit, pending = _HAN_DIGITS[char], True
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
            larger = total if _LARGE[char] > total else 0
            total = total - larger + (larger + section + digit) * _LARGE[char]
            section = digit = 0
            place, pending = 10**9, False
    if pending and digit and numeral[-2] in "百千万亿佰仟" and numeral[-1] in _HAN_DIGITS:
        # 三千五 is 3500: the last digit counts in the next lower place.
        unit = {**_SMALL, **_LARGE}[numeral[-2]]
        return total + section + digit * (unit // 10)
    return total + section + digit


def _numbers(text: str) -> Iterator[str]:
    for match in _SCALED.finditer(text):
        digits, chinese, latin = match.groups()
        plain = Decimal(digits.replace(",", ""))
        yield plain_digits(plain)
        if scale := chinese or latin:
            yield plain_digits(plain * _SCALES[scale])
        if "," in digits:  # also a list without blanks
            yield from (plain_digits(Decimal(part)) for part in digits.split(","))
    for date in _NUMERIC_DATE.finditer(text):
        yield from (plain_digits(Decimal(part)) for part in re.findall("[0-9]+", date[0]))
    for spaced in _SPACED.findall(text):
        yield plain_digits(Decimal(spaced.replace(" ", "")))
    for numeral in _HAN_NUMBER.findall(text):
        # In a run that is no number, such as 三四百, all parts count.
        value = _han_value(numeral)
        yield from [value] if value is not None else []
        yield from (str(_HAN_DIGITS[char]) for char in numeral if char in _HAN_DIGITS)
        if value is None and len(numeral) <= MAX_NUMERAL:
            yield from (part for cut in range(1, len(numeral)) if (part := _han_value(numeral[cut:])))
    yield from _number_words(_WORD.findall(text))
    for hour in _CLOCK.findall(text):
        yield str(int(hour) % 12 or 12)


def _number_words(words: list[str]) -> Iterator[str]:
    for word, following in zip(words, [*words[1:], ""], strict=False):
        number = _NUMBER_WORDS.get(word, MONTHS.get(word))
        if number is None:
            continue
        yield str(number)
        if number >= 20 and 0 < _WORDS.get(following, 0) < 10:
            yield str(number + _WORDS[following])
        if following in _SCALES or following == "hundred":
            yield str(number * _SCALES.get(following, 100))


def _months(text: str) -> Iterator[int]:
    for digits, numeral in _MONTH.findall(text):
        # Of two characters that make no number, or another one, the last may be the month.
        for candidate in {numeral, numeral[-1:]}:
            value = int(digits) if digits else _whole(candidate)
            if value is not None:
                yield value
    for match in _NUMERIC_DATE.findall(text):
        yield from (int(part) for part in match if part and int(part) <= 12)
    yield from (MONTHS[word] for word in _WORD.findall(text) if word in MONTHS)


def plain_digits(value: Decimal) -> str:
    """A value without exponent and without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
