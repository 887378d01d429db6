"""What a sheet shows: its cells as people see them, without what is hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Place = tuple[int, int]
"""Row and column of a cell, from 1."""
_CELL_NAME = re.compile(r"[A-Za-z]{1,3}\d{1,7}|[Rr]\d*(?:[Cc]\d*)?|[Cc]\d*")
"""Names that read like cells (A1, R1C1), which spreadsheet programs put in quotation marks."""
_PLAIN_NAME = re.compile(r"[^\W\d][\w.]*")


@dataclass
class Sheet:
    """A sheet.

    Attributes:
        name: of the sheet; empty for a file that is one table.
        cells: the text of each cell that shows something.
        spans: for the first cell of each merged range, its last row and column.
        bold: the cells whose text is bold.
        hidden_rows, hidden_columns: which are not shown; their cells are not in ``cells``.
        left_out: role and text of what is not read.
        doubts: what may be wrong, one clause each.
    """

    name: str
    cells: dict[Place, str] = field(default_factory=dict)
    spans: dict[Place, Place] = field(default_factory=dict)
    bold: set[Place] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def column_letters(column: int) -> str:
    """The name of a column.

    Example:
        >>> column_letters(28)
        'AB'
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def range_label(sheet: str, first: Place, last: Place) -> str:
    """A range as people write it.

    Example:
        >>> range_label("销售", (3, 1), (3, 6)), range_label("a b", (1, 1), (1, 1))
        ('销售!A3:F3', "'a b'!A1")
    """
    begin, end = (f"{column_letters(column)}{row}" for row, column in (first, last))
    cells = begin if begin == end else f"{begin}:{end}"
    if not sheet:
        return cells
    plain = _PLAIN_NAME.fullmatch(sheet) and not _CELL_NAME.fullmatch(sheet)
    quoted = sheet if plain else "'" + sheet.replace("'", "''") + "'"
    return f"{quoted}!{cells}"


def shown_cells(spans: Mapping[Place, Place]) -> dict[Place, Place]:
    """For each cell below or beside the first one of a merged range, that first one."""
    return {
        (row, column): first
        for first, last in spans.items()
        for row in range(first[0], last[0] + 1)
        for column in range(first[1], last[1] + 1)
        if (row, column) != first
    }
