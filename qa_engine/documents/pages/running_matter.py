"""Finds headers, footers and page numbers, which belong to the page and not to the text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Page, Role
from qa_engine.documents.pages.lines.joining import join_pieces, rows_of

MARGIN = 0.12
"""Share of the page height, at the top and at the bottom, in which headers and footers stand."""
_LINES_AT_EDGE = 3
"""Most rows of a header or footer."""
_MIN_REPEATS = 3
"""A header or footer stands on so many pages."""
_ROW_SHARE = 0.5
"""Where this share of the pages has a header or footer, what stands there on the other pages is one, too."""
_ROW = 4
"""Points that count as one height."""
_PAGE_NUMBER = re.compile(
    r"[\s\-–—―‐·•.|/~]*(第|page|p\.?)?\s*(?P<label>\d{1,4}|[ivxlc]{1,7})\s*(页|頁)?"
    r"\s*((/|of|共|，共|,共)\s*(第|共)?\s*\d{1,4}\s*(页|頁)?)?[\s\-–—―‐·•.|/~]*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_ALL_BLANKS = re.compile(r"\s+")


def mark_headers_footers(pages: Sequence[Page]) -> None:
    """Puts headers, footers and page numbers of a file into blocks of their own, and notes the label of each page.

    A line in the margin is a header or footer if it is a page number; if the same words, whatever the digits in them,
    stand at the same height on at least three pages, or on every page of a shorter file; or if it stands where half of
    the pages have a header or footer (the title of a short chapter). What the layout model calls one stays one.
    """
    rows = {page.number: _edge_rows(page) for page in pages}
    marked = _repeated(pages, rows)
    marked |= _at_common_places(pages, rows, marked)
    for page in pages:
        for row in rows[page.number]:
            if _PAGE_NUMBER.fullmatch(join_pieces(row).text):
                marked.update(id(line) for line in row)
        _split_blocks(page, marked)
        page.label = _label(page) or page.label


def _edge_rows(page: Page) -> list[list[Line]]:
    """The outermost rows of a page that stand in its margins."""
    lines = [line for block in page.blocks for line in block.lines]
    top = rows_of(line for line in lines if line.y1 < MARGIN * page.height)[:_LINES_AT_EDGE]
    bottom = rows_of(line for line in lines if line.y0 > (1 - MARGIN) * page.height)[-_LINES_AT_EDGE:]
    return [*top, *bottom]


def _repeated(pages: Sequence[Page], rows: dict[int, list[list[Line]]]) -> set[int]:
    """``id()`` of the lines whose words stand on several pages at one height."""
    repeats: dict[tuple[str, int], list[tuple[int, Line]]] = defaultdict(list)
    for page in pages:
        for row in rows[page.number]:
            for line in [*row, join_pieces(row)] if len(row) > 1 else row:
                repeats[_words(line), round(line.y0 / _ROW)].append((page.number, line))
    whole = {id(line) for page in pages for row in rows[page.number] for line in row}
    enough = min(_MIN_REPEATS, max(len(pages), 2))
    repeated: set[int] = set()
    for (words, height), lines in repeats.items():
        near = [item for shift in (-1, 1) for item in repeats.get((words, height + shift), [])]
        if words and len({page for page, _ in [*lines, *near]}) >= enough:
            repeated.update(id(line) for _, line in lines if id(line) in whole)
    return repeated


def _at_common_places(pages: Sequence[Page], rows: dict[int, list[list[Line]]], marked: set[int]) -> set[int]:
    """``id()`` of the lines at a height and of a size that the headers or footers of at least half of the pages have."""
    places = Counter[tuple[int, int]]()
    for page in pages:
        for place in {_place(line) for row in rows[page.number] for line in row if id(line) in marked}:
            places[place] += 1
    common = {place for place, count in places.items() if count >= max(_ROW_SHARE * len(pages), _MIN_REPEATS)}
    return {id(line) for page in pages for row in rows[page.number] for line in row if _place(line) in common}


def _words(line: Line) -> str:
    """The text of a line without blanks, all numbers alike."""
    return _DIGITS.sub("#", _ALL_BLANKS.sub("", line.text))


def _place(line: Line) -> tuple[int, int]:
    """The height and the font size of a line."""
    return round(line.y1), round(line.size)


def _split_blocks(page: Page, marked: set[int]) -> None:
    """Puts the lines with these ``id()`` into blocks of their own."""
    blocks: list[Block] = []
    for block in page.blocks:
        whole = block.role in HEADERS_FOOTERS
        margin = [line for line in block.lines if whole or id(line) in marked]
        rest = [line for line in block.lines if not whole and id(line) not in marked]
        blocks.extend(Block(_role(line, page.height), [line]) for line in margin)
        if rest:
            blocks.append(Block(block.role, rest, block.table))
    page.blocks = blocks


def _role(line: Line, height: float) -> Role:
    if _PAGE_NUMBER.fullmatch(line.text):
        return Role.PAGE_NUMBER
    return Role.HEADER if line.y0 + line.y1 < height else Role.FOOTER


def _label(page: Page) -> str | None:
    """The printed page number; the lowest on the page if there are several."""
    for block in reversed(page.blocks):
        match = _PAGE_NUMBER.fullmatch(block.lines[0].text) if block.role is Role.PAGE_NUMBER else None
        if match is not None:
            return match["label"]
    return None
