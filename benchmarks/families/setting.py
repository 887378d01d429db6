"""Sets a report on pages: headings, paragraphs, and tables with or without rules that may run over a page.

Whoever sets something learns the page that it came to stand on.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pymupdf

WIDTH, HEIGHT = 595.0, 842.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 535.0, 80.0, 770.0
SIZE, LEADING = 10.0, 16.5
_SMALL, _ROW = 8.5, 15.0
_SPACE = 7.0
_PIECES = re.compile(r"[A-Za-z0-9_.,%$()/:;&'’+\-]+ ?|\s|.")
_WORDS = re.compile(r"[A-Za-z@\u4e00-\u9fff]{2}")
_NEVER_FIRST = "，。、；：？！）」”’》%"
_HEADINGS = (16.0, 13.0, 11.0)


@dataclass(frozen=True)
class Row:
    """A row of a table: its label, how far that is set in, and the cells right of it."""

    label: str
    cells: Sequence[str]
    level: int = 0
    total: bool = False


@dataclass(frozen=True)
class Look:
    """How tables look: ``grid`` (all rules), ``lines`` (above and below) or ``plain`` (none); and who the margin names."""

    language: str
    tables: str
    header: str
    footer: str


@functools.cache
def _font(language: str, bold: bool = False) -> pymupdf.Font:
    if language == "zh":
        return pymupdf.Font("china-s")
    return pymupdf.Font("tibo" if bold else "tiro")


@functools.lru_cache(50_000)
def _width(text: str, language: str, bold: bool = False) -> float:
    """In units of the font size."""
    width: float = _font(language, bold).text_length(text, 1)
    return width


class Sheets:
    """The pages of a report, filled from the top.

    Example:
        >>> sheets = Sheets(Look("en", "plain", "Acme", "{page}"))
        >>> sheets.heading("Contents"), sheets.paragraph("There is nothing here.")
        (1, 1)
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.headings: list[tuple[int, str, int]] = []
        self._document = pymupdf.open()
        self._writers: list[pymupdf.TextWriter] = []
        self._rules: list[list[tuple[float, float, float, float]]] = []
        self._y = TOP
        self._pairs = False
        self.new_page()

    @property
    def page(self) -> int:
        """The number of the page that is being filled, from 1."""
        return len(self._writers)

    @property
    def left(self) -> float:
        """Points that are left on the page."""
        return BOTTOM - self._y

    def new_page(self) -> None:
        """Go on at the top of another page."""
        self._document.new_page(width=WIDTH, height=HEIGHT)
        self._writers.append(pymupdf.TextWriter((0, 0, WIDTH, HEIGHT)))
        self._rules.append([])
        self._y = TOP

    def heading(self, text: str, level: int = 1) -> int:
        """A title; it does not stand alone at the foot of a page. Returns its page."""
        size = _HEADINGS[level - 1]
        self._room(size * 2 + 6 * LEADING)
        self._y += size * 0.6
        for line in self._lines(text, RIGHT - LEFT, size):
            self._put(LEFT, line, size, bold=True)
            self._y += size * 1.5
        self.headings.append((level, text, self.page))
        return self.page

    def paragraph(self, text: str, align: str = "left", size: float = SIZE) -> int:
        """A paragraph. Returns the page that it ends on."""
        indent = 2 * size if self.look.language == "zh" and align == "left" else 0
        for number, line in enumerate(self._lines(text, RIGHT - LEFT, size, indent)):
            self._room(LEADING)
            x = LEFT + (0 if number else indent)
            if align == "center":
                x = (WIDTH - _width(line, self.look.language) * size) / 2
            self._put(x, line, size)
            self._y += LEADING * max(size / SIZE, 1)
        self._y += 4
        return self.page

    def place(self, page: int, y: float, left: str, right: str = "") -> None:
        """A line at a place of an earlier page, such as an entry of the contents."""
        self._put(LEFT, left, SIZE, page=page, y=y)
        self._put(
            RIGHT - _width(right, self.look.language) * SIZE if right else LEFT, right, SIZE, page=page, y=y
        )

    def table(
        self, columns: Sequence[str], rows: Sequence[Row], above: str = "", label_share: float = 0.4
    ) -> list[int]:
        """A table, its header repeated where it runs over a page. Returns the page of each row.

        Args:
            columns: the heads; without a word in any, the table has no header.
            rows: what is below.
            above: a line above the table, such as its unit; what is behind a ``|`` is set to the right.
            label_share: the share of the width that the labels take.
        """
        self._room(5 * _ROW)
        if above:
            left, _, right = above.partition("|")
            self._put(LEFT, left, _SMALL)
            self._put(RIGHT - _width(right, self.look.language) * _SMALL, right, _SMALL)
            self._y += _ROW
        first = (RIGHT - LEFT) * label_share
        step = (RIGHT - LEFT - first) / max(len(columns) - 1, 1)
        edges = [LEFT, *(LEFT + first + step * place for place in range(len(columns)))]
        self._pairs = not any(columns)
        self._header(columns, edges)
        pages = []
        for row in rows:
            lines = self._lines(row.label, first - 12 - 9 * row.level, _SMALL)
            height = _ROW * len(lines) - (len(lines) - 1) * 4
            if self.left < height:
                self._frame(edges, last=True)
                self.new_page()
                self._header(columns, edges)
            top = self._y
            for number, line in enumerate(lines):
                self._put(LEFT + 4 + 9 * row.level, line, _SMALL, row.total, y=top + 11 + number * 11)
            for place, cell in enumerate(row.cells, start=1):
                self._cell(cell, edges, place, top + 11 + (len(lines) - 1) * 5.5, row.total)
            self._y = top + height
            self._frame(edges, total=row.total)
            pages.append(self.page)
        self._frame(edges, last=True)
        self._y += 12
        return pages

    def save(self, out: Path) -> int:
        """Write the PDF. Returns the number of its pages."""
        total = self.page
        for number, (page, writer, rules) in enumerate(
            zip(self._document, self._writers, self._rules, strict=True), start=1
        ):
            if number > 1:
                self._put(LEFT, self.look.header, 8, page=number, y=48)
                foot = self.look.footer.format(page=number, total=total)
                x = (WIDTH - _width(foot, self.look.language) * 8) / 2
                self._put(x, foot, 8, page=number, y=HEIGHT - 34)
            writer.write_text(page)
            shape = page.new_shape()
            for x0, y0, x1, y1 in rules:
                shape.draw_line((x0, y0), (x1, y1))
            if rules:
                shape.finish(width=0.5)
                shape.commit()
        self._document.subset_fonts()
        self._document.save(out, garbage=4, deflate=True, no_new_id=True)
        self._document.close()
        return total

    def _header(self, columns: Sequence[str], edges: Sequence[float]) -> None:
        self._top = self._y
        self._rule(LEFT, RIGHT, self._y, unless="plain")
        if self._pairs:
            return
        self._put(LEFT + 4, columns[0], _SMALL, True, y=self._y + 11)
        for place, column in enumerate(columns[1:], start=1):
            self._cell(column, edges, place, self._y + 11, True, head=True)
        self._y += _ROW
        self._rule(LEFT, RIGHT, self._y, unless="plain")

    def _cell(
        self, text: str, edges: Sequence[float], place: int, y: float, bold: bool, head: bool = False
    ) -> None:
        """Figures and heads are set to the right, words to the left, shrunk to the cell where they are too long."""
        if not text:
            return
        bold = bold and self.look.language == "en"
        room = edges[place + 1] - edges[place] - _SPACE
        size = min(_SMALL, room / _width(text, self.look.language, bold))
        wide = _width(text, self.look.language, bold) * size
        words = not head and (self._pairs or _WORDS.search(text))
        self._put(edges[place] + 4 if words else edges[place + 1] - 3 - wide, text, size, bold, y=y)

    def _frame(self, edges: Sequence[float], total: bool = False, last: bool = False) -> None:
        """The rules below a row, or those that close a table."""
        if self.look.tables == "grid":
            self._rule(LEFT, RIGHT, self._y)
            if last:
                self._rules[-1] += [(x, self._top, x, self._y) for x in edges]
        elif (total and self.look.language == "en") or (last and self.look.tables == "lines"):
            self._rule(edges[1] if total and not last else LEFT, RIGHT, self._y)

    def _rule(self, x0: float, x1: float, y: float, unless: str = "") -> None:
        if self.look.tables != unless:
            self._rules[-1].append((x0, y, x1, y))

    def _room(self, height: float) -> None:
        if self.left < height:
            self.new_page()

    def _lines(self, text: str, width: float, size: float, indent: float = 0) -> list[str]:
        """Broken at blanks, or between Chinese characters; no number is torn."""
        lines, line, used, room = [], "", 0.0, (width - indent) / size
        for piece in _PIECES.findall(text):
            wide = _width(piece, self.look.language)
            over = used + _width(piece.rstrip(), self.look.language) > room
            if line and over and piece not in _NEVER_FIRST:
                lines.append(line.rstrip())
                line, used, room = "", 0.0, width / size
                piece = piece.lstrip()
            line, used = line + piece, used + wide
        return [*lines, line.rstrip()]

    def _put(
        self,
        x: float,
        text: str,
        size: float,
        bold: bool = False,
        *,
        page: int | None = None,
        y: float | None = None,
    ) -> None:
        if text:
            baseline = self._y + size if y is None else y
            font = _font(self.look.language, bold)
            self._writers[(page or self.page) - 1].append((x, baseline), text, font, size)
