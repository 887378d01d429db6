"""A table over two pages: the part on the page before and the one that follows in, the latter with names and labels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qa_engine.documents.blocks import Table
from qa_engine.documents.pages.tables.header_rows import names_anew
from qa_engine.documents.pages.tables.row_texts import column_names, with_wide
from qa_engine.documents.pages.tables.values import Kind, kind

_MAX_ROWS_OF_NAMES = 3
_SAME_EDGE = 8.0
"""The columns of both parts end within so many points of each other."""
_SAME_COLUMNS = 0.6
"""And at least this share of them: a second table below may divide some, and empty ones are left out."""
_SUMS = ("计", "总额", "Total", "total", "TOTAL")


def continued(table: Table, before: Table, names: Sequence[str]) -> tuple[Table, list[str]] | None:
    """A table that goes on with the one before, and the names of its columns; None if it does not.

    Args:
        table: the later part.
        before: the earlier part.
        names: of the columns at the end of that.
    """
    columns = _columns_before(table, before)
    if columns is None:
        return None
    alone = not any(names) and not before.key_value and _is_header_alone(before)
    if alone:
        header = [with_wide(before, number, row) for number, row in enumerate(before.rows)]
        names = column_names(replace(before, rows=header, header_rows=len(header)))
    names = ["" if column is None else names[column] for column in columns]
    if table.header_rows:
        if names_anew(column_names(table), names):
            names = column_names(table)
        elif not alone and _has_names_of_its_own(table):
            return None
        else:
            table = replace(table, header_rows=0)
    if before.key_value:
        return replace(table, key_value=True), names
    if not any(names):
        return None
    last = ["" if column is None else before.rows[-1][column] for column in columns]
    return _with_labels(replace(table, key_value=False), last), names


def _columns_before(table: Table, before: Table) -> list[int | None] | None:
    """The column of the part before for each column; None if they are different tables."""
    if not table.columns or not before.columns:
        return list(range(len(table.rows[0]))) if len(table.rows[0]) == len(before.rows[0]) else None
    found = [
        next((number for number, edge in enumerate(before.columns) if abs(edge - at) < _SAME_EDGE), None)
        for at in table.columns
    ]
    found[0] = 0  # the border on the left may be missing
    same = sum(1 for column in found if column is not None)
    return found if same >= _SAME_COLUMNS * min(len(table.columns), len(before.columns)) else None


def _is_header_alone(table: Table) -> bool:
    cells = [cell for row in table.rows for cell in row]
    return (
        len(table.rows) <= _MAX_ROWS_OF_NAMES
        and not table.header_rows
        and all(kind(cell) in {Kind.WORDS, Kind.YEAR, Kind.EMPTY} for cell in cells)
        and sum(1 for cell in cells if cell) >= len(table.rows[0]) - 1
    )


def _has_names_of_its_own(table: Table) -> bool:
    """Whether words or years stand at the head of all columns of numbers, and there are such."""
    header, body = column_names(table), table.rows[table.header_rows :]
    numbers = [
        column
        for column in range(1, len(header))
        if sum(1 for row in body if kind(row[column]) is Kind.NUMBER) > len(body) / 2
    ]
    return bool(numbers) and all(header[column] for column in numbers)


def _with_labels(table: Table, last: Sequence[str]) -> Table:
    """The labels of the last row before in the first rows, where a cell over several rows goes on."""
    if not table.complete or last[0].endswith(_SUMS):
        return table
    rows = [list(row) for row in table.rows]
    for row in rows[table.header_rows :]:
        start = next((column for column, cell in enumerate(row) if cell), len(row))
        if not 0 < start < len(row) - 1 and not (start and table.columns):
            break
        if not table.columns and all(kind(cell) in {Kind.NUMBER, Kind.EMPTY} for cell in row):
            break
        row[:start] = last[:start]
    return replace(table, rows=rows)
