"""The cells of a table: edges of rows and columns, rules and words in; cells, and what separates them, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_engine.documents.blocks import Rect
from qa_engine.documents.pages.lines.joining import grouped
from qa_engine.documents.pages.tables.row_edges import middle, row_edges
from qa_engine.documents.pages.tables.rules import Rule, Rules
from qa_engine.documents.pages.tables.values import NUMBER
from qa_engine.documents.pages.tables.words import (
    Word,
    cell_text,
    column_of,
    height_of,
    interval,
    lines_of,
    runs_of,
    split_at,
)

_MARGIN = 2.0
"""Points that a word may stand outside of the box of its table."""
_SLIVER = 6.0
"""A column that is narrower than so many points comes from borders that do not quite meet."""
_CORRIDOR = 0.6
"""And all cells of two columns are so many line heights apart."""
_WIDE = 1.0
"""Cells without a rule between them are so many line heights apart at least."""


@dataclass
class Cells:
    """The grid of a table.

    Attributes:
        rows, columns: edges, ascending, in points.
        words: of each cell, row by row. A cell that reaches over columns has its words in the first of them.
        ruled: whether a rule is below each cell.
        joined: whether nothing separates each cell from the one to its right, though other rows have a rule there.
        dividers: the edges of columns that are rules.
        top, bottom: between which these are; what stands above or below is no cell.
        lines: the horizontal rules.
    """

    rows: list[float]
    columns: list[float]
    words: list[list[list[Word]]]
    ruled: list[list[bool]]
    joined: list[list[bool]]
    dividers: set[float]
    top: float
    bottom: float
    lines: Sequence[Rule]

    def texts(self) -> list[list[str]]:
        """The texts of all cells."""
        return [[cell_text(cell) for cell in row] for row in self.words]

    def reach(self) -> int:
        """How many rows the first cell reaches over: where rules separate others and not its column."""
        row = 0
        while row + 1 < len(self.ruled) and not self.ruled[row][0] and any(self.ruled[row]):
            if self.words[row][0] and self.words[row + 1][0] and self.columns[1] not in self.dividers:
                break
            row += 1
        return row + 1

    def is_outside(self, row: int) -> bool:
        """Whether a row stands above or below all rules between columns."""
        words = [word for cell in self.words[row] for word in cell]
        return bool(words) and (
            max(word.y1 for word in words) < self.top + _MARGIN
            or min(word.y0 for word in words) > self.bottom - _MARGIN
        )

    def regions(self, column: int, first: int, end: int) -> list[tuple[int, int]]:
        """First and last of several rows, of those from ``first`` to before ``end``, between which a column has no rule."""
        parts = grouped(range(first, end), lambda part, _: not self.ruled[part[-1]][column])
        return [(part[0], part[-1]) for part in parts if len(part) > 1]

    def is_one(self, column: int, start: int, end: int) -> bool:
        """Whether rules separate the rows elsewhere, so that the column has one cell over them."""
        return all(
            any(below for other, below in enumerate(self.ruled[row]) if other != column)
            for row in range(start, end)
        )

    def is_column(self, column: int) -> bool:
        """Whether rules make a column, though no word is in it."""
        edges = set(self.columns[column : column + 2])
        return (
            self.dividers.issuperset(edges - {self.columns[-1]})
            and self.columns[column + 1] - self.columns[column] > 2 * _SLIVER
            and column > 0
            and not any(row[column - 1] for row in self.joined)
        )

    def keep(self, rows: Sequence[int], columns: Sequence[int]) -> Cells:
        """The grid of these rows and columns. What separates cells from those left out separates them from the next."""
        ruled, joined = [], []
        for index, row in enumerate(rows):
            following = rows[index + 1] if index + 1 < len(rows) else row + 1
            ruled.append([any(self.ruled[r][c] for r in range(row, following)) for c in columns])
            joined.append(
                [
                    all(self.joined[row][c] for c in range(column, columns[number + 1]))
                    if number + 1 < len(columns)
                    else False
                    for number, column in enumerate(columns)
                ]
            )
        words = [[self.words[row][column] for column in columns] for row in rows]
        edges = [*(self.columns[column] for column in columns), self.columns[-1]]
        return Cells(self.rows, edges, words, ruled, joined, self.dividers, self.top, self.bottom, self.lines)


def build_cells(
    rect: Rect, rows: Sequence[float], columns: Sequence[float], words: Sequence[Word], rules: Rules
) -> Cells:
    """The cells of a table.

    Args:
        rect: of the table on its page, in points.
        rows, columns: edges by the layout model, ascending, in points. Rules are believed before them.
        words: of the page.
        rules: of the page.
    """
    rules = rules.around(rect)
    words = split_at([word for word in words if _is_within(word, rect)], rules.vertical)
    runs = [run for line in lines_of(words) for run in runs_of(line, rules.vertical)]
    columns, dividers = _column_edges(rect, columns, runs, rules)
    rows = row_edges(rect, rows, columns, runs, rules)
    cells: list[list[list[Word]]] = [[[] for _ in columns[1:]] for _ in rows[1:]]
    for run in runs:
        cells[interval(rows, middle(run))][column_of(run, columns)].extend(run)
    joined = [
        [
            edge in dividers and not rules.divides(edge, top, bottom)
            for edge in columns[1:-1]
        ] + [False]
        for top, bottom in pairwise(rows)
    ]  # fmt: skip
    for row, merged in zip(cells, joined, strict=True):
        _join_columns(row, merged, columns)
    ruled = [[rules.separates(edge, left, right) for left, right in pairwise(columns)] for edge in rows[1:]]
    top = min((rule.start for rule in rules.vertical if dividers), default=rect.y0)
    bottom = max((rule.end for rule in rules.vertical if dividers), default=rect.y1)
    top = top if rules.separates(top, rect.x0, rect.x1) else rect.y0
    bottom = bottom if rules.separates(bottom, rect.x0, rect.x1) else rect.y1
    return Cells(list(rows), list(columns), cells, ruled, joined, dividers, top, bottom, rules.horizontal)


def _is_within(word: Word, rect: Rect) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    return rect.x0 - _MARGIN <= x <= rect.x1 + _MARGIN and rect.y0 - _MARGIN <= y <= rect.y1 + _MARGIN


def _column_edges(
    rect: Rect, edges: Sequence[float], runs: Sequence[Sequence[Word]], rules: Rules
) -> tuple[list[float], set[float]]:
    """The edges of the columns, and those of them that are rules.

    The model's edges stand in the gaps between words, which are not where the cells end, and it sees one column in a
    narrow pair. It is believed where no rule is: for columns without rules between others with them, if the gap is wide.
    """
    places: list[float] = []
    for rule in rules.vertical:
        if not places or rule.at - places[-1] > _SLIVER:
            places.append(rule.at)
    inner = [
        at for at in places
        if any(run[-1].x1 <= at + _MARGIN for run in runs) and any(run[0].x0 >= at - _MARGIN for run in runs)
    ]  # fmt: skip
    if not inner:
        return list(edges), set()
    outer = [min(rect.x0, edges[0], *places) - 1, max(rect.x1, edges[-1], *places) + 1]
    result = sorted({*outer, *inner})
    for edge in edges[1:-1]:
        number = interval(result, edge)
        left, right = result[number], result[number + 1]
        within = [run for run in runs if left - _MARGIN < (run[0].x0 + run[-1].x1) / 2 < right + _MARGIN]
        if _is_corridor(within, edge):
            result = sorted({*result, edge})
    return sorted({*result, *_edges_between_numbers(result, runs)}), set(inner)


def _edges_between_numbers(columns: Sequence[float], runs: Sequence[Sequence[Word]]) -> list[float]:
    """Edges for columns in which all lines hold two numbers: the rule between them is missing."""
    edges = []
    for left, right in pairwise(columns):
        within = [
            run
            for run in runs
            if left < (run[0].x0 + run[-1].x1) / 2 < right and NUMBER.fullmatch(run[0].text)
        ]
        lines = lines_of([run[0] for run in within])
        ends = [line[0].x1 for line in lines if len(line) == 2]
        starts = [line[1].x0 for line in lines if len(line) == 2]
        if lines and len(ends) == len(lines) and max(ends) < min(starts):
            edges.append((max(ends) + min(starts)) / 2)
    return edges


def _is_corridor(runs: Sequence[Sequence[Word]], edge: float) -> bool:
    """Whether words stand on both sides of an edge and hardly any across it, with a wide gap in most lines."""
    lefts = [run for run in runs if run[-1].x1 <= edge + _MARGIN]
    rights = [run for run in runs if run[0].x0 >= edge - _MARGIN]
    crossing = len(runs) - len(lefts) - len(rights)
    if not lefts or not rights:
        return False
    height = height_of(lefts[0])
    if (
        not crossing
        and min(run[0].x0 for run in rights) - max(run[-1].x1 for run in lefts) > _CORRIDOR * height
    ):
        return True
    divided = sum(
        1
        for left in lefts
        if any(
            abs(left[-1].y0 - right[0].y0) < height / 2
            and (
                right[0].x0 - left[-1].x1 > _WIDE * height
                or (NUMBER.fullmatch(right[0].text) and NUMBER.fullmatch(left[-1].text))
            )
            for right in rights
        )
    )
    return divided > 1 and crossing <= divided / 3


def _join_columns(row: list[list[Word]], merged: list[bool], columns: Sequence[float]) -> None:
    """Collects the words of cells without a rule between them in the first; corrects ``merged`` where they are cells."""
    start = 0
    for column, joined in enumerate(merged):
        if joined and row[column + 1]:
            before = [word for cell in row[start : column + 1] for word in cell]
            gap = min(word.x0 for word in row[column + 1]) - max((word.x1 for word in before), default=0.0)
            if before and gap > _WIDE * height_of(before) and columns[column + 1] - columns[column] > _SLIVER:
                merged[column] = False
        if not merged[column]:
            for other in range(start + 1, column + 1):
                row[start].extend(row[other])
                row[other].clear()
            start = column + 1
