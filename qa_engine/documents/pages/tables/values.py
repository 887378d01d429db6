"""What a cell of a table holds: its text in, whether it is a number, a date, a code or words out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

NUMBER = re.compile(r"[-+−(（]?[\s¥$€£]*[\d.,]+\s*[%％‰xX倍元万亿]*[)）]?|[-—–/]+|n/?a", re.I)
_COMPLETE = re.compile(
    r"[-+−(（]?[\s¥￥$€£]*(\d{1,3}([,，]\d{3})+|\d+)(\.\d+)?\s*[%％‰xX倍元万亿]*[)）]?|[-—–/]+|n/?a", re.I
)
"""Not the half of a number that is torn at the end of a line, as in 1,234,5 / 67.89."""
_YEAR = re.compile(r"(19|20)\d\d([-/]\d{1,2}){0,2}")
"""A year or a date, which names a column of numbers."""
_YEAR_WORDS = re.compile(
    r"(FY\s?)?(19|20)\d\d\s?[年AE]?[度末初]?|(19|20)\d\d年(1[0-2]|[1-9])(-(1[0-2]|[1-9]))?月", re.I
)
_DATE = re.compile(
    r"(19|20)?\d{1,2}[-/.](\d{1,2}|[A-Z][a-z]{2})[-/.](19|20)?\d{2}|(19|20)\d\d\s?年\s?\d{1,2}\s?月(\s?\d{1,2}\s?日)?"
    r"|([A-Z][a-z]{2,8}\.? \d{1,2}, |\d{1,2} [A-Z][a-z]{2,8}\.? )(19|20)\d\d"
)
_CODE = re.compile(
    r"(?=(?:\D*\d){3})(?:[A-Za-z]{0,6}[-./#]?\d[\w.\-/#]*|[A-Z]{1,4}\d+)|[\w.+-]+@[\w.-]+|https?://\S+|www\.\S+"
)
_AMOUNT = re.compile(r"[-+−±<>≤≥(（]?[\s¥￥$€£]*\d[\d.,]*\s?[a-zA-Z%℃°μµΩ²³/·]{0,6}[)）]?")

_MARKS = re.compile(r"[\s$€£¥￥%％‰*]+")
"""Marks around a number, as in $ (12) or (3) %."""


class Kind(StrEnum):
    """What a cell holds."""

    EMPTY = "empty"
    WORDS = "words"
    YEAR = "year"
    DATE = "date"
    NUMBER = "number"
    CODE = "code"


def kind(cell: str) -> Kind:
    """What a cell holds. A quantity with its unit is a number; a dash or n/a stands for one."""
    text = cell.strip()
    if not text:
        return Kind.EMPTY
    if _YEAR.fullmatch(text) or _YEAR_WORDS.fullmatch(text):
        return Kind.YEAR
    if _DATE.fullmatch(text):
        return Kind.DATE
    bare = _MARKS.sub("", text)
    if not bare or NUMBER.fullmatch(bare) or _AMOUNT.fullmatch(text):
        return Kind.NUMBER
    return Kind.CODE if _CODE.fullmatch(text) else Kind.WORDS


def is_whole_number(cell: str) -> bool:
    """Whether a cell is a number, and not a part of one."""
    return _COMPLETE.fullmatch(cell.strip()) is not None


def is_whole_value(cell: str) -> bool:
    """Whether a cell is a year, or a number with or without a unit, and not a part of one."""
    return (
        is_whole_number(cell)
        or kind(cell) is Kind.YEAR
        or (kind(cell) is Kind.NUMBER and cell[-1:].isalpha())
    )


def is_broken(lines: Sequence[str], text: str) -> bool:
    """Whether lines of digits are one number or date: together they are one, and they are not all whole by themselves."""
    if _DATE.fullmatch(text) or _YEAR.fullmatch(text):
        return not all(_DATE.fullmatch(line) or _YEAR.fullmatch(line) for line in lines)
    cents = text[-3:-2] == "." != lines[0][-3:-2] and "." in lines[0]
    return (
        "," in text and is_whole_number(text) and (cents or not all(is_whole_number(line) for line in lines))
    )
