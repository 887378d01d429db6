"""The grid of a table and the words on it in, rows of cells out; and what a row says when it is read alone."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from qa_engine.documents.blocks import Table
from qa_engine.documents.reading_order import Rect
from qa_engine.documents.sentences import is_chinese, join_sentences

_NUMBER = re.compile(r"[-+−(（]?[\s¥$€£]*[\d.,]+\s*[%％‰xX倍元万亿]*[)）]?|[-—–/]+|n/?a", re.I)
_MAX_HEADER_ROWS = 3
_MARGIN = 2.0
"""Points that a word may stand outside of the box of its table."""


class Word(NamedTuple):
    """A word and where it is, in points."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str


def build_table(
    rect: Rect, rows: Sequence[float], columns: Sequence[float], words: Sequence[Word]
) -> Table | None:
    """A table out of the edges of its rows and columns, or None if that gives no two cells.

    Args:
        rect: the table on its page, in points.
        rows, columns: edges, ascending, in points.
        words: of the page.
    """
    if len(rows) < 2 or len(columns) < 3:
        return None
    cells: list[list[list[Word]]] = [[[] for _ in columns[1:]] for _ in rows[1:]]
    for word in words:
        x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
        if not (rect.x0 - _MARGIN <= x <= rect.x1 + _MARGIN and rect.y0 - _MARGIN <= y <= rect.y1 + _MARGIN):
            continue
        row = min(max(bisect_right(rows, y) - 1, 0), len(rows) - 2)
        column = min(max(bisect_right(columns, x) - 1, 0), len(columns) - 2)
        cells[row][column].append(word)
    texts = [[_cell_text(cell) for cell in row] for row in cells]
    kept = [index for index, row in enumerate(texts) if any(row)]
    if not kept:
        return None
    used = [column for column in range(len(columns) - 1) if any(texts[row][column] for row in kept)]
    table = [[texts[row][column] for column in used] for row in kept]
    boxes = [(rect.x0, rows[row], rect.x1, rows[row + 1]) for row in kept]
    return Table(table, boxes, count_header_rows(table))


def count_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows at the top name the columns: those without numbers, and at most three.

    A second one counts only if it fills cells that the first leaves empty, as columns under a common name do.
    """
    if len(rows) < 2:
        return 0
    headers = 0
    for row in rows[:_MAX_HEADER_ROWS]:
        filled = [cell for cell in row if cell]
        numbers = sum(1 for cell in filled if _NUMBER.fullmatch(cell))
        if numbers > 1 or (numbers and len(filled) <= 2):
            break
        if headers and not any(
            cell and not above for cell, above in zip(row, rows[headers - 1], strict=True)
        ):
            break
        if headers and row[0] and rows[0][0]:
            break
        headers += 1
    return min(headers, len(rows) - 1)


def column_names(table: Table) -> list[str]:
    """A name for each column, from the header rows; a name that spans columns is given to each of them."""
    names = ["" for _ in (table.rows[0] if table.rows else ())]
    for number, row in enumerate(table.rows[: table.header_rows]):
        spread = ""
        last = number == table.header_rows - 1
        for column, cell in enumerate(row):
            spread = cell or ("" if last or column == 0 else spread)
            if spread and spread not in names[column].split(" "):
                names[column] = f"{names[column]} {spread}".strip()
    return names


def row_texts(table: Table, names: Sequence[str] | None = None, max_chars: int = 400) -> list[list[str]]:
    """For each row below the header, what it says with the names of its columns; in pieces where that is long.

    Every piece begins with the first cell, which mostly says what the row is about. An empty first cell, as under a
    cell that spans rows, is taken from the row above.

    Args:
        table: the table.
        names: of its columns, if they stand elsewhere, as for a table that goes on from the page before.
        max_chars: most characters of a piece.
    """
    names = list(names) if names is not None else column_names(table)
    label = ""
    texts = []
    for row in table.rows[table.header_rows :]:
        label = row[0] or label
        parts = [_named(name, cell) for name, cell in list(zip(names, row, strict=False))[1:] if cell]
        # A row of one cell is a note or a heading inside the table, not the name of a row.
        first = _named(names[0], label) if names and parts else label
        texts.append(_pieces(first, parts, max_chars))
    return texts


def markdown(table: Table) -> str:
    """The table in Markdown, all header rows made one."""
    names = column_names(table) if table.header_rows else ["" for _ in table.rows[0]]
    lines = [markdown_row(names), "|" + " --- |" * len(names)]
    lines.extend(markdown_row(row) for row in table.rows[table.header_rows :])
    return "\n".join(lines)


def markdown_row(cells: Sequence[str]) -> str:
    """One row in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cell_text(words: Sequence[Word]) -> str:
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: ((word.y0 + word.y1) / 2, word.x0)):
        middle = (word.y0 + word.y1) / 2
        if lines and middle < lines[-1][0].y1:
            lines[-1].append(word)
        else:
            lines.append([word])
    texts = [word.text for line in lines for word in sorted(line, key=lambda word: word.x0)]
    return join_sentences(texts).replace("\n", " ").strip()


def _named(name: str, cell: str) -> str:
    if not name or name == cell:
        return cell
    return f"{name}：{cell}" if is_chinese(name + cell) else f"{name}: {cell}"


def _pieces(first: str, parts: Sequence[str], max_chars: int) -> list[str]:
    pieces: list[str] = []
    current = first
    for part in parts:
        mark = "；" if is_chinese(current + part) else "; "
        longer = f"{current}{mark}{part}" if current else part
        if current != first and len(longer) > max_chars:
            pieces.append(current)
            mark = "；" if is_chinese(first + part) else "; "
            longer = f"{first}{mark}{part}" if first else part
        current = longer
    pieces.append(current)
    return [piece for piece in pieces if piece]
