"""The pieces of lines of a page, and its parts by the layout model, in; blocks with roles in reading order out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Role, Table
from qa_engine.documents.pages.block_roles import LIST_ITEM, is_contents
from qa_engine.documents.pages.lines.cleaning import count_han
from qa_engine.documents.pages.lines.joining import baseline_overlap, bounds, grouped, join_pieces, rows_of
from qa_engine.documents.pages.lines.superscripts import word_as_read
from qa_engine.documents.pages.parsers.fast import lines_in_order
from qa_engine.documents.pages.parsers.layout_model import LayoutBox
from qa_engine.documents.pages.parsers.pairs import CELL_GAP, take_pairs
from qa_engine.documents.pages.reading_order import reading_order
from qa_engine.documents.pages.tables.header_rows import may_be_a_pair
from qa_engine.documents.pages.tables.rules import Rules
from qa_engine.documents.pages.tables.table import build_table
from qa_engine.documents.pages.tables.words import Word

_MARGIN = 0.15
"""Headers and footers stand within this share of the page height from its edges; elsewhere the model is wrong."""
_FIGURE_PROSE = 40
"""A line this wide in a figure is prose (a slide, a boxed text), not the label of a chart; Han characters count twice."""
_WHOLE_PAGE = 0.7
"""A figure with more than this share of the page is a slide: its text is body text."""
_FILLED = 0.6
"""What the model takes for a figure is a table if there is a grid, and more than this share of its cells are filled."""
_FIGURES = re.compile(r"\d")
_CELL_GAPS, _MOST_ROWS, _SHORT_CELLS = 2, 0.7, 0.75
"""What the model takes for text is rows of cells if more than this share of its rows have so many wide gaps, and text takes
less than this share of their width; columns of text fill theirs."""
_MARK = 4
"""Most characters of the bullet or number of a list item."""
_MAY_BE_PAIRS = frozenset({Role.TABLE, Role.BODY, Role.LIST, Role.HEADING, Role.FOOTNOTE})
"""What the model calls a box of labels and values."""
_GAP = 1.0
"""Lines outside of all boxes make one block while the gap between them is less than this many line heights."""


def build_blocks(
    pieces: Sequence[Line],
    boxes: Sequence[LayoutBox],
    words: Sequence[Word],
    width: float,
    height: float,
    rules: Callable[[], Rules] = Rules,
) -> list[Block]:
    """The blocks of a page in reading order.

    Args:
        pieces: all pieces of lines of the page.
        boxes: from the layout model.
        words: the words of the page with their places, for the cells of tables.
        width, height: of the page in points.
        rules: gives the rules of the page. Called only if a table may be there, because reading the drawings takes time.
    """
    inside: dict[int, list[Line]] = {}
    outside: list[Line] = []
    for piece in pieces:
        index = _box_of(piece, boxes)
        if index is None:
            outside.append(piece)
        else:
            inside.setdefault(index, []).append(piece)
    _move_marks(outside, inside)
    drawn = cache(rules)
    built = {
        index: _blocks(boxes[index], lines, words, width, height, drawn) for index, lines in inside.items()
    }
    pairs, outside = _take_pairs(built, boxes, inside, outside, width, height)
    blocks = [
        *(block for found in built.values() for block in found),
        *pairs,
        *(Block(Role.BODY, lines) for lines in _groups(outside)),
    ]
    if all(block.role in HEADERS_FOOTERS for block in blocks):
        for block in blocks:
            block.role = Role.BODY  # headers and footers alone are the text of the page
    rects = [bounds(block.lines) for block in blocks]
    ordered = [blocks[index] for index in reading_order(rects, width, height)]
    for number, block in enumerate(ordered):
        for line in block.lines:
            line.block = number
    return ordered


def _take_pairs(
    built: dict[int, list[Block]],
    boxes: Sequence[LayoutBox],
    inside: dict[int, list[Line]],
    outside: list[Line],
    width: float,
    height: float,
) -> tuple[list[Block], list[Line]]:
    """Labels and values out of ``built``, and of the pieces that no box holds, of which the rest comes back, too.

    The model takes them for a table without cells, for text, or has a box for the labels and one for the values.
    """
    open_boxes = [
        index
        for index, found in built.items()
        if boxes[index].role in _MAY_BE_PAIRS and all(block.table is None for block in found)
    ]
    pairs, rest = take_pairs([*outside, *(piece for index in open_boxes for piece in inside[index])])
    if not pairs:
        return [], outside
    left = {id(piece) for piece in rest}
    for index in open_boxes:
        pieces = [piece for piece in inside[index] if id(piece) in left]
        if len(pieces) < len(inside[index]):
            if boxes[index].role is Role.TABLE:  # the titles of the lists
                built[index] = [Block(Role.CAPTION, [join_pieces(row)]) for row in rows_of(pieces)]
            else:
                lines = lines_in_order(pieces, width, height)
                built[index] = [Block(boxes[index].role, lines)] if lines else []
    return pairs, [piece for piece in outside if id(piece) in left]


def _box_of(piece: Line, boxes: Sequence[LayoutBox]) -> int | None:
    """The box that holds most of a piece; the smaller one of two."""
    ranks: list[tuple[float, float, int]] = []
    area = max((piece.x1 - piece.x0) * (piece.y1 - piece.y0), 0.1)
    for index, box in enumerate(boxes):
        wide = min(piece.x1, box.rect.x1) - max(piece.x0, box.rect.x0)
        high = min(piece.y1, box.rect.y1) - max(piece.y0, box.rect.y0)
        if wide <= 0 or high <= 0:
            continue
        share = wide * high / area
        size = (box.rect.x1 - box.rect.x0) * (box.rect.y1 - box.rect.y0)
        if share > 0.35:  # a box may be a little too tight; of nested ones the inner counts
            ranks.append((min(round(share, 1), 0.7), -size, index))
    return max(ranks)[2] if ranks else None


def _move_marks(outside: list[Line], inside: dict[int, list[Line]]) -> None:
    """Moves bullets and numbers of lists to the box of the text beside them: often the model has them in a box apart."""
    alone = {index: lines[0] for index, lines in inside.items() if len(lines) == 1 and _is_mark(lines[0])}
    marks = [*((None, piece) for piece in outside if _is_mark(piece)), *alone.items()]
    for index, mark in marks:
        texts = (lines for other, lines in inside.items() if other not in alone)
        target = next((lines for lines in texts if any(_is_beside(mark, line) for line in lines)), None)
        if target is None:
            continue
        target.append(mark)
        if index is None:
            outside.remove(mark)
        else:
            del inside[index]


def _is_beside(mark: Line, line: Line) -> bool:
    return 0 <= line.x0 - mark.x1 + 1 < 2 * mark.size and baseline_overlap(mark, line) > 0.5


def _is_mark(piece: Line) -> bool:
    return len(piece.text) <= _MARK and (LIST_ITEM.match(f"{piece.text} x") is not None)


def _blocks(
    box: LayoutBox,
    pieces: list[Line],
    words: Sequence[Word],
    width: float,
    height: float,
    rules: Callable[[], Rules],
) -> list[Block]:
    """The block of a part of a page; of a table also its title and its notes, which are no cells."""
    role = box.role
    lines = lines_in_order(pieces, width, height)
    if is_contents(lines):
        return [Block(Role.CONTENTS, lines)]
    cells = role is Role.BODY and _has_cells(pieces)
    if role is Role.TABLE or ((cells or role is Role.FIGURE) and rules().is_grid(bounds(pieces))):
        rows = [join_pieces(row) for row in rows_of(pieces)]
        if is_contents(rows):
            return [Block(Role.CONTENTS, rows)]
        # The words of the pieces and not of the box: at its edge, none is lost, and none is in two boxes.
        table = build_table(bounds(rows), box.rows, box.columns, _words_of(pieces, words), rules())
        if table is not None and (role is Role.TABLE or _is_full(table)):
            return _with_notes(rows, _without_plain_header(table, rows, rules()))
        if role is Role.TABLE:
            return [Block(Role.TABLE, rows)]
    elif cells and len(several := rows_of(pieces)) > 1 and _are_entries(several):
        return [Block(Role.TABLE, [join_pieces(row) for row in several])]
    if role in {Role.HEADER, Role.FOOTER}:
        middle = (box.rect.y0 + box.rect.y1) / 2
        if _MARGIN * height < middle < (1 - _MARGIN) * height:
            role = Role.BODY
    elif role is Role.FIGURE and _is_prose(box, pieces, width, height):
        role = Role.BODY
    return [Block(role, lines)]


def _without_plain_header(table: Table, lines: Sequence[Line], rules: Rules) -> Table:
    """The table, as keys and values if its header is plain text between no rules, like all below it."""
    if table.header_rows != 1 or not may_be_a_pair(table.rows[0], table.rows[1:]):
        return table
    _, top, _, bottom = table.boxes[0]
    bold = any(line.bold for line in lines if top < (line.y0 + line.y1) / 2 < bottom)
    shaded = any(top < (shade.y0 + shade.y1) / 2 < bottom for shade in rules.shades)
    if bold or shaded or rules.around(bounds(lines)).horizontal:
        return table
    return replace(table, header_rows=0, key_value=True)


def _has_cells(pieces: Sequence[Line]) -> bool:
    """Whether most rows of what the model takes for text are several pieces with wide gaps."""
    rows = rows_of(pieces)
    several = sum(
        1
        for row in rows
        if sum(right.x0 - left.x1 > CELL_GAP * left.size for left, right in pairwise(row)) >= _CELL_GAPS
    )
    return several > _MOST_ROWS * len(rows)


def _are_entries(rows: Sequence[Sequence[Line]]) -> bool:
    """Whether most rows have figures (those of authors have none), and leave room, which columns of text fill."""
    figures = sum(1 for row in rows if any(_FIGURES.search(piece.text) for piece in row))
    text = sum(piece.x1 - piece.x0 for row in rows for piece in row)
    room = sum(row[-1].x1 - row[0].x0 for row in rows)
    return figures > len(rows) / 2 and text < _SHORT_CELLS * room


def _is_full(table: Table) -> bool:
    """Whether most cells hold something, as those of a chart with a grid do not."""
    cells = [cell for row in table.rows for cell in row]
    return sum(1 for cell in cells if cell) > _FILLED * len(cells)


def _with_notes(lines: list[Line], table: Table) -> list[Block]:
    """A table, and the lines above and below its rows as blocks of their own."""
    top, bottom = table.boxes[0][1], table.boxes[-1][3]
    parts: dict[int, list[Line]] = {}
    for line in lines:
        middle = (line.y0 + line.y1) / 2
        parts.setdefault(0 if middle < top else 2 if middle > bottom else 1, []).append(line)
    if 1 not in parts:
        return [Block(Role.TABLE, lines, table)]
    return [
        Block(Role.TABLE, part, table) if place == 1 else Block(Role.BODY, part)
        for place, part in sorted(parts.items())
    ]


def _words_of(pieces: Sequence[Line], words: Sequence[Word]) -> list[Word]:
    """The words whose middles lie in one of the pieces, without the marks of notes."""
    inside = []
    for word in words:
        x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
        for piece in pieces:
            if piece.y0 <= y <= piece.y1 and piece.x0 <= x <= piece.x1:
                text = word_as_read(word.text, *word[:4], piece.marks) if piece.marks else word.text
                inside.append(word._replace(text=text) if text != word.text else word)
                break
    return [word for word in inside if word.text]


def _is_prose(box: LayoutBox, pieces: Sequence[Line], width: float, height: float) -> bool:
    """Whether a picture by the model is a slide or a boxed text and not a chart with labels."""
    area = (box.rect.x1 - box.rect.x0) * (box.rect.y1 - box.rect.y0)
    widths = [len(piece.text) + count_han(piece.text) for piece in pieces]
    long = sum(width for width in widths if width >= _FIGURE_PROSE)
    return area > _WHOLE_PAGE * width * height or long > 0.6 * sum(widths)


def _groups(pieces: Sequence[Line]) -> list[list[Line]]:
    """The lines that no box holds, grouped by the gaps between them."""

    def continues(group: list[Line], line: Line) -> bool:
        last = group[-1]
        near = line.y0 - last.y1 < _GAP * (last.y1 - last.y0)
        return near and line.x0 < last.x1 and last.x0 < line.x1

    return grouped((join_pieces(row) for row in rows_of(pieces)), continues)
