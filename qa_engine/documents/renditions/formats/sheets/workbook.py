"""Workbooks (xlsx, xlsm) by openpyxl: the values of their sheets, as they were when the workbook was saved."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_engine.documents.renditions.formats.sheets.sheet import Sheet, column_letters
from qa_engine.documents.renditions.formats.sheets.values import shown_value
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line

HIDDEN = "hidden"
MAX_CELLS = 500_000
"""Cells of a workbook, empty ones of merged ranges included, up to which it is read."""
_MERGED = re.compile(rb'<mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_CELL = re.compile(rb"<c[\s>]")
_NO_VALUE = re.compile(rb"<f[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")


def read_workbook(path: Path) -> list[Sheet]:
    """The sheets of a workbook that are shown, from the first to the last.

    Raises:
        DocumentError: it cannot be read, or has too many cells.
    """
    import openpyxl

    try:
        without_value = _examine(path)
        book = openpyxl.load_workbook(path, data_only=True, keep_links=False)
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        SyntaxError,
    ) as error:
        raise DocumentError(
            "damaged", f"{path.name} is no readable workbook ({first_line(error)})."
        ) from error
    sheets = []
    hidden = []
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            hidden.append((HIDDEN, f"工作表 {sheet.title}"))
            continue
        sheets.append(_shown(sheet))
    hidden += [("figure", f"图表 {sheet.title}") for sheet in book.chartsheets]
    if sheets:
        sheets[0].left_out = hidden + sheets[0].left_out
        if without_value:
            sheets[0].doubts.append(
                f"{without_value} formulas have no value, because the workbook was not saved by a spreadsheet program"
            )
    elif hidden:
        raise DocumentError("no_text", f"{path.name} has no sheet that is shown.")
    return sheets


def _examine(path: Path) -> int:
    """How many formulas have no value. Refuses what would take too long or too much memory to open."""
    cells = without_value = 0
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not _SHEET.fullmatch(name):
                continue
            data = archive.read(name)
            cells += len(_CELL.findall(data))
            cells += sum(map(_area, _MERGED.findall(data)))
            without_value += len(_NO_VALUE.findall(data))
            if cells > MAX_CELLS:
                raise DocumentError(
                    "too_large",
                    f"{path.name} has more than {MAX_CELLS:,} cells: split it, or save the sheet as CSV files.",
                )
    return without_value


def _area(reference: tuple[bytes, bytes, bytes, bytes]) -> int:
    left, top, right, bottom = reference
    return (_number(right) - _number(left) + 1) * (int(bottom) - int(top) + 1)


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _shown(sheet: Any) -> Sheet:
    result = Sheet(sheet.title)
    result.hidden_rows = {
        number for number, row in sheet.row_dimensions.items() if row.hidden or row.height == 0
    }
    for column in sheet.column_dimensions.values():
        if column.hidden or column.width == 0:
            result.hidden_columns.update(range(column.min or 0, (column.max or column.min or 0) + 1))
    lost_rows: set[int] = set()
    lost_columns: set[int] = set()
    # Not `iter_rows`, which also goes through all the cells that a sheet does not have.
    for (row, column), cell in sorted(sheet._cells.items()):
        text = shown_value(cell.value, getattr(cell, "number_format", "General") or "General")
        if not text:
            continue
        if row in result.hidden_rows or column in result.hidden_columns:
            (lost_rows if row in result.hidden_rows else lost_columns).add(
                row if row in result.hidden_rows else column
            )
            continue
        result.cells[row, column] = text
        if cell.font is not None and cell.font.b:
            result.bold.add((row, column))
    for merged in sheet.merged_cells.ranges:
        result.spans[merged.min_row, merged.min_col] = (merged.max_row, merged.max_col)
    result.left_out = list(_hidden_parts(sheet.title, lost_rows, lost_columns))
    return result


def _hidden_parts(name: str, rows: set[int], columns: set[int]) -> Iterator[tuple[str, str]]:
    """What is said about hidden rows and columns that hold something."""
    if rows:
        yield HIDDEN, f"{name} 第{'、'.join(map(str, sorted(rows)[:20]))}行"
    if columns:
        yield HIDDEN, f"{name} {'、'.join(map(column_letters, sorted(columns)[:20]))}列"
