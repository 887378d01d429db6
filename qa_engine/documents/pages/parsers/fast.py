"""Reads a page by geometry alone: the pieces of its lines in, blocks in reading order out, in about a millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from qa_engine.documents.blocks import Block, Line, Role
from qa_engine.documents.pages.annotations.field_labels import in_order
from qa_engine.documents.pages.lines.joining import baseline_overlap, bounds, grouped, join_pieces, rows_of
from qa_engine.documents.pages.parsers.pairs import CELL_GAP, take_pairs
from qa_engine.documents.pages.reading_order import column_order

_GAP = 0.75
"""A gap of more than this many line heights begins a new block."""
_MARK = 6
"""Most characters of the bullet of a list item or of the number of a heading."""
_MARK_GAP = 2.0
"""A bullet or number stands less than this many font sizes before its text."""
_SAME_SIZE = 0.08
"""Lines whose font sizes differ by no more than this share are of one size."""
MAX_PIECES = 1500
"""More pieces than this are a drawing or a map, in which no columns are looked for."""


def build_blocks(pieces: Sequence[Line], width: float, height: float) -> list[Block]:
    """The blocks of a page in reading order. Rows of cells and pairs are tables, else body: others need the file.

    Args:
        pieces: of lines, in the order of the file.
        width, height: of the page in points.
    """
    pairs, pieces = take_pairs(pieces) if len(pieces) <= MAX_PIECES else ([], pieces)
    lines = lines_in_order(pieces, width, height)
    tabular = _tabular_rows(pieces)
    blocks: list[Block] = []
    for line in lines:
        role = Role.TABLE if (line.y0, line.x0) in tabular else Role.BODY
        if not blocks or role is not blocks[-1].role or not _continues(blocks[-1].lines, line):
            blocks.append(Block(role, []))
        line.block = len(blocks) - 1
        blocks[-1].lines.append(line)
    return in_order(blocks, pairs, width, height) if pairs else blocks


def _tabular_rows(pieces: Sequence[Line]) -> set[tuple[float, float]]:
    """Where the rows of cells begin: at least two below each other, each of three or more pieces with wide gaps."""
    rows = rows_of(pieces)
    has_cells = [
        sum(right.x0 - left.x1 > CELL_GAP * left.size for left, right in pairwise(row)) >= 2 for row in rows
    ]
    beginnings = set()
    for index, row in enumerate(rows):
        neighbours = has_cells[max(index - 1, 0) : index] + has_cells[index + 1 : index + 2]
        if has_cells[index] and any(neighbours):
            line = join_pieces(row)
            beginnings.add((line.y0, line.x0))
    return beginnings


def lines_in_order(pieces: Sequence[Line], width: float, height: float) -> list[Line]:
    """Whole lines in reading order: column after column where there are columns, else row after row."""
    rects = [bounds([piece]) for piece in pieces]
    order = column_order(rects, width, height) if len(pieces) <= MAX_PIECES else None
    if order is not None:
        return _join_neighbours([pieces[index] for index in order])
    return [join_pieces(row) for row in rows_of(pieces)]


def _join_neighbours(pieces: Sequence[Line]) -> list[Line]:
    """Pieces of columns, with bullets and numbers of headings joined to the text beside them."""

    def is_marked(row: list[Line], piece: Line) -> bool:
        last = row[-1]
        near = -0.5 * last.size < piece.x0 - last.x1 < _MARK_GAP * last.size
        return near and len(last.text) <= _MARK and baseline_overlap(last, piece) > 0.5

    return [join_pieces(row) if len(row) > 1 else row[0] for row in grouped(pieces, is_marked)]


def _continues(lines: Sequence[Line], line: Line) -> bool:
    """Whether a line belongs to the block of these lines."""
    last = lines[-1]
    height = last.y1 - last.y0
    if abs(last.size - line.size) > _SAME_SIZE * max(last.size, line.size):
        return False
    if not -0.5 * height < line.y0 - last.y1 < _GAP * height:
        return False
    return line.x0 < last.x1 and last.x0 < line.x1
