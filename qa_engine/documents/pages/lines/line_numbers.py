"""Takes the numbers of lines out of the margin: transcripts, contracts and drafts number each line, or each fifth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.block_roles import TERMINAL
from qa_engine.documents.pages.lines.joining import grouped, rows_of

_NUMBER = re.compile(r"(\d{1,4})(?:\s+|$)")
_FEW, _ENOUGH, _MANY = 2, 3, 8
"""So many numbers of lines are looked for, if they count in steps from the first line, in steps, or one by one."""
_ALIGNED = 1.5
"""Numbers begin within so many font sizes of each other."""
_EVEN = 0.08
"""The distances between numbered lines differ by no more than this share."""
_SAME_PITCH = 0.1
_HEADER = 2
"""Most rows of a header above numbered lines."""
_PROSE, _CELL = 20, 8
"""Running text is at least so many font sizes wide; the cells of a table are narrower than the second."""
_FULL, _GOING_ON, _BLANK_LINES = 0.8, 0.25, 0.2
"""Of the lines, the second share goes on with one that has the first share of the width, or the third has a number alone."""
_IN_CELLS = 0.3
"""Where this share of the lines have cells, they are rows of a table."""


@dataclass(frozen=True)
class _Numbered:
    """A piece of a line that begins with a number, or is one."""

    value: int
    line: Line
    end: int

    @property
    def y(self) -> float:
        return (self.line.y0 + self.line.y1) / 2


def without_line_numbers(lines: list[Line]) -> tuple[list[Line], list[int]]:
    """The pieces of the lines of a page without the numbers of lines in its margins, and these numbers.

    They count up by a constant step at a constant distance, left or right of all text; and the text runs on from line to
    line, unlike the items of a list and the rows of a table.
    """
    numbered = [
        _Numbered(int(match[1]), line, match.end())
        for line in lines
        if line.text[0] in "0123456789" and (match := _NUMBER.match(line.text))
    ]
    found: list[_Numbered] = []
    if len(numbered) >= _FEW:
        numbered.sort(key=lambda item: item.line.x0)
        for column in grouped(
            numbered, lambda group, item: item.line.x0 - group[0].line.x0 < _ALIGNED * item.line.size
        ):
            run = _longest_run(column)
            if len(run) >= _FEW and _is_margin(run, lines):
                found.extend(run)
    if not found:
        return lines, []
    ends = {id(item.line): item.end for item in found}
    rest = [line if id(line) not in ends else _cut(line, ends[id(line)]) for line in lines]
    return [line for line in rest if line.text], [item.value for item in found]


def _longest_run(column: Sequence[_Numbered]) -> list[_Numbered]:
    """The longest run of numbers below one another that count up evenly."""
    downwards = sorted(column, key=lambda item: item.y)
    steps = [(after.value - before.value, after.y - before.y) for before, after in pairwise(downwards)]
    rising = [(more, lower) for more, lower in steps if more > 0 and lower > 0]
    if not rising:
        return []
    step = Counter(more for more, _ in rising).most_common(1)[0][0]
    pitch = median(lower / more for more, lower in rising)

    def goes_on(run: list[_Numbered], item: _Numbered) -> bool:
        more, lower = item.value - run[-1].value, item.y - run[-1].y
        return more > 0 and more % step == 0 and abs(lower / more - pitch) < _EVEN * pitch

    run = max(grouped(downwards, goes_on), key=len)
    enough = _MANY if step == 1 else _FEW
    return run if len(run) >= enough and all(item.value % step == 0 for item in run) else []


def _is_margin(run: Sequence[_Numbered], lines: Sequence[Line]) -> bool:
    """Whether numbers stand in the margin of running text."""
    numbers = {id(item.line) for item in run}
    top, bottom = run[0].line.y0, run[-1].line.y1
    texts = [line for line in lines if id(line) not in numbers and line.y1 > top and line.y0 < bottom]
    alone = not any(item.end < len(item.line.text) for item in run)
    texts += [_cut(item.line, item.end) for item in run if item.end < len(item.line.text)]
    if not texts:
        return False
    size = median(line.size for line in texts)
    left = min(item.line.x0 for item in run)
    first, last = min(line.x0 for line in texts), max(line.x1 for line in texts)
    if last - first < _PROSE * size or not (first > left + size / 2 or (alone and last < left + 1)):
        return False
    rows = rows_of(texts)
    cells = sum(len(row) > 1 and any(line.x1 - line.x0 < _CELL * size for line in row) for row in rows)
    if cells > _IN_CELLS * len(rows):
        return False
    pitch = (run[-1].y - run[0].y) / (run[-1].value - run[0].value)
    if len(run) < _ENOUGH and not _counts_from_the_top(run, lines, numbers):
        return False
    if run[1].value - run[0].value > 1:
        pitches = [below[0].y0 - above[0].y0 for above, below in pairwise(rows)]
        return bool(pitches) and abs(median(pitches) - pitch) < _SAME_PITCH * pitch
    heights = [(row[0].y0 + row[0].y1) / 2 for row in rows]
    blank = sum(all(abs(y - item.y) > pitch / 2 for y in heights) for item in run)
    going_on = sum(
        above[-1].x1 > first + _FULL * (last - first)
        and TERMINAL.search(above[-1].text) is None
        and not below[0].text[0].isdigit()
        for above, below in pairwise(rows)
    )
    return going_on >= _GOING_ON * len(rows) or blank >= _BLANK_LINES * len(run)


def _counts_from_the_top(run: Sequence[_Numbered], lines: Sequence[Line], numbers: set[int]) -> bool:
    """Whether there are as many lines down to a number as it says, perhaps below a header."""
    above = rows_of(line for line in lines if id(line) not in numbers and line.y0 < run[0].y)
    return 0 <= len(above) - run[0].value <= _HEADER


def _cut(line: Line, end: int) -> Line:
    """A line without its first characters."""
    share = end / len(line.text)
    cuts = tuple((at - end, x) for at, x in line.cuts if at > end)
    return replace(line, text=line.text[end:], x0=line.x0 + share * (line.x1 - line.x0), cuts=cuts)
