"""Cells over several rows: a grid of cells in, their texts in every row that they span out.

Rules decide where there are any. Elsewhere the places of the labels among their rows do: at the top, in the middle or at the
foot of a group. Where two of these fit, no label is given to a row that it does not stand in.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from qa_engine.documents.pages.lines.joining import grouped
from qa_engine.documents.pages.tables.cells import Cells
from qa_engine.documents.pages.tables.values import Kind, kind
from qa_engine.documents.pages.tables.words import Word, cell_text

DOUBT = "labels of a table may belong to other rows than the ones they stand in"
_NEAR = 0.3
"""A label stands at a place if it is not farther from it than this share of the distance between two rows."""
_WIDE = 1.35
"""Between groups of rows there is more than this many times the usual distance of rows."""
_ALIGNED = 2.0
"""What stands in a row is no more points from its middle."""
_LINE_GAP = 0.6
"""The lines of one label are less than this share of their height apart."""

_LONGEST = 60
"""A text of more characters is no label of rows; it stands once, in the first of them."""

_Label = tuple[float, str, int, int]
"""Height of its middle, text, and the first and last row that it stands in."""
_Groups = list[tuple[int, int, _Label]]
"""First row, last row, and label."""


def spread_labels(cells: Cells, first: int) -> tuple[list[list[str]], bool]:
    """The texts of the cells with those of cells over several rows in all of them, and whether some are in doubt.

    Args:
        cells: the grid.
        first: number of the first row below the header.
    """
    texts = cells.texts()
    heights = [_height_of_row(row) for row in cells.words]
    breaks: set[int] = set()
    unclear = False
    leading = True
    for column in range(len(texts[0])):
        free = [column and cells.joined[row][column - 1] for row in range(len(texts))]
        gaps = any(not texts[row][column] and not free[row] for row in range(first, len(texts)))
        for start, end in cells.regions(column, first, len(texts)):
            empty = [row for row in range(start, end + 1) if not texts[row][column]]
            whole = cells.is_one(column, start, end)
            edges = cells.columns[max(column, 1) : column + 2]
            enclosed = whole and cells.dividers.issuperset(edges[: len(texts[0]) - column])
            if any(free[start : end + 1]) or not (empty or enclosed):
                continue
            labels = _labels(cells, column, start, end, heights)
            if enclosed and len(labels) > 1 and not _stand_in_rows(labels, heights[start : end + 1]):
                words = [word for row in range(start, end + 1) for word in cells.words[row][column]]
                labels = [(0.0, cell_text(words), start, end)]
            bounded = (start, end) != (first, len(texts) - 1)
            groups: _Groups | None
            if len(labels) == 1 and (enclosed or (leading and (whole or bounded))):
                groups = [(start, end, labels[0])]
            elif leading and labels:
                sums = {row for row in empty if _is_sum(cells.words[row], column)}
                kinds = [row[column + 1] if column + 1 < len(row) else "" for row in texts]
                groups = _groups(labels, heights, range(start, end + 1), breaks, sums, kinds)
                unclear = unclear or groups is None
            else:
                groups = None
            if any(_is_beyond(texts, column, group) for group in groups or ()):
                groups, unclear = None, True
            for top, bottom, label in groups or ():
                breaks |= {top, bottom + 1}
                for row in range(top, bottom + 1):
                    texts[row][column] = label[1] if row == top or len(label[1]) <= _LONGEST else ""
        leading = (
            leading and gaps and column + 1 < len(texts[0]) and _is_label_column(texts, column + 1, first)
        )
    return texts, unclear


def _is_label_column(texts: Sequence[Sequence[str]], column: int, first: int) -> bool:
    """Whether most cells of a column are words or years."""
    kinds = [kind(row[column]) for row in texts[first:] if row[column]]
    return 2 * sum(1 for what in kinds if what in {Kind.WORDS, Kind.YEAR}) > len(kinds)


def _height_of_row(row: Sequence[Sequence[Word]]) -> float:
    """The height of the middle of what stands in a row, labels aside where there is more."""
    words = [word for cell in row[1:] for word in cell] or [word for cell in row for word in cell]
    return (min(word.y0 for word in words) + max(word.y1 for word in words)) / 2


def _labels(cells: Cells, column: int, start: int, end: int, heights: Sequence[float]) -> list[_Label]:
    """The labels in a part of a column, those of several lines as one."""
    filled = [(row, word) for row in range(start, end + 1) for word in cells.words[row][column]]
    filled.sort(key=lambda place: (place[1].y0 + place[1].y1, place[1].x0))

    def continues(label: list[tuple[int, Word]], place: tuple[int, Word]) -> bool:
        bottom = max(word.y1 for _, word in label)
        if place[0] != label[-1][0] and all(
            abs((word.y0 + word.y1) / 2 - heights[row]) < _ALIGNED for row, word in (label[-1], place)
        ):
            return False  # each stands in its row
        return place[1].y0 - bottom < _LINE_GAP * (place[1].y1 - place[1].y0)

    labels = []
    for label in grouped(filled, continues):
        words = [word for _, word in label]
        middle = (min(word.y0 for word in words) + max(word.y1 for word in words)) / 2
        labels.append((middle, cell_text(words), label[0][0], label[-1][0]))
    return labels


def _groups(
    labels: Sequence[_Label],
    heights: Sequence[float],
    rows: Sequence[int],
    breaks: set[int],
    sums: set[int],
    kinds: Sequence[str],
) -> _Groups | None:
    """The rows of each label by its place among them; None if several divisions fit, or none does."""
    pitch = median(heights[below] - heights[row] for row, below in pairwise(rows))
    parts = grouped(
        rows,
        lambda part, row: row not in breaks and heights[row] - heights[row - 1] <= _WIDE * pitch,
    )
    groups: _Groups = []
    for part in parts:
        inside = [label for label in labels if _holds(part, label, heights, pitch)]
        if not inside:
            continue
        found = _divide(inside, heights, part, pitch, len(parts) > 1, sums, kinds)
        if found is None:
            return None
        groups.extend(found)
    return groups


def _holds(part: Sequence[int], label: _Label, heights: Sequence[float], pitch: float) -> bool:
    return heights[part[0]] - pitch / 2 <= label[0] <= heights[part[-1]] + pitch / 2


def _divide(
    labels: Sequence[_Label],
    heights: Sequence[float],
    part: Sequence[int],
    pitch: float,
    apart: bool,
    sums: set[int],
    kinds: Sequence[str],
) -> _Groups | None:
    """The rows of each label in a part of a table: the only division that has all labels at one place of their rows.

    Args:
        labels: in the part.
        heights: of all rows.
        part: the rows.
        pitch: the usual distance between rows.
        apart: whether there are gaps around the part.
        sums: rows of numbers alone, or of a single cell. Below a row with a label they are sums without a name.
        kinds: the cells beside the labels. If two divisions fit, that one counts in which all groups begin alike.
    """

    def is_at(height: float, label: _Label) -> bool:
        return abs(label[0] - height) < _NEAR * pitch

    first, last = part[0], part[-1]
    rows = [min(part, key=lambda row: abs(heights[row] - label[0])) for label in labels]
    aligned = all(is_at(heights[row], label) for row, label in zip(rows, labels, strict=True))
    if aligned and rows[0] == first and sums.issuperset(set(part) - set(rows)):
        return []
    if len(labels) == 1 and apart:
        return [(first, last, labels[0])]
    found: list[list[int]] = []
    ends, at = [], first
    for label in labels:
        end = next(
            (row for row in range(at, last + 1) if is_at((heights[at] + heights[row]) / 2, label)), None
        )
        if end is None:
            break
        at = end + 1
        ends.append(at)
    if len(ends) == len(labels) and at == last + 1:
        found.append(ends)
    if aligned and rows[0] != first and rows[-1] == last:
        found.append([row + 1 for row in rows])
    if aligned and (rows[0] == first or not found):
        found.append([*rows[1:], last + 1])
        first = rows[0]  # those before it belong to a label on the page before
    if len(found) > 1:
        alike = [ends for ends in found if len({kinds[row] for row in [first, *ends[:-1]]}) == 1]
        found = alike if len(alike) == 1 and len(labels) > 1 else found
    if not found or any(other != found[0] for other in found):
        return [] if aligned and sums.issuperset(set(part) - set(rows)) else None
    starts = [first, *found[0]]
    return [(top, below - 1, label) for (top, below), label in zip(pairwise(starts), labels, strict=True)]


def _is_sum(row: Sequence[Sequence[Word]], column: int) -> bool:
    """Whether beside the label column of a row there are numbers alone, or hardly anything."""
    filled = [cell_text(cell) for other, cell in enumerate(row) if cell and other != column]
    return all(kind(cell) is Kind.NUMBER for cell in filled) or len(filled) < min(2, len(row) - 1)


def _stand_in_rows(labels: Sequence[_Label], heights: Sequence[float]) -> bool:
    """Whether most of several labels stand in the middle of a row, so that they are not the lines of one cell."""
    aligned = sum(1 for label in labels if min(abs(height - label[0]) for height in heights) < _ALIGNED)
    return 2 * aligned > len(labels)


def _is_beyond(texts: Sequence[Sequence[str]], column: int, group: tuple[int, int, _Label]) -> bool:
    """Whether a label has a line in a row that is none of its own, or one of its rows has another."""
    top, bottom, (_, text, first, last) = group
    own = [texts[row][column].replace(" ", "") for row in range(top, bottom + 1)]
    return first < top or last > bottom or any(cell not in text.replace(" ", "") for cell in own)
