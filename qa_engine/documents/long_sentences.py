"""Cuts what is too long for a sentence (contents pages, tables, formulas, endless clauses) at the best mark."""

from __future__ import annotations

import math
import re
from bisect import bisect_left

_ROOM = 0.8
"""The pieces are planned this much shorter than the limit, so that there is a mark to choose from."""
_MARKS = re.compile(
    r"(?P<entry>(?<!…)…+\s?(?:\d+|[ivxlc]+)(?=\s))"  # the page number that ends a line of a table of contents
    r"|(?P<semicolon>[；;])"
    r"|(?P<stop>[。！？][”’」』）)]*|[.!?][”’\"')]*(?=\s))"
    r"|(?P<comma>，|,(?=\D))"
    r"|(?P<pause>[、：]|:(?=\D))"
    r"|(?P<blank>\s)"
)
_RANKS = {"entry": 0, "semicolon": 1, "stop": 2, "comma": 3, "pause": 4, "blank": 5}
_TOKEN = r"A-Za-z0-9\u00c0-\u024f.,:%@/_+\-"
_GAP = re.compile(
    rf"(?:(?<![{_TOKEN}])|(?![{_TOKEN}]))(?<![“‘「『（《(\[])(?![，。；：、！？”’」』）》)\],.;:!?…%])"
)
_WHOLE = re.compile(r"《[^《》]{1,80}》|（[^（）]{1,60}）|\([^()]{1,60}\)")
"""Titles and remarks, which are not cut while there is another place."""


def cut(text: str, begin: int, end: int, max_chars: int) -> list[tuple[int, int]]:
    """Cuts a range of characters into ranges of at most ``max_chars``, white space included.

    The marks, from the best: an entry of a table of contents, a semicolon, a full stop, a comma, another pause, a blank,
    any place that is within no number, word, title or remark. Of the same, that which leaves the pieces most equal.
    """
    if end - begin <= max_chars:
        return [(begin, end)]
    whole = [found.span() for found in _WHOLE.finditer(text, begin, end)]
    pieces = []
    while end - begin > max_chars:
        size = (end - begin) / math.ceil((end - begin) / (_ROOM * max_chars))
        first, last = math.ceil(begin + size / 2), min(begin + max_chars, math.floor(begin + 1.5 * size))
        at = _best_mark(text, first, last, begin + size, whole)
        if at is None:
            at = _gap(text, begin, end, max_chars, whole)
        pieces.append((begin, at))
        begin = at
    pieces.append((begin, end))
    return pieces


def _best_mark(text: str, first: int, last: int, aim: float, whole: list[tuple[int, int]]) -> int | None:
    """The position behind the best mark that ends from ``first`` to ``last``."""
    best: tuple[int, float, int] | None = None
    for found in _MARKS.finditer(text, first - 1, last + 1):
        at = found.end()
        if first <= at <= last and found.lastgroup is not None and not _within(at, whole):
            mark = (_RANKS[found.lastgroup], abs(at - aim), at)
            best = mark if best is None else min(best, mark)
    return None if best is None else best[2]


def _gap(text: str, begin: int, end: int, max_chars: int, whole: list[tuple[int, int]]) -> int:
    """A place between words near the point where equal pieces would end; that point, if there is none."""
    size = math.ceil((end - begin) / math.ceil((end - begin) / max_chars))
    gaps = [gap.start() for gap in _GAP.finditer(text, begin + size // 2 + 1, begin + max_chars + 1)]
    best = [gap for gap in gaps if gap <= begin + max_chars and not _within(gap, whole)] or gaps[:-1]
    return min(best, key=lambda gap: abs(gap - begin - size), default=begin + size)


def _within(at: int, whole: list[tuple[int, int]]) -> bool:
    index = bisect_left(whole, (at, 0)) - 1
    return index >= 0 and at < whole[index][1]
