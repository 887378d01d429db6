"""Rectangles on a page in, the order in which they are read out: columns from left to right, each downwards.

A page is cut at a gutter: an x with columns of text on both sides that few rectangles cross. Those that cross it (titles,
wide figures) cut the page into bands. Columns are cut again in the same way. This follows the X-Y cut of Nagy and Seth
(1984), but searches for the gutter first, so that a gap across both columns does not tear them apart.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import or_, sub
from typing import NamedTuple

from qa_engine.documents.blocks import Rect
from qa_engine.documents.pages.lines.joining import grouped

_MIN_COLUMN = 0.12
"""A column is at least this share of the page in width; list labels and line numbers are narrower."""
_MIN_HEIGHT = 0.03
"""Rectangles of a column together are at least this share of the page in height."""
_MAX_CROSSING = 0.5
"""The height of what crosses a gutter is at most this share of the height of a column and what crosses together."""
_MIN_BESIDE = 0.4
"""Two columns are beside each other for at least this share of the height of the shorter one."""
_SLACK = 2.0
"""Points by which rectangles of neighbouring columns may overlap."""
_SAME_ROW = 3.0
"""Rectangles whose tops differ by less than so many points are in one row."""
_FAR = 1e6
_MAX_DEPTH = 8
_STEPS = 4096
"""Into so many parts the height of a page is divided to measure how much of it is covered."""


def reading_order(rects: Sequence[Rect], width: float, height: float) -> list[int]:
    """Indices of the rectangles of text or of blocks in reading order, on a page of this size in points."""
    return _order(list(range(len(rects))), _pieces(rects, height), width, height, 0)


def column_order(rects: Sequence[Rect], width: float, height: float) -> list[int] | None:
    """`reading_order` of rectangles that stand in more than one column somewhere on the page; None if there is one."""
    pieces, indices = _pieces(rects, height), list(range(len(rects)))
    gutter = _gutter(indices, pieces, width, height)
    return _divided(gutter, indices, pieces, width, height, 0) if gutter is not None else None


def columns(rects: Sequence[Rect], width: float, height: float) -> bool:
    """Whether the rectangles stand in more than one column somewhere on the page."""
    return _gutter(list(range(len(rects))), _pieces(rects, height), width, height) is not None


def _order(indices: list[int], rects: Sequence[_Piece], width: float, height: float, depth: int) -> list[int]:
    gutter = _gutter(indices, rects, width, height) if depth < _MAX_DEPTH else None
    if gutter is None:
        return _downwards(indices, rects)
    return _divided(gutter, indices, rects, width, height, depth)


def _divided(
    gutter: float, indices: list[int], rects: Sequence[_Piece], width: float, height: float, depth: int
) -> list[int]:
    """The order of what stands on both sides of a gutter and across it."""
    crossing = [i for i in indices if rects[i].x0 < gutter - _SLACK and rects[i].x1 > gutter + _SLACK]
    across = set(crossing)
    beside = sorted((i for i in indices if i not in across), key=lambda i: rects[i].y0 + rects[i].y1)
    middles = [(rects[i].y0 + rects[i].y1) / 2 for i in beside]
    ordered: list[int] = []
    start = 0
    for wide in [*sorted(crossing, key=lambda i: rects[i].y0), None]:
        end = bisect_left(middles, rects[wide].y0, start) if wide is not None else len(beside)
        band, start = beside[start:end], end
        left = [i for i in band if (rects[i].x0 + rects[i].x1) / 2 < gutter]
        right = [i for i in band if (rects[i].x0 + rects[i].x1) / 2 >= gutter]
        for column in (left, right):
            ordered.extend(_order(column, rects, width, height, depth + 1))
        if wide is not None:
            ordered.append(wide)
    return ordered


def _gutter(indices: list[int], rects: Sequence[_Piece], width: float, height: float) -> float | None:
    """The x with columns on both sides that is crossed least, or None.

    The heights that rectangles cover are a bit mask, so that thousands of them take thousands of steps and not millions.
    """
    unit = max(height, 1.0) / _STEPS
    pieces = [rects[i] for i in indices]
    if not pieces or _is_small(pieces, width, height, unit):
        return None
    gutters = sorted({round(piece.x0, 1) for piece in pieces})
    mirrored = [_Piece(-piece.x1, -piece.x0, piece.y0, piece.y1, piece.mask) for piece in pieces]
    lefts = _left_of(gutters, pieces)
    rights = _left_of([-x for x in reversed(gutters)], mirrored)[::-1]
    best: tuple[float, float] | None = None
    for x, left, right, across in zip(gutters, lefts, rights, _across(gutters, pieces), strict=True):
        if not left.mask or not right.mask or min(left.extent, right.extent) < _MIN_COLUMN * width:
            continue
        tall_left, tall_right = left.mask.bit_count() * unit, right.mask.bit_count() * unit
        if min(tall_left, tall_right) < _MIN_HEIGHT * height:
            continue
        if (left.mask & right.mask).bit_count() * unit < _MIN_BESIDE * min(tall_left, tall_right):
            continue
        crossing = across.bit_count() * unit
        if crossing > _MAX_CROSSING * (crossing + max(tall_left, tall_right)):
            continue
        if best is None or crossing < best[0] - 0.5:
            best = (crossing, x)
    return best[1] if best is not None else None


class _Piece(NamedTuple):
    """A rectangle, and the heights that it covers."""

    x0: float
    x1: float
    y0: float
    y1: float
    mask: int


def _pieces(rects: Sequence[Rect], height: float) -> list[_Piece]:
    """Rectangles on a page of this height. Damaged files place text at infinity, or nowhere."""
    unit = max(height, 1.0) / _STEPS
    pieces = []
    for rect in rects:
        x0, y0, x1, y1 = [min(max(-_FAR, edge), _FAR) for edge in rect]
        top, bottom = round(min(max(0.0, y0 / unit), _STEPS)), round(min(max(0.0, y1 / unit), _STEPS))
        pieces.append(_Piece(x0, x1, y0, y1, (1 << bottom) - (1 << top) if top < bottom else 0))
    return pieces


def _is_small(pieces: Sequence[_Piece], width: float, height: float, unit: float) -> bool:
    """Whether there is no room for two columns, as in most of the parts into which a page is divided."""
    wide = max([piece.x1 for piece in pieces]) - min([piece.x0 for piece in pieces])
    tall = max([piece.y1 for piece in pieces]) - min([piece.y0 for piece in pieces])
    return wide + 2 * _SLACK < 2 * _MIN_COLUMN * width or tall + 2 * unit < _MIN_HEIGHT * height


class _Side(NamedTuple):
    """The width of all that stands on one side of a gutter, and the heights that it covers."""

    extent: float
    mask: int


def _left_of(gutters: Sequence[float], pieces: Sequence[_Piece]) -> list[_Side]:
    """For each gutter, from left to right, what ends before it."""
    ordered = sorted(pieces, key=lambda piece: piece.x1)
    rights = [piece.x1 for piece in ordered]
    lefts = accumulate((piece.x0 for piece in ordered), min)
    masks = accumulate((piece.mask for piece in ordered), or_)
    # What the first of the pieces, the first two and so on are together; before them, nothing.
    sides = [_Side(0.0, 0), *map(_Side, map(sub, rights, lefts), masks)]
    return [sides[bisect_right(rights, x + _SLACK)] for x in gutters]


def _across(gutters: Sequence[float], pieces: Sequence[_Piece]) -> list[int]:
    """For each gutter, the heights of what crosses it, by a segment tree whose leaves are the gutters."""
    size = len(gutters)
    tree = [0] * (2 * size)
    for piece in pieces:
        first = bisect_right(gutters, piece.x0 + _SLACK) + size
        last = bisect_left(gutters, piece.x1 - _SLACK) + size
        while first < last:
            if first & 1:
                tree[first] |= piece.mask
                first += 1
            if last & 1:
                last -= 1
                tree[last] |= piece.mask
            first, last = first // 2, last // 2
    for node in range(2, 2 * size):
        tree[node] |= tree[node // 2]
    return tree[size:]


def _downwards(indices: list[int], rects: Sequence[_Piece]) -> list[int]:
    """Row after row from top to bottom, each from left to right."""
    ordered = sorted(indices, key=lambda i: (rects[i].y0, rects[i].x0))
    rows = grouped(ordered, lambda row, i: rects[i].y0 - rects[row[0]].y0 < _SAME_ROW)
    return [index for row in rows for index in sorted(row, key=lambda i: rects[i].x0)]
