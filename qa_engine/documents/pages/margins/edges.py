"""The margins of a page: the rows at its edges, and what a line there is."""

from __future__ import annotations

from qa_engine.documents.blocks import Line, Page, Role
from qa_engine.documents.pages.lines.joining import rows_of
from qa_engine.documents.pages.margins.page_counting import PAGE_NUMBER

MARGIN = 0.12
"""Share of the page height, at the top and at the bottom, in which headers and footers stand."""
WIDE_MARGIN = 0.16
"""The same for pages with nothing there, as TeX makes them of small books."""
_LINES_AT_EDGE = 3
"""Most rows of a header or footer."""


def edge_rows(page: Page, margin: float) -> list[list[Line]]:
    """The outermost rows of a page that stand in its margins."""
    lines = [line for block in page.blocks for line in block.lines]
    top = rows_of(line for line in lines if line.y1 < margin * page.height)[:_LINES_AT_EDGE]
    bottom = rows_of(line for line in lines if line.y0 > (1 - margin) * page.height)[-_LINES_AT_EDGE:]
    return [*top, *bottom]


def lowest_row(page: Page) -> list[Line]:
    """The lines at the height of the lowest one of a page."""
    lines = [line for block in page.blocks for line in block.lines]
    lowest = max((line.y0 for line in lines), default=0.0)
    return [line for line in lines if line.y1 > lowest + 1]


def continues(rows: list[list[Line]], row: list[Line]) -> bool:
    """Whether a row goes on with the paragraph of the rows before it."""
    last = rows[-1][-1]
    return row[0].y0 - last.y1 < last.size and abs(row[0].size - last.size) < 1


def place_of(line: Line) -> tuple[int, int]:
    """The height and the font size of a line."""
    return round(line.y1), round(line.size)


def role_at_edge(line: Line, height: float) -> Role:
    """The role of a line of running matter on a page of this height."""
    if PAGE_NUMBER.fullmatch(line.text):
        return Role.PAGE_NUMBER
    return Role.HEADER if line.y0 + line.y1 < height else Role.FOOTER


def printed_label(page: Page) -> str | None:
    """The printed page number; the lowest on the page if there are several."""
    for block in reversed(page.blocks):
        match = PAGE_NUMBER.fullmatch(block.lines[0].text) if block.role is Role.PAGE_NUMBER else None
        if match is not None:
            return match["label"]
    return None
