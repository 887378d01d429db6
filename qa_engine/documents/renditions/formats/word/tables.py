"""A table of a Word document in, its rows out: merged cells, header rows; and whether it is a table of data at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qa_engine.documents.pages.tables.header_rows import count_header_rows
from qa_engine.documents.renditions.elements import Cell, ElementTable, grid_of
from qa_engine.documents.renditions.formats.word.parts import W
from qa_engine.documents.renditions.formats.word.styles import is_on, number, value

_MAX_SPAN = 1000
_INSIDE = {W + "sdt", W + "sdtContent", W + "ins", W + "customXml", W + "moveTo"}


@dataclass
class Row:
    """A row: its cells, the columns that it leaves free before them, and whether it is repeated on every page."""

    cells: list[Any] = field(default_factory=list)
    before: int = 0
    header: bool = False


def rows_of(table: Any, leave_out: Callable[[Any], None]) -> list[Row]:
    """The rows of a table that are not deleted.

    Args:
        table: ``w:tbl``.
        leave_out: is told of each row that a tracked change deletes.
    """
    rows = []
    for node in _children(table, W + "tr"):
        properties = node.find(f"{W}trPr")
        if properties is not None and properties.find(f"{W}del") is not None:
            leave_out(node)
            continue
        before = number(value(properties, "gridBefore")) or 0
        rows.append(
            Row(_children(node, W + "tc"), min(before, _MAX_SPAN), bool(is_on(properties, "tblHeader")))
        )
    return [row for row in rows if row.cells]


def table_of(rows: Sequence[Row], text_of: Callable[[Any], str]) -> ElementTable | None:
    """The table of the rows; None if it has a single row or column, and only places text on the page.

    Args:
        rows: by `rows_of`.
        text_of: the text of a cell.
    """
    if len(rows) < 2 or max(len(row.cells) for row in rows) < 2:
        return None
    merged: dict[int, list[Any]] = {}
    """For each column the cell, as text, columns and rows, that goes on in the next row."""
    found: list[list[list[Any]]] = []
    for row in rows:
        cells: list[list[Any]] = [["", row.before, 1]] if row.before else []
        column, going_on = row.before, {}
        for node in row.cells:
            properties = node.find(f"{W}tcPr")
            columns = min(max(number(value(properties, "gridSpan")) or 1, 1), _MAX_SPAN)
            merge = value(properties, "vMerge")
            above = merged.get(column)
            if merge is not None and merge != "restart" and above is not None:
                above[2] += 1
                going_on[column] = above
            else:
                cell = [text_of(node), columns, 1]
                cells.append(cell)
                if merge is not None:
                    going_on[column] = cell
            column += columns
        merged = going_on
        found.append(cells)
    table = [[Cell(*cell) for cell in cells] for cells in found]
    headers = next((place for place, row in enumerate(rows) if not row.header), len(rows))
    if headers in {0, len(rows)}:
        headers = count_header_rows(grid_of(ElementTable(table, 0))[0])
    return ElementTable(table, headers)


def _children(parent: Any, tag: str) -> list[Any]:
    """The children with a tag, and those in what is only around them."""
    found = []
    for node in parent:
        if node.tag == tag:
            found.append(node)
        elif node.tag in _INSIDE:
            found += _children(node, tag)
    return found
