"""Headings in reading order in, the section path of each out: the headings that it stands under, and itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_TITLE = 80
"""Characters of a heading that a path keeps."""
_MAX_DEPTH = 6
_SAME_SIZE = 0.04
_RANKS = (
    re.compile(r"第[一二三四五六七八九十百零〇\d]+[编編篇部]|part\s+([\dIVX]+|[A-Z])\b", re.I),
    re.compile(r"第[一二三四五六七八九十百零〇\d]+章|chapter\s+[\dIVX]+\b", re.I),
    re.compile(r"第[一二三四五六七八九十百零〇\d]+[节節]"),
    re.compile(r"[一二三四五六七八九十]{1,3}[、.．]"),
    re.compile(r"[（(][一二三四五六七八九十]{1,3}[)）]"),
)
_DECIMAL = re.compile(r"(\d{1,2}+(?:\.\d{1,2}+)++|\d{1,2}+(?![年月日%％]|[A-Z](?![a-z])))[.．、]?+(?!\d)")
"""Not a year, 5G or 10年."""
_DECIMAL_RANK = 10
_BRACKETED = re.compile(r"[（(]\d{1,2}[)）]")
_BRACKETED_RANK = 20


@dataclass(frozen=True)
class Heading:
    """A heading: its words, and its font size in points."""

    text: str
    size: float
    bold: bool = False


def section_paths(headings: Sequence[Heading]) -> list[tuple[str, ...]]:
    """For each heading, the titles from the outermost section down to itself.

    Of two numbered headings the numbering decides which is above (第一章, 第一节, 一、, （一）, 1, 1.1, (1)); else the
    size of the font, then whether it is bold. Depth is bounded.
    """
    stack: list[Heading] = []
    paths = []
    for heading in headings:
        while stack and not _is_above(stack[-1], heading):
            stack.pop()
        stack = [*stack[: _MAX_DEPTH - 1], heading]
        paths.append(tuple(title(item.text) for item in stack))
    return paths


def title(text: str) -> str:
    """A heading as it stands in a path: on one line, and not too long."""
    words = " ".join(text.split())
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"


def _is_above(upper: Heading, lower: Heading) -> bool:
    first, second = _rank(upper.text), _rank(lower.text)
    if first is not None and second is not None:
        return first < second
    if abs(upper.size - lower.size) > _SAME_SIZE * max(upper.size, lower.size):
        return upper.size > lower.size
    if first is None and second is None:
        return upper.bold and not lower.bold
    # Of two of one size, an unnumbered one (致谢) stands beside the outermost numbered ones.
    return False


def _rank(text: str) -> int | None:
    for rank, pattern in enumerate(_RANKS):
        if pattern.match(text):
            return rank
    if _BRACKETED.match(text):
        return _BRACKETED_RANK
    number = _DECIMAL.match(text)
    if number is not None and len(text) > number.end():
        return _DECIMAL_RANK + number.group(1).count(".")
    return None
