"""Text that does not run like the page: vertical Chinese, whose columns go from right to left, and lines that are turned.

Both are read in a space of their own, in which they run from left to right and downwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from qa_engine.documents.blocks import Block, Line, Role
from qa_engine.documents.pages.block_roles import CAPTION
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.documents.pages.lines.joining import bounds, doubt_of, grouped
from qa_engine.documents.pages.lines.text_layer import Direction, TurnedLine
from qa_engine.documents.pages.parsers import fast

_DOWNWARDS: Direction = (0, 1)
_WIDE_CHARACTER = re.compile(
    "[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff“”‘’…—]"
)
_SHORT = 4
"""Characters of a number that lies in a column of vertical text."""
_MIN_VERTICAL = 10
"""Fewer characters below one another are no page of vertical text."""
_MIN_COLUMN = 4
_MIN_DOUBT = 18
_DISTINCT = 0.5
_SHARE = 0.5
"""Share of the text of a page that its vertical columns have at least."""
_IN_COLUMN = 0.4
"""The middles of the characters of a column differ by less than this share of their size."""
_PITCH = 2.0
"""From one character of a column to the next it is less than so many font sizes."""
_GRID = 1.1
"""Columns are further apart than characters by this factor; in a grid, and in spaced rows, they are not."""
_SENTENCE = re.compile(r"[。！？；.!?;:：]")
_MIN_WORDS, _MIN_HAN = 7, 12
"""Turned text of at least so many words or Han characters, with the marks of sentences, is read."""
_LONG_HAN, _LONG_WORDS = 30, 20
_MIN_LINE = 3
"""Where most turned lines have fewer words (Han characters count half), they are the labels of a figure."""


class Vertical(NamedTuple):
    """A page of vertical text: its columns, its horizontal lines, and lines that run otherwise."""

    columns: list[Line]
    lines: list[Line]
    turned: list[TurnedLine]


class Turned(NamedTuple):
    """What turned lines hold: blocks of sentences or tables, and those that are left out."""

    blocks: list[Block]
    left_out: list[Block]


def vertical_columns(lines: Sequence[Line], turned: Sequence[TurnedLine]) -> Vertical | None:
    """A page of vertical Chinese, taken apart; None if its text is not vertical.

    A font for vertical text says so. Without one, characters stand one by one below each other, nearer than columns are.
    """
    upright = [item.line for item in turned if item.upright]
    cells = [line for line in lines if len(line.text) == 1 and _WIDE_CHARACTER.match(line.text)]
    if len(cells) + _count(upright) < _MIN_VERTICAL:
        return None
    runs = _runs([*upright, *cells])
    long = [run for run in runs if _count(run) >= _MIN_COLUMN and _varies(run)]
    count = _count(line for run in long for line in run)
    if count < _MIN_VERTICAL or count < _SHARE * _count([*lines, *(item.line for item in turned)]):
        return None
    if not upright and not _apart(cells, long):
        return None
    characters = [line for run in runs for line in run]
    # Numbers and Latin words in a column stand upright if they are short, else they are turned.
    numbers = [line for line in lines if 1 <= len(line.text) <= _SHORT and line.text.isascii()]
    numbers += [item.line for item in turned if item.direction == _DOWNWARDS and not item.upright]
    numbers = [line for line in numbers if _is_within(line, characters)]
    taken = {id(line) for line in (*characters, *numbers)}
    return Vertical(
        [_column(run) for run in _runs([*characters, *numbers])],
        [line for line in lines if id(line) not in taken],
        [item for item in turned if id(item.line) not in taken],
    )


def may_be_vertical(lines: Sequence[Line], blocks: Sequence[Block]) -> bool:
    """Whether part of a page that is not vertical may be: columns of characters that stand side by side, in no cells."""
    cells = [line for line in lines if len(line.text) == 1 and _WIDE_CHARACTER.match(line.text)]
    if len(cells) < _MIN_DOUBT:
        return False
    tables = [bounds(block.lines) for block in blocks if block.table is not None]
    cells = [
        cell
        for cell in cells
        if not any(rect.x0 <= cell.x0 < rect.x1 and rect.y0 <= cell.y0 < rect.y1 for rect in tables)
    ]
    long = [run for run in _runs(cells) if len(run) > _MIN_COLUMN and _varies(run)]
    return len(long) > 2 and sum(map(len, long)) >= _MIN_DOUBT and _apart(cells, long)


def _count(lines: Iterable[Line]) -> int:
    return sum(len(line.text) for line in lines)


def _varies(run: Sequence[Line]) -> bool:
    """Whether the characters of a run are words, unlike the 是 and 否 of a table."""
    text = "".join(line.text for line in run)
    return len(set(text)) > _DISTINCT * len(text)


def _runs(cells: Sequence[Line]) -> list[list[Line]]:
    """Characters that stand below one another, from the right."""

    def same_column(column: list[Line], cell: Line) -> bool:
        return abs(_middle(column[0]) - _middle(cell)) < _IN_COLUMN * max(column[0].size, cell.size)

    def continues(run: list[Line], cell: Line) -> bool:
        last = run[-1]
        pitch = cell.y0 - (last.y0 if len(last.text) == 1 else last.y1 - last.size)
        return pitch < _PITCH * max(last.size, cell.size)

    columns = grouped(sorted(cells, key=lambda cell: -_middle(cell)), same_column)
    return [run for column in columns for run in grouped(sorted(column, key=lambda cell: cell.y0), continues)]


def _middle(line: Line) -> float:
    return (line.x0 + line.x1) / 2


def _apart(cells: Sequence[Line], runs: Sequence[Sequence[Line]]) -> bool:
    """Whether the columns stand further apart than the characters in them, and follow the order of the file."""
    places = {id(cell): index for index, cell in enumerate(cells)}
    pairs = [pair for run in runs for pair in pairwise(run)]
    pitch = median(lower.y0 - upper.y0 for upper, lower in pairs)
    gaps = []
    for run in runs:
        for cell in run[:2]:
            beside = [
                other.x0 - cell.x0
                for other in cells
                if abs(other.y0 - cell.y0) < cell.size / 2 and other.x0 > cell.x1 - 1
            ]
            gaps.extend([min(beside)] if beside else [])
    if gaps and median(gaps) < pitch:
        return False
    follow = sum(places[id(lower)] == places[id(upper)] + 1 for upper, lower in pairs)
    return follow > 0.5 * len(pairs) or not gaps or median(gaps) > _GRID * pitch


def _is_within(line: Line, characters: Sequence[Line]) -> bool:
    """Whether a line stands in a column, right above or below a character."""
    return any(
        abs(_middle(cell) - _middle(line)) < _IN_COLUMN * cell.size
        and max(cell.y0 - line.y1, line.y0 - cell.y1) < cell.size
        for cell in characters
    )


def _column(run: Sequence[Line]) -> Line:
    text = clean("".join(line.text for line in run))
    size = median(line.size for line in run)
    bold = 2 * sum(line.bold for line in run) > len(run)
    return Line(text, run[0].page, *bounds(run), size, run[0].block, bold, doubt=doubt_of(run))


def vertical_blocks(page: Vertical, width: float, height: float) -> list[Block]:
    """The blocks of a page of vertical text, with its horizontal lines (titles, page numbers) before and behind it."""
    top = min(column.y0 + column.size for column in page.columns)
    before = [line for line in page.lines if line.y1 <= top]
    behind = [line for line in page.lines if line.y1 > top]
    return [
        *fast.build_blocks(before, width, height),
        *_column_blocks(page.columns, width, height),
        *fast.build_blocks(behind, width, height),
    ]


def _column_blocks(columns: Sequence[Line], width: float, height: float) -> list[Block]:
    """The blocks of columns of upright characters. Those of several tiers, which stand side by side like cells, are none."""
    centres = sorted({round(_middle(column), 1) for column in columns})
    gaps = [right - left for left, right in pairwise(centres) if right - left > 1]
    wide = []
    for column in columns:  # they touch one another, so that those of a paragraph make one block
        room = min(median(gaps), 2.5 * column.size) if gaps else column.size
        wide.append(replace(column, x0=_middle(column) - room / 2, x1=_middle(column) + room / 2))
    blocks = _read_turned(wide, _DOWNWARDS, width, height)
    for block in blocks:
        block.role = Role.BODY
        for line in block.lines:
            line.x0, line.x1 = _middle(line) - 0.55 * line.size, _middle(line) + 0.55 * line.size
    return blocks


def read_turned(turned: Sequence[TurnedLine], width: float, height: float) -> Turned:
    """What the turned lines of a page of this size hold; direction by direction."""
    result = Turned([], [])
    for direction in sorted({item.direction for item in turned}):
        if abs(direction[0]) + abs(direction[1]) != 1:
            continue  # slanted
        lines = [item.line for item in turned if item.direction == direction and not item.upright]
        columns = [
            _column(run)
            for run in _runs([item.line for item in turned if item.direction == direction and item.upright])
        ]
        labels = (
            median(len(line.text.split()) + count_han(line.text) / 2 for line in [*lines, *columns])
            < _MIN_LINE
        )
        blocks = _read_turned(lines, direction, width, height) + _column_blocks(columns, width, height)
        for block in blocks:
            text = " ".join(line.text for line in block.lines)
            if block.role is Role.TABLE or (not labels and _is_prose(text)):
                if (
                    block.role is not Role.TABLE
                ):  # body text would break a paragraph that goes on over the page
                    block.role = Role.CAPTION if CAPTION.match(text) else Role.FOOTNOTE
                result.blocks.append(block)
            else:
                result.left_out.append(block)
    return result


def _is_prose(text: str) -> bool:
    han, words = count_han(text), len(text.split())
    if han >= _LONG_HAN or words >= _LONG_WORDS or CAPTION.match(text):
        return True
    return (han >= _MIN_HAN or words >= _MIN_WORDS) and _SENTENCE.search(text[-1:]) is not None


def _read_turned(lines: Sequence[Line], direction: Direction, width: float, height: float) -> list[Block]:
    """Blocks of lines that run in this direction, at their places on a page of this size."""
    size = (width, height) if direction[1] == 0 else (height, width)
    blocks = fast.build_blocks([_moved(line, direction, width, height) for line in lines], *size)
    back = (direction[0], -direction[1])
    for block in blocks:
        block.lines = [_moved(line, back, *size) for line in block.lines]
    return blocks


def _moved(line: Line, direction: Direction, width: float, height: float) -> Line:
    """A line on a page of this size that is turned so that this direction becomes that from left to right."""
    x0, y0, x1, y1 = line.x0, line.y0, line.x1, line.y1
    if direction == _DOWNWARDS:
        x0, y0, x1, y1 = y0, width - x1, y1, width - x0
    elif direction == (0, -1):
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
    else:
        x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
    return replace(line, x0=x0, y0=y0, x1=x1, y1=y1, cuts=())
