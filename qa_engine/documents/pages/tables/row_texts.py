"""What the rows of a table say: cells in; their texts with the names of their columns, and Markdown, out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.documents.blocks import Table
from qa_engine.documents.pages.tables.header_rows import count_header_rows, names_anew
from qa_engine.documents.sentences.splitting import cut
from qa_engine.text.language import is_chinese

_MIN_ROOM = 10
"""A piece of a long row has room for so many characters at least."""
_HAS_LABEL = re.compile(r"[\u4e00-\u9fff]{2}[：:]\s?[A-Za-z]*\d")
"""A cell with a label and its value, as in 编号：S111, is no label itself."""
_MARKS = 4
"""Characters of the marks between a name, a cell and the cell before it."""


def column_names(table: Table) -> list[str]:
    """A name for each column, from the header rows."""
    names = ["" for _ in (table.rows[0] if table.rows else ())]
    for row in table.rows[: table.header_rows]:
        for column, cell in enumerate(row):
            if cell and names[column] != cell and not names[column].endswith(f" {cell}"):
                names[column] = f"{names[column]} {cell}".strip()
    return names


def names_by_row(table: Table, names: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """The names of the columns for each row below the header, which a header inside the table changes; and at its end.

    Such a row has no names itself.
    """
    result: list[list[str]] = []
    current = list(names)
    below_title = False
    rows = table.rows[table.header_rows :]
    for number, row in enumerate(rows):
        spread = with_wide(table, table.header_rows + number, row)
        again = names_anew(row, current)
        if result and not result[-1] and _goes_on(row, rows[number - 1], rows[number + 1 :]):
            current = [
                f"{name} {cell}" if cell and not name.endswith(cell) else name
                for cell, name in zip(spread, current, strict=True)
            ]
            result.append([])
        elif again or (below_title and count_header_rows(rows[number:])):
            current = [cell or name for cell, name in zip(spread, current, strict=True)] if again else spread
            result.append([])
        else:
            result.append(current)
        below_title = table.wide.get((table.header_rows + number, 0)) == len(row) - 1
    return result, current


def with_wide(table: Table, number: int, row: Sequence[str]) -> list[str]:
    """A row with its cells over several columns in all of these."""
    cells = list(row)
    for column, cell in enumerate(row):
        for other in range(column + 1, table.wide.get((number, column), column) + 1):
            cells[other] = cell
    return cells


def _goes_on(row: Sequence[str], above: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row belongs to the header above it: the first cell reaches over both."""
    return bool(row[0]) and row[0] == above[0] and count_header_rows([row, *below]) > 0


def row_texts(table: Table, names: Sequence[str] | None = None, max_chars: int = 400) -> list[list[str]]:
    """For each row below the header, its cells with the names of their columns; in pieces where that is long.

    Every piece begins with the first cell, which mostly names the row. Where the first cell is empty, as under a cell that
    spans rows, it is that of the row above, unless the table is complete. A cell that is too long for a piece is cut. A
    header inside the table says nothing, and no name is given to a cell that reaches over several columns.

    Args:
        table: the table.
        names: of its columns, if they are not in the table, because it continues one of the page before.
        max_chars: most characters of a piece.
    """
    names = list(names) if names is not None else column_names(table)
    label = ""
    texts = []
    rows = zip(table.rows[table.header_rows :], names_by_row(table, names)[0], strict=True)
    for number, (row, current) in enumerate(rows, table.header_rows):
        if not current:
            texts.append(list[str]())
            continue
        cells = list(zip(_names_of_row(table, number, current), row, strict=True))
        if table.key_value:
            cells = _pairs(row)
        elif not table.complete:
            label = row[0] or label
            cells[0] = (current[0], label)
        (name, first), *others = [(name, cell) for name, cell in cells if cell] or [("", "")]
        if not others and not table.key_value:
            # A row of one cell is a note or a heading inside the table.
            texts.append(_cut(first, max_chars))
            continue
        if cells[0][1]:
            first = _with_name(name, first)
        else:
            others, first = [(name, first), *others], ""
        room = max_chars - len(first)
        parts = [
            _with_name(name, text) for name, cell in others for text in _cut(cell, room - len(name) - _MARKS)
        ]
        texts.append(_pieces(first, parts, max_chars))
    return texts


def _names_of_row(table: Table, number: int, names: Sequence[str]) -> list[str]:
    """The names for a row: none for a cell over several columns of different names, nor for what is beside such a label."""
    kept = list(names)
    for column, name in enumerate(names):
        last = table.wide.get((number, column), column)
        if any(other and other != name for other in names[column + 1 : last + 1]):
            kept[column] = ""
            if not column and sum(1 for cell in table.rows[number] if cell) == 2:  # a key and its value
                kept = ["" for _ in names]
                break
    return kept


def _pairs(row: Sequence[str]) -> list[tuple[str, str]]:
    """Keys and values of a row, after the label that is before an odd number of them."""
    start = len(row) % 2
    pairs = [
        ("", f"{key}；{value}") if _HAS_LABEL.search(key) and value else (key if value else "", value or key)
        for key, value in zip(row[start::2], row[start + 1 :: 2], strict=True)
    ]
    return [*(("", label) for label in row[:start]), *pairs]


def markdown(table: Table) -> str:
    """The table in Markdown, with one header row out of all of them."""
    names = column_names(table) if table.header_rows else ["" for _ in table.rows[0]]
    lines = [markdown_row(names), "|" + " --- |" * len(names)]
    lines.extend(markdown_row(row) for row in table.rows[table.header_rows :])
    return "\n".join(lines)


def markdown_row(cells: Sequence[str]) -> str:
    """One row in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _with_name(name: str, cell: str) -> str:
    """A cell behind the name of its column."""
    if not name or name == cell:
        return cell
    return f"{name}：{cell}" if is_chinese(name + cell) else f"{name}: {cell}"


def _cut(text: str, max_chars: int) -> list[str]:
    pieces = (text[begin:end].strip() for begin, end in cut(text, 0, len(text), max(max_chars, _MIN_ROOM)))
    return [piece for piece in pieces if piece]


def _pieces(first: str, parts: Sequence[str], max_chars: int) -> list[str]:
    pieces: list[str] = []
    current = first
    for part in parts:
        longer = _with_part(current, part)
        if current != first and len(longer) > max_chars:
            pieces.append(current)
            longer = _with_part(first, part)
        current = longer
    pieces.append(current)
    return [piece for piece in pieces if piece]


def _with_part(row: str, part: str) -> str:
    mark = "；" if is_chinese(row + part) else "; "
    return f"{row}{mark}{part}" if row else part
