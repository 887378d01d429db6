"""Where the rows of a table end: rules, edges by the layout model and words in; edges that tear no row out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from qa_engine.documents.blocks import Rect
from qa_engine.documents.pages.tables.rules import Rules
from qa_engine.documents.pages.tables.values import Kind, is_broken, is_whole_value, kind
from qa_engine.documents.pages.tables.words import Word, cell_text, column_of, height_of

_NEAR = 0.5
"""An edge by the model within this share of a line from a rule is that rule."""
_SAME = 2.0
"""Edges of shading and of rows that are no more points apart are one."""
_BESIDE = 0.25
"""A line that is beside another with this share of its height stands in one row with it."""
_FULL = 1.3
"""A line that ends within so many heights of the widest one of its column may go on in the next line."""
_LONG = 6.0
"""A cell that goes on in the next line is so many line heights wide at least."""
_TIGHT = 0.85
"""The lines of a cell are nearer to each other than this share of the distance between rows."""
_WIDER = 1.15
"""Between the labels of two rows is so many times the distance of the lines of one."""
_BANDS = 3
"""From so many rows between rules on, all rows of a table are between rules."""
_MANY = 4
"""So many lines, nearly all of which fill all columns, are rows though no rules are between them."""
_OPEN_END = ("：", ":", "。")

Part = dict[int, list[list[Word]]]
"""The runs of words of a row, or a part of one, by column."""


def row_edges(
    rect: Rect,
    edges: Sequence[float],
    columns: Sequence[float],
    runs: Sequence[list[Word]],
    rules: Rules,
) -> list[float]:
    """The edges of the rows of a table: the rules, and between them those by the model that tear no row in two.

    Args:
        rect: of the table.
        edges: of the rows by the model.
        columns: edges of the columns.
        runs: of words without wide gaps.
        rules: around the table.
    """
    height = height_of([word for run in runs for word in run])
    middles = sorted(middle(run) for run in runs)
    if not middles:
        return list(edges)
    lines = [rule.at for rule in rules.horizontal]
    ruled: list[float] = []
    for at in sorted([*lines, *(edge for shade in rules.shades for edge in (shade.y0, shade.y1))]):
        if middles[0] < at < middles[-1] and not (ruled and at - ruled[-1] < _NEAR * height):
            ruled.append(at)
    model = [edge for edge in edges[1:-1] if all(abs(edge - at) > _NEAR * height for at in ruled)]
    bands = [min(rect.y0, edges[0]) - height, *ruled, max(rect.y1, edges[-1]) + height]
    known = [bands[0], *sorted([*ruled, *model]), bands[-1]]
    model += [
        edge
        for top, bottom in pairwise(known)
        for edge in _missing_edges(
            runs,
            top,
            bottom,
            columns,
            bool(rules.vertical) and sum(at in lines for at in ruled) >= _BANDS - 1,
        )
    ]
    model.sort()
    split: list[list[tuple[float, Part]]] = []
    for top, bottom in pairwise(bands):
        within = [top, *(edge for edge in model if top < edge < bottom), bottom]
        split.append([(upper, _part(runs, upper, lower, columns)) for upper, lower in pairwise(within)])
    pitch = _pitch([part for band in split for _, part in band])
    lined = bool(rules.vertical) or sum(1 for at in ruled if at in lines) >= _BANDS - 1
    outer = {bands[0], bands[-1]}
    result = []
    for (top, bottom), band in zip(pairwise(bands), split, strict=True):
        result.append(top)
        closed = (lined and {top, bottom} <= {*lines, *outer}) or any(
            shade.y0 < top + _SAME and shade.y1 > bottom - _SAME for shade in rules.shades
        )
        inside = [part for _, part in band]
        width = len(columns) - 1
        parted = _is_stacked(inside, width) or (not rules.vertical and _are_filled(inside, width))
        if closed and not parted and not _has_levels(inside):
            continue
        current, edges = band[0][1], list[float]()
        for (edge, part), after in zip(band[1:], [*inside[2:], Part()], strict=False):
            edges.append(edge)
            if not part:
                continue
            if _tears(current, part, pitch) and not _begins_label(current, part, after):
                current = _joined(current, part)
            else:
                result += edges
                current = part
            edges = []
        result += edges
    return [bands[0] + height, *result[1:], bands[-1] - height]


def middle(run: Sequence[Word]) -> float:
    """The height at which a run of words stands."""
    return (run[0].y0 + run[0].y1) / 2


def _part(runs: Sequence[list[Word]], top: float, bottom: float, columns: Sequence[float]) -> Part:
    part: Part = {}
    for run in runs:
        if top <= middle(run) < bottom:
            part.setdefault(column_of(run, columns), []).append(run)
    return part


def _joined(one: Part, other: Part) -> Part:
    return {column: [*one.get(column, []), *other.get(column, [])] for column in {**one, **other}}


def _pitch(parts: Sequence[Part]) -> float | None:
    """The usual distance between rows; None if there are too few."""
    middles = [_centre(part) for part in parts if len(part) > 1]
    distances = [below - above for above, below in pairwise(middles)]
    return median(distances) if len(distances) > 1 else None


def _centre(part: Part) -> float:
    return (_top(part) + _bottom(part)) / 2


def _is_stacked(parts: Sequence[Part], width: int, values_only: bool = False) -> bool:
    """Whether parts of a table between two rules are rows: values below each other, or lines that fill all columns."""
    rows = [part for part in parts if len(part) > 1]
    if len(rows) < 2:
        return False
    for column in range(width):
        texts = [cell_text([word for run in part[column] for word in run]) for part in rows if column in part]
        whole = len(texts) == len(rows) and all(is_whole_value(text) for text in texts)
        if whole and not is_broken(texts, "".join(texts)):
            return True
    filled = sum(len(part) for part in parts)
    return not values_only and len(parts) >= _MANY and filled >= 0.8 * width * len(parts)


def _are_filled(parts: Sequence[Part], width: int) -> bool:
    """Whether each of several lines fills all columns beside the labels, as the lines of a wrapped cell hardly do."""
    lines = [part for part in parts if part]
    return (
        len(lines) > 1
        and width > 2
        and all(sum(1 for column in line if column) == width - 1 for line in lines)
    )


def _missing_edges(
    runs: Sequence[list[Word]], top: float, bottom: float, columns: Sequence[float], ruled: bool
) -> list[float]:
    """Edges between lines that are rows of their own: each fills several columns, and one column has a value in all.

    Where all rows are ``ruled``, each has to fill all columns, because the lines of a cell may stand beside those of others.
    """
    lines: list[Part] = []
    inside = [run for run in runs if top <= middle(run) < bottom and (ruled or column_of(run, columns))]
    for run in sorted(inside, key=middle):
        if not lines or middle(run) > _bottom(lines[-1]):
            lines.append({})
        lines[-1].setdefault(column_of(run, columns), []).append(run)
    if len(lines) < 2 or any(len(line) < (len(columns) - 1 if ruled else 2) for line in lines):
        return []
    if not _is_stacked(lines, len(columns) - 1, values_only=True):
        return []
    return [(_bottom(upper) + _top(lower)) / 2 for upper, lower in pairwise(lines)]


def _top(part: Part) -> float:
    return min(word.y0 for runs in part.values() for run in runs for word in run)


def _bottom(part: Part) -> float:
    return max(word.y1 for runs in part.values() for run in runs for word in run)


def _has_levels(parts: Sequence[Part]) -> bool:
    """Whether words stand over those of several columns, as a common name does over the names below it."""
    return any(
        sum(1 for under in lower.values() if run[0].x0 < (under[0][0].x0 + under[0][-1].x1) / 2 < run[-1].x1)
        > 1
        for upper, lower in pairwise(parts)
        for runs in upper.values()
        for run in runs
    )


def _tears(upper: Part, lower: Part, pitch: float | None) -> bool:
    """Whether two neighbouring parts without a rule between them are lines of one row."""
    if not upper or not lower:
        return False
    if _beside(upper, lower) and (set(upper) == {0} or set(lower) == {0}):
        return True  # a label in the middle of its rows
    both = [column for column in lower if column in upper]
    over, under = (_text(upper, 0), _text(lower, 0)) if 0 in both else ("", "")
    tight = pitch is not None and _distance(upper, lower) < _TIGHT * pitch
    if 0 in both and (len(upper) == 1 or len(lower) == 1):
        if len(upper) == 1 and len(lower) == 1:
            return False
        continued = under[:1].islower() or _is_open(over)
        return not over.endswith(_OPEN_END) and (tight or (continued and _is_full(upper, 0, lower)))
    if len(upper) == 1 and 0 in upper:
        return tight and all(_is_value(lower, column) for column in lower)
    if 0 in lower or len(both) < len(lower) or any(_is_value(lower, column) for column in lower):
        return False
    return tight or (len(lower) == 1 and all(_is_full(upper, column, lower) for column in lower))


def _begins_label(row: Part, part: Part, after: Part) -> bool:
    """Whether a line of a label belongs to the row below: values stand in the middle of the lines of their label."""
    if set(part) != {0} or len(row) < 2 or not after:
        return False
    return _distance(row, part) > _WIDER * _distance(part, after)


def _beside(upper: Part, lower: Part) -> bool:
    return _distance(upper, lower) < (1 - _BESIDE) * height_of(
        [word for runs in upper.values() for run in runs for word in run]
    )


def _distance(upper: Part, lower: Part) -> float:
    """From the last line of one part to the first line of the next."""
    last = max(middle(run) for runs in upper.values() for run in runs)
    first = min(middle(run) for runs in lower.values() for run in runs)
    return first - last


def _text(part: Part, column: int) -> str:
    return cell_text([word for run in part[column] for word in run])


def _is_value(part: Part, column: int) -> bool:
    return kind(_text(part, column)) is not Kind.WORDS


def _is_open(text: str) -> bool:
    """Whether a bracket is open at the end."""
    return text.count("(") + text.count("（") > text.count(")") + text.count("）")


def _is_full(part: Part, column: int, below: Part) -> bool:
    """Whether the last line of a cell is as wide as the next, and no short one."""
    run, following = part[column][-1], below[column][0]
    height = run[-1].y1 - run[-1].y0
    return run[-1].x1 - run[0].x0 > _LONG * height and run[-1].x1 > following[-1].x1 - _FULL * height
