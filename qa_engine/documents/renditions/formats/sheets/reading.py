"""Workbooks and delimited text as pages: a row of a table is a sentence with the names of its columns and its range."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from qa_engine.documents.blocks import Block, Line, Page, Rect, Role, Table
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pages.tables.row_texts import column_names, row_texts
from qa_engine.documents.renditions.formats.sheets.delimited import read_delimited
from qa_engine.documents.renditions.formats.sheets.drawing import DrawnSheet, draw_sheet
from qa_engine.documents.renditions.formats.sheets.regions import Region, regions_of
from qa_engine.documents.renditions.formats.sheets.sheet import Place, Sheet, range_label, shown_cells
from qa_engine.documents.renditions.formats.sheets.workbook import read_workbook
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import PARSER
from qa_engine.errors import DocumentError

_UNIT = re.compile(
    r"(?<![\u4e00-\u9fff])(?:金额|货币|计量)?单位\s*[:：]\s*(?:人民币)?\s*([^\s）)，,；;]{1,12})"
    r"|\bin ((?:[A-Z]{3} |[$€¥])?(?:thousands?|millions?|billions?))",
    re.I,
)
_AMOUNT = re.compile(r"[-+(（]?[\d,]+(?:\.\d+)?[)）]?")
_GROUPED = 4
_AMOUNTS = 0.5
"""A column holds amounts if this share of its cells are numbers."""


def read_sheets(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a workbook.

    Raises:
        DocumentError: it cannot be read, has too many cells, or shows nothing.
    """
    return _rendition(path, read_workbook(path), options)


def read_table(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a file of delimited text.

    Raises:
        DocumentError: it cannot be read, or has too many cells.
    """
    return _rendition(path, [read_delimited(path)], options)


def _rendition(path: Path, sheets: Sequence[Sheet], options: ReadingOptions) -> Rendition:
    import pymupdf

    pages: list[Page] = []
    paragraph = 0
    with pymupdf.open() as document:
        for sheet in sheets:
            if not sheet.cells:
                continue
            drawn = draw_sheet(document, sheet)
            for number in range(drawn.first_page, drawn.first_page + drawn.pages):
                size = document[number - 1].rect
                pages.append(Page(number, size.width, size.height, PARSER))
            paragraph = _SheetPages(sheet, drawn, pages, options, paragraph).add()
        if not pages:
            raise DocumentError("no_text", f"{path.name} has no cell that shows anything.")
        pages[0].left_out += [part for sheet in sheets for part in sheet.left_out]
        pages[0].doubts += [doubt for sheet in sheets for doubt in sheet.doubts]
        document.subset_fonts()
        return Rendition(document.tobytes(garbage=3, deflate=True), pages)


class _SheetPages:
    """Writes the blocks of a sheet to its pages."""

    def __init__(
        self, sheet: Sheet, drawn: DrawnSheet, pages: list[Page], options: ReadingOptions, paragraph: int
    ) -> None:
        self._sheet = sheet
        self._drawn = drawn
        self._pages = pages
        self._options = options
        self._paragraph = paragraph
        self._inside = shown_cells(sheet.spans)

    def add(self) -> int:
        """Adds all blocks; returns the number of the next paragraph."""
        if self._sheet.name:
            first = self._drawn.first_page
            self._block(Role.HEADING, self._sheet.name, first, self._drawn.title, self._sheet.name, level=1)
        for region in regions_of(self._sheet):
            role = Role.CAPTION if region.rows else Role.BODY
            for place in region.titles:
                self._cell(role, place)
            if region.rows:
                self._table(region)
            for place in region.notes:
                self._cell(Role.BODY, place)
        return self._paragraph

    def _cell(self, role: Role, place: Place) -> None:
        page, box = self._drawn.cells[place]
        label = range_label(self._sheet.name, place, place)
        self._block(role, self._sheet.cells[place], page, box, label)

    def _block(self, role: Role, text: str, page: int, box: Rect, label: str, level: int = 0) -> None:
        words = " ".join(text.split())
        line = Line(words, page, *box, size=9.0, block=self._paragraph)
        self._pages[page - 1].blocks.append(Block(role, [line], None, self._paragraph, level, label))
        self._paragraph += 1

    def _table(self, region: Region) -> None:
        grid = [[self._text(row, column, region) for column in region.columns] for row in region.rows]
        _fill_groups(grid, region.header_rows)
        wide = self._wide(region)
        names = self._names(region, grid)
        boxes = [self._drawn.row_box(row, region.columns[0], region.columns[-1]) for row in region.rows]
        whole = Table(grid, boxes, region.header_rows, region.key_value, complete=True, wide=wide)
        texts = row_texts(whole, names, self._options.max_row_chars)
        texts = _with_group_names(texts, grid[region.header_rows :], self._group_names(region))
        labels = [
            range_label(self._sheet.name, (row, region.columns[0]), (row, region.columns[-1]))
            for row in region.rows
        ]
        by_page: dict[int, list[int]] = {}
        for index, row in enumerate(region.rows):
            by_page.setdefault(self._drawn.rows[row][0], []).append(index)
        for page, indices in by_page.items():
            header = sum(1 for index in indices if index < region.header_rows)
            part = Table(
                [grid[index] for index in indices],
                [boxes[index] for index in indices],
                header,
                region.key_value,
                complete=True,
                wide={
                    (row - indices[0], column): last for (row, column), last in wide.items() if row in indices
                },
                texts=[texts[index - region.header_rows] for index in indices if index >= region.header_rows],
                labels=[labels[index] for index in indices],
            )
            lines = [
                Line(
                    " ".join(filter(None, grid[index])), page, *boxes[index], size=9.0, block=self._paragraph
                )
                for index in indices
            ]
            self._pages[page - 1].blocks.append(Block(Role.TABLE, lines, part, self._paragraph))
        self._paragraph += 1

    def _text(self, row: int, column: int, region: Region) -> str:
        """What a cell says; one of a merged range says what the range says, if it names a column or a row."""
        first = self._inside.get((row, column))
        if first is None:
            return " ".join(self._sheet.cells.get((row, column), "").split())
        header = row < region.rows[0] + region.header_rows and first[0] >= region.rows[0]
        below = first[1] == column and first[0] >= region.rows[0]
        return " ".join(self._sheet.cells.get(first, "").split()) if header or below else ""

    def _wide(self, region: Region) -> dict[tuple[int, int], int]:
        wide = {}
        for index, row in enumerate(region.rows):
            for place, column in enumerate(region.columns):
                last = self._sheet.spans.get((row, column), (row, column))[1]
                reach = [number for number, other in enumerate(region.columns) if column <= other <= last]
                if index >= region.header_rows and len(reach) > 1:
                    wide[index, place] = reach[-1]
        return wide

    def _group_names(self, region: Region) -> set[int]:
        """Which rows below the header, from 0, name the group of those below them: one cell over several columns."""
        rows = region.rows[region.header_rows :]
        found = set()
        for index, row in enumerate(rows):
            first = (row, region.columns[0])
            filled = [column for column in region.columns if (row, column) in self._sheet.cells]
            if filled == [first[1]] and self._sheet.spans.get(first, first)[1] > first[1]:
                found.add(index)
        return found if region.header_rows else set()

    def _names(self, region: Region, grid: Sequence[Sequence[str]]) -> list[str]:
        """The names of the columns, those of amounts with the unit that stands above the table."""
        names = column_names(Table(grid, [(0, 0, 0, 0)] * len(grid), region.header_rows))
        found = next(filter(None, (_UNIT.search(self._sheet.cells[place]) for place in region.titles)), None)
        if found is None or region.key_value:
            return names
        unit = found[1] or found[2]
        rows = grid[region.header_rows :]
        for column, name in enumerate(names):
            cells = [row[column] for row in rows if row[column]]
            amounts = sum(1 for cell in cells if _AMOUNT.fullmatch(cell))
            if name and column and amounts > _AMOUNTS * len(cells) and "（" not in name and "%" not in name:
                names[column] = f"{name}（{unit}）"
        return names


def _fill_groups(grid: list[list[str]], header_rows: int) -> None:
    """Gives each row the name of its group, where the first column says it in the first row of the group alone.

    That a cell of the first column is just missing is told apart by how many are: a quarter of the rows at least.
    """
    rows = grid[header_rows:]
    names = [row[0] for row in rows if row[0]]
    empty = len(rows) - len(names)
    if not header_rows or not rows or not rows[0][0] or len(set(names)) < max(2, len(names)):
        return
    if empty * _GROUPED < len(rows) or any(_AMOUNT.fullmatch(name) for name in names):
        return
    if not all(all(row[1:]) for row in rows if not row[0]):
        return
    for before, row in pairwise(rows):
        row[0] = row[0] or before[0]


def _with_group_names(
    texts: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], heads: set[int]
) -> list[list[str]]:
    """The texts of each row, after the name of the group that a row above it names."""
    found: list[list[str]] = []
    name = ""
    for index, parts in enumerate(texts):
        if index in heads:
            name = next(filter(None, rows[index]), "")
            found.append([name])
        else:
            found.append([f"{name}；{part}" if name and part else part for part in parts])
    return found
