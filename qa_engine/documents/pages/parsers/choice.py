"""Chooses between the fast and the layout parser: what on a page needs the layout model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.block_roles import is_contents
from qa_engine.documents.pages.lines.joining import bounds, join_pieces, rows_of
from qa_engine.documents.pages.parsers.fast import MAX_PIECES
from qa_engine.documents.pages.parsers.pairs import CELL_GAP
from qa_engine.documents.pages.reading_order import columns

Box = tuple[float, float, float, float]
PaintLog = Sequence[tuple[str, tuple[float, float, float, float]]]
"""Kinds and rectangles of what is painted on a page, as ``get_bboxlog()`` gives them."""
_TABLE_ROWS = 3
_PAIR_ROWS = 6
"""So many rows of two pieces are a list of keys and values; fewer are headings with their numbers."""
_SHORT = 4
_SHORT_SHARE = 0.3
_MIN_SHORT = 12
"""From this number and share of all on, pieces of fewer than four characters are formulas or the labels of a drawing."""
_FIGURE = 0.02
_BACKGROUND = 0.85
"""Images between these shares of the page are figures; a larger one is a background or a scan."""
_RULES = 3
"""So many long horizontal lines make a table."""
_RULE, _CELL = 3.0, 8.0
"""A path that is thinner than this and longer than that, in points, may be a border of a cell; one without, a cell."""
_LEVEL = 4.0
"""Rules that are less than this apart, in points, are one: a thick line, or the upper and lower edge of one."""
_CELLS = 6
_PATHS = 40
"""More paths than this make a drawing."""


def layout_reason(page: Any, pieces: Sequence[Line], log: PaintLog | None = None) -> str | None:
    """What on a ``pymupdf.Page`` with these pieces of lines needs the layout model; None if the fast parser is enough.

    ``log`` is its ``get_bboxlog()``, if that was already read.
    """
    width, height = page.rect.width, page.rect.height
    if len(pieces) > MAX_PIECES:
        return "drawing"
    if columns([bounds([piece]) for piece in pieces], width, height):
        return "columns"
    rows = rows_of(pieces)
    if is_contents([join_pieces(row) for row in rows]):
        return None
    short = sum(1 for piece in pieces if len(piece.text) < _SHORT)
    if short >= _MIN_SHORT and short > _SHORT_SHARE * len(pieces):
        return "formulas"
    if _is_tabular(rows):
        return "table"
    return _graphics(width * height, rows, page.get_bboxlog() if log is None else log)


def _is_tabular(rows: Sequence[Sequence[Line]]) -> bool:
    """Whether enough rows have wide gaps between their pieces."""
    several = pairs = 0
    for row in rows:
        gaps = sum(
            1
            for left, right in pairwise(row)
            if right.x0 - left.x1 > CELL_GAP * left.size and not left.text.endswith("…")
        )
        several += gaps >= 2
        pairs += gaps == 1
    return several >= _TABLE_ROWS or several + pairs >= _PAIR_ROWS


def _graphics(area: float, rows: Sequence[Sequence[Line]], log: PaintLog) -> str | None:
    """The images or drawings on a page that need the layout model, if there are any."""
    paths = uprights = 0
    rules: list[Box] = []
    levels: list[Box] = []
    boxes: list[Box] = []
    for kind, (x0, y0, x1, y1) in log:
        if "image" in kind or "shade" in kind:
            if _FIGURE < abs((x1 - x0) * (y1 - y0)) / area < _BACKGROUND:
                return "figure"
        elif "path" in kind:
            paths += 1
            width, height = abs(x1 - x0), abs(y1 - y0)
            if height < 2 and width > 100:
                rules.append((x0, y0, x1, y1))
            if height < _RULE < _CELL < width:
                levels.append((x0, y0, x1, y1))
            uprights += width < _RULE < _CELL < height
            if width > _CELL < height and width * height < _BACKGROUND * area:
                boxes.append((x0, y0, x1, y1))
    if paths > _PATHS:
        return "drawing"
    if _distinct(rules) >= _RULES or (_distinct(levels) >= _RULES and uprights >= _RULES):
        return "table"
    return "table" if boxes and _are_cells(boxes, rows) else None


def _distinct(rules: Sequence[Box]) -> int:
    """How many of some rules do not lie upon one another."""
    return sum(
        1
        for number, (x0, y0, x1, _) in enumerate(rules)
        if not any(
            abs(y0 - other[1]) < _LEVEL and x0 < other[2] - _LEVEL and other[0] < x1 - _LEVEL
            for other in rules[:number]
        )
    )


def _are_cells(boxes: Sequence[Box], rows: Sequence[Sequence[Line]]) -> bool:
    """Whether boxes beside each other are the cells of a table, or one holds rows of several pieces, as a grid does."""
    beside = sum(
        1
        for number, one in enumerate(boxes[1:])
        if abs(one[0] - boxes[number][2]) < _RULE and abs(one[1] - boxes[number][1]) < _RULE
    )
    if len(boxes) >= _CELLS and beside >= _RULES:
        return True
    return any(
        sum(
            1
            for row in rows
            if sum(1 for piece in row if x0 < piece.x0 and piece.x1 < x1 and y0 < piece.y0 and piece.y1 < y1)
            > 1
        )
        > 1
        for x0, y0, x1, y1 in boxes
    )
