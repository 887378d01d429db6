"""Rectangles on a page in, the order in which a reader takes them out: columns from left to right, each downwards.

A page is cut at a gutter, an x that few rectangles cross with columns of text on both sides of it; what crosses it
(titles, wide figures) cuts the page into bands. Columns are cut again in the same way (after Nagy and Seth's X-Y cut,
1984, but with the gutter found first, so that a gap across both columns does not tear them).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rect(NamedTuple):
    """Left, top, right and bottom edge in points, y downwards."""

    x0: float
    y0: float
    x1: float
    y1: float


_MIN_COLUMN = 0.12
"""A column is at least this share of the page in width, so that list labels and line numbers are none."""
_MIN_HEIGHT = 0.03
"""Rectangles of a column together are at least this share of the page in height."""
_MAX_CROSSING = 0.5
"""What crosses a gutter may be this share in height of what stands beside it, at most."""
_MIN_BESIDE = 0.4
"""Two columns stand beside each other for at least this share of the shorter one."""
_SLACK = 2.0
"""Points by which rectangles of neighbouring columns may overlap."""
_SAME_ROW = 3.0
_MAX_DEPTH = 8


def reading_order(rects: Sequence[Rect], width: float, height: float) -> list[int]:
    """Indices of the rectangles in reading order.

    Args:
        rects: of text or of blocks.
        width, height: of the page in points.
    """
    return _order(list(range(len(rects))), rects, width, height, 0)


def columns(rects: Sequence[Rect], width: float, height: float) -> bool:
    """Whether the rectangles stand in more than one column somewhere on the page."""
    return _gutter(list(range(len(rects))), rects, width, height) is not None


def _order(indices: list[int], rects: Sequence[Rect], width: float, height: float, depth: int) -> list[int]:
    gutter = _gutter(indices, rects, width, height) if depth < _MAX_DEPTH else None
    if gutter is None:
        return _downwards(indices, rects)
    crossing = [i for i in indices if rects[i].x0 < gutter - _SLACK and rects[i].x1 > gutter + _SLACK]
    across = set(crossing)
    beside = [i for i in indices if i not in across]
    ordered: list[int] = []
    for wide in [*sorted(crossing, key=lambda i: rects[i].y0), None]:
        limit = rects[wide].y0 if wide is not None else float("inf")
        band = [i for i in beside if (rects[i].y0 + rects[i].y1) / 2 < limit]
        beside = [i for i in beside if (rects[i].y0 + rects[i].y1) / 2 >= limit]
        left = [i for i in band if (rects[i].x0 + rects[i].x1) / 2 < gutter]
        right = [i for i in band if (rects[i].x0 + rects[i].x1) / 2 >= gutter]
        for column in (left, right):
            ordered.extend(_order(column, rects, width, height, depth + 1))
        if wide is not None:
            ordered.append(wide)
    return ordered


def _gutter(indices: list[int], rects: Sequence[Rect], width: float, height: float) -> float | None:
    """The x with columns on both sides that the least crosses, or None."""
    best: tuple[float, float] | None = None
    edges = sorted({round(rects[i].x0, 1) for i in indices})
    for edge in edges[1:]:
        x = edge - _SLACK / 2
        left = [rects[i] for i in indices if rects[i].x1 <= x + _SLACK]
        right = [rects[i] for i in indices if rects[i].x0 >= x - _SLACK]
        if not left or not right:
            continue
        if _extent(left) < _MIN_COLUMN * width or _extent(right) < _MIN_COLUMN * width:
            continue
        tall_left, tall_right = _covered(left), _covered(right)
        if min(tall_left, tall_right) < _MIN_HEIGHT * height:
            continue
        if _beside(left, right) < _MIN_BESIDE * min(tall_left, tall_right):
            continue
        crossing = _covered(
            [rects[i] for i in indices if rects[i].x0 < x - _SLACK and rects[i].x1 > x + _SLACK]
        )
        if crossing > _MAX_CROSSING * (crossing + max(tall_left, tall_right)):
            continue
        if best is None or crossing < best[0] - 0.5:
            best = (crossing, x)
    return best[1] if best is not None else None


def _extent(rects: Sequence[Rect]) -> float:
    return max(rect.x1 for rect in rects) - min(rect.x0 for rect in rects)


def _intervals(rects: Sequence[Rect]) -> list[tuple[float, float]]:
    """The union of the vertical extents."""
    merged: list[tuple[float, float]] = []
    for top, bottom in sorted((rect.y0, rect.y1) for rect in rects):
        if merged and top <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], bottom))
        else:
            merged.append((top, bottom))
    return merged


def _covered(rects: Sequence[Rect]) -> float:
    return sum(bottom - top for top, bottom in _intervals(rects))


def _beside(left: Sequence[Rect], right: Sequence[Rect]) -> float:
    """The height over which both sides have something."""
    first, second = _intervals(left), _intervals(right)
    shared, i, j = 0.0, 0, 0
    while i < len(first) and j < len(second):
        shared += max(0.0, min(first[i][1], second[j][1]) - max(first[i][0], second[j][0]))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return shared


def _downwards(indices: list[int], rects: Sequence[Rect]) -> list[int]:
    """From top to bottom, and from left to right what stands in one row."""
    ordered = sorted(indices, key=lambda i: (rects[i].y0, rects[i].x0))
    rows: list[list[int]] = []
    for index in ordered:
        if rows and rects[index].y0 - rects[rows[-1][0]].y0 < _SAME_ROW:
            rows[-1].append(index)
        else:
            rows.append([index])
    return [index for row in rows for index in sorted(row, key=lambda i: rects[i].x0)]
