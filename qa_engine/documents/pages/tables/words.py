"""Words of a table: their lines, their runs without wide gaps, and the text that they make."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from qa_engine.documents.pages.lines.cleaning import clean
from qa_engine.documents.pages.lines.joining import grouped
from qa_engine.documents.pages.tables.rules import Rule
from qa_engine.documents.pages.tables.values import NUMBER, is_broken
from qa_engine.documents.sentences.splitting import join_sentences

_BLANK = 0.35
"""Two words of a cell are less than this share of their height apart."""
_MOST = 0.75
"""A cell with this share of its width in one column belongs to that column."""
_LATIN = 0x2E7F
"""Characters behind this one are twice as wide."""
_INTO = 2.0
"""A run begins in a column if it reaches so many points into it."""
_DIGITS = re.compile(r"[-+−(]?\d[\d,./-]*\)?")


class Word(NamedTuple):
    """A word and where it is, in points."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str


def interval(edges: Sequence[float], at: float) -> int:
    """The number of the interval between edges that a place is in; the outermost ones have no end."""
    return min(max(bisect_right(edges, at) - 1, 0), len(edges) - 2)


def lines_of(words: Sequence[Word]) -> list[list[Word]]:
    """Words by line from top to bottom, in a line from left to right."""
    downwards = sorted(words, key=lambda word: ((word.y0 + word.y1) / 2, word.x0))
    lines = grouped(downwards, lambda line, word: (word.y0 + word.y1) / 2 < line[0].y1)
    return [sorted(line, key=lambda word: word.x0) for line in lines]


def runs_of(line: Sequence[Word], dividers: Sequence[Rule]) -> list[list[Word]]:
    """Joins words with no more than a blank between them, so that a cell over several columns stays whole; not numbers."""

    def continues(run: list[Word], word: Word) -> bool:
        last = run[-1]
        near = word.x0 - last.x1 < _BLANK * (word.y1 - word.y0)
        return (
            near
            and (last.text.endswith(",") or not (_is_number(word) or _is_number(last)))
            and not any(
                (last.x0 + last.x1) / 2 < rule.at < (word.x0 + word.x1) / 2
                and rule.start < word.y1
                and rule.end > word.y0
                for rule in dividers
            )
        )  # fmt: skip

    return grouped(line, continues)


def _is_number(word: Word) -> bool:
    return NUMBER.fullmatch(word.text) is not None and not word.text.endswith(",")  # June 30, 2023 is one run


def split_at(words: Sequence[Word], dividers: Sequence[Rule]) -> list[Word]:
    """Words without those that go on over a rule: where cells have no padding, their texts have no blank between them."""
    result = []
    for word in words:
        rest = word
        for rule in dividers:
            if (
                rule.start < (rest.y0 + rest.y1) / 2 < rule.end
                and rest.x0 + _INTO < rule.at < rest.x1 - _INTO
            ):
                weights = [2 if ord(character) > _LATIN else 1 for character in rest.text]
                scale = (rest.x1 - rest.x0) / sum(weights)
                ends = [rest.x0 + scale * sum(weights[: index + 1]) for index in range(len(weights) - 1)]
                if not ends:
                    continue
                cut = min(range(len(ends)), key=lambda index, at=rule.at: abs(ends[index] - at))  # type: ignore[misc]
                result.append(Word(rest.x0, rest.y0, rule.at - 1, rest.y1, rest.text[: cut + 1]))
                rest = Word(rule.at + 1, rest.y0, rest.x1, rest.y1, rest.text[cut + 1 :])
        result.append(rest)
    return result


def cell_text(words: Sequence[Word]) -> str:
    """The text of the words of a cell. A number or a date that is broken at the end of a line is whole."""
    lines = lines_of(words)
    digits = "".join(word.text for line in lines for word in line)
    if len(lines) > 1 and _DIGITS.fullmatch(digits) and is_broken([line[-1].text for line in lines], digits):
        return digits
    texts = [word.text for line in lines for word in line]
    return clean(join_sentences(texts).replace("\n", " "))


def height_of(words: Sequence[Word]) -> float:
    """The usual height of words; that of a line of print if there are none."""
    return median(word.y1 - word.y0 for word in words) if words else 10.0


def column_of(run: Sequence[Word], columns: Sequence[float]) -> int:
    """The column that holds most of a run of words, or the first of the columns that it spans."""
    x0, x1 = run[0].x0, run[-1].x1
    middle = interval(columns, (x0 + x1) / 2)
    inside = min(x1, columns[middle + 1]) - max(x0, columns[middle])
    if inside >= _MOST * (x1 - x0):
        return middle
    return min(interval(columns, x0 + _INTO), middle)
