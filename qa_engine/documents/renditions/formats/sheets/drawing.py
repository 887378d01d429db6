"""Draws sheets as pages of a grid, and says where each cell came to stand."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qa_engine.documents.blocks import Rect
from qa_engine.documents.renditions.formats.sheets.sheet import Place, Sheet, column_letters, shown_cells

_SIZE = 9.0
_LINE = 12.0
_PADDING = 3.0
_MARGIN = 36.0
_NUMBERS = 30.0
"""Width of the column with the numbers of the rows."""
_MIN_COLUMN, _MAX_COLUMN = 34.0, 230.0
_MIN_WIDTH, _HEIGHT = 595.0, 842.0
_MAX_WIDTH = 14_000.0
"""Of a page, which a PDF limits. Wider sheets get narrower columns."""
_GREY, _RULE = 0.55, 0.75
TITLE_HEIGHT = 20.0


@dataclass
class DrawnSheet:
    """Where a sheet stands.

    Attributes:
        first_page: the number of its first page, from 1.
        pages: how many it has.
        title: the rectangle of its name on the first page.
        cells: page and rectangle of each cell that shows something.
        rows: for each row that is shown its page, its top and its bottom.
        lefts, rights: the edges of each column that is shown.
    """

    first_page: int
    pages: int = 0
    title: Rect = field(default_factory=lambda: Rect(0, 0, 0, 0))
    cells: dict[Place, tuple[int, Rect]] = field(default_factory=dict)
    rows: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    lefts: dict[int, float] = field(default_factory=dict)
    rights: dict[int, float] = field(default_factory=dict)

    def row_box(self, row: int, left: int, right: int) -> Rect:
        """The rectangle of the cells of a row from one column to another, which are shown."""
        _, top, bottom = self.rows[row]
        return Rect(self.lefts[left], top, self.rights[right], bottom)


def draw_sheet(document: Any, sheet: Sheet) -> DrawnSheet:
    """Adds the pages of a sheet to an open ``pymupdf.Document``."""
    drawn = DrawnSheet(document.page_count + 1)
    inside = shown_cells(sheet.spans)
    rows = sorted({row for row, _ in sheet.cells})
    columns = sorted(_shown_columns(sheet))
    widths = _widths(sheet, columns)
    x = _MARGIN + _NUMBERS
    for column in columns:
        drawn.lefts[column], x = x, x + widths[column]
        drawn.rights[column] = x
    width = max(_MIN_WIDTH, x + _MARGIN)
    lines = {place: _wrapped(text, _room(place, sheet, drawn)) for place, text in sheet.cells.items()}
    by_row: dict[int, list[Place]] = {}
    for place in sorted(sheet.cells):
        by_row.setdefault(place[0], []).append(place)
    ink = _Ink(document)
    y = bottom = 0.0
    for row in rows:
        high = max((len(lines[place]) for place in by_row[row] if place not in sheet.spans), default=1)
        height = high * _LINE + 2 * _PADDING
        if not drawn.pages or y + height > bottom - _MARGIN:
            bottom = max(_HEIGHT, height + 3 * _MARGIN + TITLE_HEIGHT)
            ink.begin(width, bottom)
            y = _MARGIN
            if not drawn.pages and sheet.name:
                drawn.title = Rect(_MARGIN, y, width - _MARGIN, y + TITLE_HEIGHT - 4)
                ink.text(_MARGIN, y + 12, sheet.name, 13)
                y += TITLE_HEIGHT
            drawn.pages += 1
            for column in columns:
                middle = (drawn.lefts[column] + drawn.rights[column]) / 2 - 3
                ink.text(middle, y + 8, column_letters(column), 7, grey=True)
            y += _LINE
        drawn.rows[row] = (ink.pages, y, y + height)
        ink.text(_MARGIN, y + 10, str(row), 7, grey=True)
        for column in columns:
            first = inside.get((row, column))
            if first is None or first not in sheet.cells:
                ink.frame(Rect(drawn.lefts[column], y, drawn.rights[column], y + height))
        for place in by_row[row]:
            left = drawn.lefts[place[1]]
            for index, line in enumerate(lines[place]):
                ink.text(left + _PADDING, y + _PADDING + 9 + index * _LINE, line, _SIZE)
            right = left + _room(place, sheet, drawn) + 2 * _PADDING
            drawn.cells[place] = ink.pages, Rect(left, y, right, y + height)
        y += height
    ink.finish()
    return drawn


class _Ink:
    """Writes the content of pages as it stands in a PDF: a hundred times as fast as a call of PyMuPDF for each cell."""

    def __init__(self, document: Any) -> None:
        import pymupdf

        self._document = document
        self._font = pymupdf.Font("cjk")
        self._glyphs: dict[str, str] = {}
        self._page: Any = None
        self._height = 0.0
        self._frames: list[str] = []
        self._texts: list[str] = []

    @property
    def pages(self) -> int:
        """How many pages the document has."""
        return int(self._document.page_count)

    def begin(self, width: float, height: float) -> None:
        """Begins a page."""
        self.finish()
        self._page, self._height = self._document.new_page(width=width, height=height), height

    def text(self, x: float, y: float, text: str, size: float, grey: bool = False) -> None:
        """One line of text, from its left end and its base line."""
        codes = "".join(map(self._glyph, text))
        colour = _GREY if grey else 0.0
        self._texts.append(
            f"{colour} g /cjk {size} Tf 1 0 0 1 {x:.2f} {self._height - y:.2f} Tm <{codes}> Tj"
        )

    def frame(self, box: Rect) -> None:
        """The frame of a cell."""
        self._frames.append(
            f"{box.x0:.2f} {self._height - box.y1:.2f} {box.x1 - box.x0:.2f} {box.y1 - box.y0:.2f} re"
        )

    def finish(self) -> None:
        """Ends a page that was begun."""
        if self._page is None:
            return
        self._page.insert_font(fontname="cjk", fontbuffer=self._font.buffer)
        content = f"q {_RULE} G 0.5 w {' '.join(self._frames)} S Q\nBT {chr(10).join(self._texts)} ET"
        xref = self._document.get_new_xref()
        self._document.update_object(xref, "<<>>")
        self._document.update_stream(xref, content.encode("ascii"))
        self._page.set_contents(xref)
        self._page, self._frames, self._texts = None, [], []

    def _glyph(self, character: str) -> str:
        if character not in self._glyphs:
            self._glyphs[character] = f"{self._font.has_glyph(ord(character)):04x}"
        return self._glyphs[character]


def _shown_columns(sheet: Sheet) -> set[int]:
    ends = {last[1] for first, last in sheet.spans.items() if first in sheet.cells}
    used = {column for _, column in sheet.cells} | {
        end for end in ends if end <= max(c for _, c in sheet.cells) + 20
    }
    return used - sheet.hidden_columns


def _widths(sheet: Sheet, columns: Sequence[int]) -> dict[int, float]:
    """The width of each column: that of its longest text, within bounds."""
    widths = dict.fromkeys(columns, _MIN_COLUMN)
    for place, text in sheet.cells.items():
        if place not in sheet.spans and place[1] in widths:
            need = max(_units(line) for line in text.split("\n")) * _SIZE / 2 + 2 * _PADDING + 1
            widths[place[1]] = max(widths[place[1]], min(need, _MAX_COLUMN))
    whole = sum(widths.values())
    room = _MAX_WIDTH - 2 * _MARGIN - _NUMBERS
    return {column: width * min(1.0, room / max(whole, 1.0)) for column, width in widths.items()}


def _room(place: Place, sheet: Sheet, drawn: DrawnSheet) -> float:
    """The width for the text of a cell, which may reach over several columns."""
    last = sheet.spans.get(place, place)[1]
    right = max((drawn.rights[c] for c in range(place[1], last + 1) if c in drawn.rights), default=0.0)
    return right - drawn.lefts[place[1]] - 2 * _PADDING


def _units(text: str) -> int:
    """The width of a text, in halves of the font size."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _wrapped(text: str, width: float) -> list[str]:
    """A text in lines of a width in points."""
    room = max(int(width / (_SIZE / 2)), 2)
    lines = []
    for part in text.split("\n"):
        if _units(part) <= room:
            lines.append(part)
            continue
        current, used = "", 0
        for character in part:
            units = _units(character)
            if used + units > room:
                lines.append(current)
                current, used = "", 0
            current += character
            used += units
        lines.append(current)
    return lines or [""]
