"""Elements in, pages out: sets text and tables with the typesetter of PyMuPDF, and finds where each line came to stand."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Block, FileFacts, Page, Role, Table
from qa_engine.documents.renditions.elements import Content, Element, ElementTable, grid_of
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.set_lines import Glyph, lines_of
from qa_engine.errors import DocumentError

PARSER = "source"
"""The parser of a page whose content its source says, see `PageReport.parser`."""
_MAX_CELLS = 40_000
"""Cells of a table that is set as one; a longer one is set in parts."""
_UNKNOWN_LEVEL = 3
"""The level at which headings are set whose level is not known."""
_CSS = """
body { font-family: sans-serif; font-size: 11pt; line-height: 1.45; }
h1 { font-size: 20pt; } h2 { font-size: 16pt; }
h3 { font-size: 14pt; } h4 { font-size: 12.5pt; } h5, h6 { font-size: 11.5pt; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 10pt 0 5pt 0; }
p { margin: 0 0 6pt 0; }
table { border-collapse: collapse; margin: 4pt 0 8pt 0; font-size: 10pt; line-height: 1.3; }
td, th { border: 0.6pt solid #9a9a9a; padding: 3pt 5pt; text-align: left; vertical-align: top; }
th { background-color: #f0f0f0; }
pre { font-family: monospace; font-size: 9.5pt; white-space: pre-wrap; margin: 4pt 0 8pt 0; }
.note { font-size: 10pt; color: #444444; }
.caption { font-size: 10pt; }
"""


class PageStyle(NamedTuple):
    """The size of a page and of its margin, in points.

    ``grows``: whether a page that does not hold its content becomes as high as that, instead of going on on the next one.
    """

    width: float = 595.0
    height: float = 842.0
    margin: float = 54.0
    grows: bool = False


A4 = PageStyle()
SLIDE = PageStyle(720.0, 405.0, 36.0, grows=True)


def typeset(content: Content, style: PageStyle = A4) -> Rendition:
    """A file as pages of one size, one element behind the other.

    Args:
        content: of the file.
        style: of its pages.
    """
    return typeset_pages([content], style)


def typeset_pages(contents: Sequence[Content], style: PageStyle = A4) -> Rendition:
    """A file of several parts, each of which begins a page, such as slides.

    Args:
        contents: of each part; title, author and date are those of the first one.
        style: of the pages. If they grow, each part is exactly one page.
    """
    import pymupdf

    buffer = io.BytesIO()
    writer = pymupdf.DocumentWriter(buffer)
    places: list[dict[str, Any]] = []
    """For each page, the rectangles by the names of elements and cells, in the order of the page."""
    firsts: list[int] = []
    """The number of pages before each part."""
    for number, content in enumerate(contents):
        firsts.append(len(places))
        _place(content.elements, number, style, writer, places)
    writer.close()
    with pymupdf.open(stream=buffer.getvalue(), filetype="pdf") as document:
        document.subset_fonts()
        pdf = document.tobytes(garbage=3, deflate=True)
        pages = [
            Page(number, page.rect.width, page.rect.height, PARSER) for number, page in enumerate(document, 1)
        ]
        blocks = _BlocksOfPages(document, pages, places)
        for number, content in enumerate(contents):
            for ordinal, element in enumerate(content.elements):
                blocks.add(f"e{number}-{ordinal}", element)
            pages[firsts[number]].left_out += content.left_out
            pages[firsts[number]].doubts += content.doubts
    if contents and pages:
        pages[0].file_facts = FileFacts(contents[0].title, contents[0].author, contents[0].created)
    return Rendition(pdf, pages)


def _place(
    elements: Sequence[Element], part: int, style: PageStyle, writer: Any, places: list[dict[str, Any]]
) -> None:
    """Writes the pages of a part, at least one."""
    import pymupdf

    archive = pymupdf.Archive()
    html = "".join(_html(f"e{part}-{ordinal}", element, archive) for ordinal, element in enumerate(elements))
    story = pymupdf.Story(f"<html><body>{html}</body></html>", user_css=_CSS, archive=archive)
    if style.grows:
        style = _grown(story, style)
    sheet = pymupdf.Rect(0, 0, style.width, style.height)
    room = pymupdf.Rect(style.margin, style.margin, style.width - style.margin, style.height - style.margin)
    more = True
    while more:
        device = writer.begin_page(sheet)
        more, _ = story.place(room)
        positions: list[Any] = []
        _note_positions(story, positions)
        story.draw(device)
        writer.end_page()
        places.append({one.id: pymupdf.Rect(one.rect) for one in positions if one.id and one.open_close & 1})


def _note_positions(story: Any, positions: list[Any]) -> None:
    # PyMuPDF takes nothing but a function of one argument.
    story.element_positions(lambda position: positions.append(position))


_LARGEST = 14_000.0
"""Width and height of a page in points, which a PDF limits."""


def _grown(story: Any, style: PageStyle) -> PageStyle:
    """The style of a page that holds all of a story: higher, and wider if the highest page does not hold it.

    Raises:
        DocumentError: no page is large enough.
    """
    import pymupdf

    while style.width <= _LARGEST:
        room = pymupdf.Rect(style.margin, 0, style.width - style.margin, _LARGEST - 2 * style.margin)
        more, filled = story.place(room)
        story.reset()
        if not more:
            height = float(pymupdf.Rect(filled).y1) + 2 * style.margin + 1
            return style._replace(height=max(style.height, height))
        style = style._replace(width=2 * style.width)
    raise DocumentError("too_large", "What stands on one slide does not fit on the largest page of a PDF.")


def _html(name: str, element: Element, archive: Any) -> str:
    """An element in HTML; the typesetter is given nothing that could refer to anything."""
    if element.table is not None:
        return _table_html(name, element.table)
    if element.image is not None:
        archive.add(element.image, f"{name}.img")
        return f'<p id="{name}"><img src="{name}.img"></p>'
    text = escape(element.text)
    if element.preformatted:
        return f'<pre id="{name}">{text}</pre>'
    if element.role is Role.HEADING:
        tag = f"h{min(element.level or _UNKNOWN_LEVEL, 6)}"
        return f'<{tag} id="{name}">{text}</{tag}>'
    if element.role is Role.LIST:
        return f'<p id="{name}" style="margin-left: {14 * max(element.level, 1)}pt">{text}</p>'
    kind = {Role.NOTE: "note", Role.FOOTNOTE: "note", Role.CAPTION: "caption"}.get(element.role, "")
    return f'<p id="{name}" class="{kind}">{text}</p>'


def _table_html(name: str, table: ElementTable) -> str:
    rows = []
    for number, row in enumerate(table.rows):
        tag = "th" if number < table.header_rows else "td"
        cells = []
        for place, cell in enumerate(row):
            spans = (f' colspan="{cell.columns}"' if cell.columns > 1 else "") + (
                f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
            )
            text = escape(cell.text).replace("\n", "<br>")
            cells.append(f'<{tag} id="{name}r{number}c{place}"{spans}>{text}</{tag}>')
        rows.append(f'<tr id="{name}r{number}">{"".join(cells)}</tr>')
    return f'<table id="{name}">{"".join(rows)}</table>'


class _BlocksOfPages:
    """Gives elements, in their order, to the pages that they stand on."""

    def __init__(self, document: Any, pages: Sequence[Page], places: Sequence[dict[str, Any]]) -> None:
        self._pages = pages
        self._places = places
        self._page_of = {name: number for number, found in enumerate(places) for name in found}
        self._glyphs = _glyphs_by_element(document, places)
        self._number = -1

    def add(self, name: str, element: Element) -> None:
        """Adds the blocks of one element to its pages."""
        self._number += 1
        if element.table is not None:
            self._add_table(name, element.table, element.label)
            return
        if element.image is not None or not element.text.strip():
            return
        lines = lines_of(element.text, self._glyphs.get(name, ()), self._number)
        for number, here in groupby(lines, attrgetter("page")):
            block = Block(element.role, list(here), None, self._number, element.level, element.label)
            self._pages[number - 1].blocks.append(block)

    def _add_table(self, name: str, table: ElementTable, label: str) -> None:
        grid, wide = grid_of(table)
        by_page: dict[int, list[tuple[int, tuple[float, float, float, float]]]] = {}
        for number in range(len(table.rows)):
            page = self._page_of.get(f"{name}r{number}")
            if page is not None:
                rect = self._places[page][f"{name}r{number}"]
                by_page.setdefault(page, []).append((number, (rect.x0, rect.y0, rect.x1, rect.y1)))
        for page, rows in by_page.items():
            first = rows[0][0]
            numbers = [number for number, _ in rows]
            part = Table(
                [grid[number] for number in numbers],
                [box for _, box in rows],
                sum(1 for number in numbers if number < table.header_rows),
                complete=True,
                wide={(row - first, column): last for (row, column), last in wide.items() if row in numbers},
                labels=[label] * len(numbers) if label else (),
            )
            target = self._pages[page]
            lines = [
                line
                for number, box in rows
                for line in lines_of(
                    " ".join(filter(None, grid[number])),
                    [Glyph("", box[0], box[2], box[1], box[3], number, target.number, 10.0)],
                    self._number,
                )
            ]
            if any(any(row) for row in part.rows):
                target.blocks.append(Block(Role.TABLE, lines, part, self._number))


def _glyphs_by_element(document: Any, places: Sequence[dict[str, Any]]) -> dict[str, list[Glyph]]:
    """The characters of all pages by the element that they stand in; an element may go on at the top of a page."""
    result: dict[str, list[Glyph]] = {}
    name = ""
    for page, found in zip(document, places, strict=True):
        elements = [(one, rect.y0) for one, rect in found.items() if "r" not in one]
        tops = [top for _, top in elements]
        before = name
        for middle, glyphs in _lines(page):
            index = bisect_right(tops, middle + 1) - 1
            name = elements[index][0] if index >= 0 else before
            result.setdefault(name, []).extend(glyphs)
        name = elements[-1][0] if elements else before
    return result


def _lines(page: Any) -> Iterator[tuple[float, list[Glyph]]]:
    """The lines of a page that was set here, from the top: their middle, and their visible characters."""
    import pymupdf

    number = 0
    for block in page.get_text("rawdict", flags=pymupdf.TEXT_PRESERVE_WHITESPACE)["blocks"]:
        for line in block.get("lines", ()):
            number += 1
            glyphs = [
                Glyph(
                    char["c"],
                    char["bbox"][0],
                    char["bbox"][2],
                    line["bbox"][1],
                    line["bbox"][3],
                    number,
                    page.number + 1,
                    span["size"],
                )
                for span in line["spans"]
                for char in span["chars"]
                if not char["c"].isspace()
            ]
            if glyphs:
                yield (line["bbox"][1] + line["bbox"][3]) / 2, glyphs
