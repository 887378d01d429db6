"""Tells which pages need the layout model: those with columns, tables, figures or formulas; plain prose does not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from qa_engine.documents.blocks import Line
from qa_engine.documents.fast_page import CELL_GAP, MAX_PIECES
from qa_engine.documents.line_joining import joined, rows_of
from qa_engine.documents.reading_order import Rect, columns
from qa_engine.documents.roles import is_contents

_TABLE_ROWS = 3
_PAIR_ROWS = 6
"""Rows of two pieces that make a list of keys and values; fewer are headings with their numbers."""
_SHORT = 4
_SHORT_SHARE = 0.3
_MIN_SHORT = 12
"""From this number and share of all on, pieces of fewer than four characters are formulas or the labels of a drawing."""
_FIGURE = 0.02
_BACKGROUND = 0.85
"""Pictures between these shares of the page are figures; a larger one is a background or a scan."""
_RULES = 3
_PATHS = 40


def layout_reason(page: Any, pieces: Sequence[Line], width: float, height: float) -> str | None:
    """What on a page needs the layout model, or None if geometry does.

    Args:
        page: a ``pymupdf.Page``.
        pieces: of its lines.
        width, height: of the page in points.
    """
    if len(pieces) > MAX_PIECES:
        return "drawing"
    if columns([Rect(piece.x0, piece.y0, piece.x1, piece.y1) for piece in pieces], width, height):
        return "columns"
    rows = rows_of(pieces)
    if is_contents([joined(row) for row in rows]):
        return None
    short = sum(1 for piece in pieces if len(piece.text) < _SHORT)
    if short >= _MIN_SHORT and short > _SHORT_SHARE * len(pieces):
        return "formulas"
    if _is_tabular(rows):
        return "table"
    return _graphics(page, width * height)


def _is_tabular(rows: Sequence[Sequence[Line]]) -> bool:
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


def _graphics(page: Any, area: float) -> str | None:
    paths = rules = 0
    for kind, (x0, y0, x1, y1) in page.get_bboxlog():
        if "image" in kind or "shade" in kind:
            if _FIGURE < abs((x1 - x0) * (y1 - y0)) / area < _BACKGROUND:
                return "figure"
        elif "path" in kind:
            paths += 1
            rules += abs(y1 - y0) < 2 and abs(x1 - x0) > 100
    if paths > _PATHS:
        return "drawing"
    return "table" if rules >= _RULES else None
