"""Finds headers, footers and page numbers, which belong to the page and not to the text.

What a page reports is never taken for one: measurements, one line a page; a notice at the foot, which is kept once; the
title of the file; a page that has nothing else.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from statistics import median

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Page, Role
from qa_engine.documents.pages.block_roles import LABEL, NUMBERED_HEADING, body_size
from qa_engine.documents.pages.lines.joining import grouped, join_pieces, rows_of
from qa_engine.documents.pages.margins.edges import (
    MARGIN,
    WIDE_MARGIN,
    continues,
    edge_rows,
    lowest_row,
    place_of,
    printed_label,
    role_at_edge,
)
from qa_engine.documents.pages.margins.page_counting import (
    PAGE_NUMBER,
    Figures,
    belongs_to_pages,
    is_bare,
    numbers_at_ends,
    page_numbers,
)
from qa_engine.documents.pages.margins.statements import FORMULA, says_something

_MIN_REPEATS = 3
"""A header or footer stands on so many pages."""
_PLACE_SHARE = 0.2
"""What the layout model calls a header is one if this share of the pages has one at that height."""
_ROW_SHARE = 0.5
"""Where this share of the pages has a header or footer, what stands there on the other pages is one, too."""
_ROW = 4
"""Points that count as one height."""
_TITLE_SIZE = 1.2
"""A line that is so many times as large as the header with the same words is the title of the file."""
_NEAR, _DENSE, _SPARSE = 3, 0.6, 0.25
"""Of the pages with a header, this share is within so many pages of the one before, or they are this share of the file."""
_ALONE_SHARE = 0.25
"""Lines that count up are the text of the file if they are all there is on this share of their pages."""
_WORD = re.compile(r"\w")
_ALL_BLANKS = re.compile(r"\s+")


def mark_headers_footers(pages: Sequence[Page]) -> None:
    """Puts headers, footers and page numbers of a file into blocks of their own, and notes the label of each page.

    A line in the margin is a header or footer if it is a page number; if the same words stand at the same height on at
    least three pages, or on every page of a shorter file, and their figures are the same or count up with the pages; or
    if it stands where half of the pages have a header or footer and says nothing (the title of a short chapter). What the
    layout model calls one stays one unless it says something. A sentence or notice that repeats becomes a footnote once.
    """
    _Margins(pages).mark()


class _Margins:
    """The margins of the pages of a file, while it is found out what in them is running matter."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages
        widest = WIDE_MARGIN if len(pages) >= _MIN_REPEATS else MARGIN
        self._rows = {page.number: edge_rows(page, MARGIN) or edge_rows(page, widest) for page in pages}
        tables = [block for page in pages for block in page.blocks if block.table is not None]
        self._in_tables = {id(line) for block in tables for line in block.lines}
        self._numbers = page_numbers(self._rows, self._in_tables) | numbers_at_ends(
            {
                page.number: row
                for page in pages
                if (row := lowest_row(page)) and id(row[0]) not in self._in_tables
            }
        )
        """``id()`` of the lines that are page numbers."""
        self._repeated: dict[int, str] = {}
        """``id()`` and words of the lines that repeat, and whose figures belong to the pages."""
        self._single: set[int] = set()
        """``id()`` of other lines that are running matter by where they stand."""
        self._kept: set[int] = set()
        """``id()`` of lines that repeat and are kept here, once."""

    def mark(self) -> None:
        """Finds the running matter, and puts it into blocks of its own."""
        self._mark_repeated()
        self._mark_numbered()
        self._mark_common_places()
        self._mark_by_layout()
        self._keep_notices_once()
        self._leave_no_page_empty()
        for page in self._pages:
            self._split_blocks(page)
            page.label = printed_label(page) or page.label

    def _is_marked(self, line: Line) -> bool:
        key = id(line)
        return key not in self._kept and (
            key in self._numbers or key in self._repeated or key in self._single
        )

    def _mark_repeated(self) -> None:
        """Marks lines whose words stand on several pages at one height, and whose figures belong to the pages."""
        places: dict[tuple[str, int], list[tuple[int, Figures, list[Line]]]] = defaultdict(list)
        for page in self._pages:
            for row in self._rows[page.number]:
                for pieces in [*([piece] for piece in row), row] if len(row) > 1 else [row]:
                    whole = join_pieces(pieces)
                    figures = Figures.of(whole.text)
                    places[figures.words, round(whole.y0 / _ROW)].append((page.number, figures, pieces))
        enough = min(_MIN_REPEATS, max(len(self._pages), 2))
        values: dict[tuple[str, int], set[str]] = defaultdict(set)
        for words, height in places:
            if label := LABEL.match(words):
                values[label[0][:-1], height].add(words)
        for (words, height), found in places.items():
            label = LABEL.match(words)
            if label and len(values[label[0][:-1], height]) > 1:
                continue  # what is filled in differs
            around = [item for shift in (-1, 1) for item in places.get((words, height + shift), [])]
            nearby = sorted([*found, *around], key=lambda item: item[0])
            numbers = sorted({number for number, _, _ in nearby})
            if not words or FORMULA.search(words) or len(numbers) < enough or not self._is_dense(numbers):
                continue
            if not belongs_to_pages([(number, figures) for number, figures, _ in nearby]):
                continue
            size = median(line.size for _, _, pieces in nearby for line in pieces)
            for _, _, pieces in found:
                for line in pieces:
                    if line.size < _TITLE_SIZE * size and id(line) not in self._in_tables:
                        self._repeated[id(line)] = words

    def _mark_numbered(self) -> None:
        """Marks lines of what repeats elsewhere with the number of their page behind it, as where a row is one line."""
        words = {repeated for repeated in self._repeated.values() if repeated}
        for page in self._pages if words else ():
            for line in (
                line for row in self._rows[page.number] for line in row if not self._is_marked(line)
            ):
                figures = Figures.of(line.text)
                if (
                    figures.words[-1:] == "#"
                    and figures.words[:-1] in words
                    and figures.values[-1] == page.number
                ):
                    self._single.add(id(line))

    def _is_dense(self, numbers: Sequence[int]) -> bool:
        """Whether these are many of the pages or follow one another, as those of a header do; not □适用, here and there."""
        near = sum(after - before <= _NEAR for before, after in pairwise(numbers))
        return near >= _DENSE * (len(numbers) - 1) or len(numbers) >= _SPARSE * len(self._pages)

    def _mark_common_places(self) -> None:
        """Marks what says nothing, at a height and of a size that headers or footers of half of the pages have."""
        places = Counter[tuple[int, int]]()
        for page in self._pages:
            lines = [line for row in self._rows[page.number] for line in row]
            places.update({place_of(line) for line in lines if self._is_marked(line)})
        enough = max(_ROW_SHARE * len(self._pages), _MIN_REPEATS)
        common = {place for place, count in places.items() if count >= enough}
        if not common:
            return
        for page in self._pages:
            for row in self._rows[page.number]:
                lines = [line for line in row if place_of(line) in common and not self._is_marked(line)]
                if lines and not self._is_content(page, join_pieces(row)):
                    self._single.update(id(line) for line in lines if id(line) not in self._in_tables)

    def _is_content(self, page: Page, line: Line) -> bool:
        """Whether a line where headers stand is a sentence, a number, a heading or the title of the file."""
        if says_something(line.text) or is_bare(line.text) or not all(Figures.of(line.text).page_like):
            return True
        heading = NUMBERED_HEADING.fullmatch(line.text) is not None or page is self._pages[0]
        return heading and self._count(line.text) < 2

    def _count(self, text: str) -> int:
        """How often the file has a line with these words."""
        return self._texts[_without_blanks(text)]

    @cached_property
    def _texts(self) -> Counter[str]:
        return Counter(
            _without_blanks(line.text)
            for page in self._pages
            for block in page.blocks
            for line in block.lines
        )

    @cached_property
    def _body_size(self) -> float:
        return body_size(self._pages)

    def _mark_by_layout(self) -> None:
        """Marks what the layout model calls a header or footer, unless it is content or no other page has one there."""
        own = [
            (page, block, line)
            for page in self._pages
            for block in page.blocks
            if block.role in HEADERS_FOOTERS
            for line in block.lines
            if not self._is_marked(line)
        ]
        places: dict[int, set[int]] = defaultdict(set)
        for page in self._pages if own else ():
            for block in page.blocks:
                for line in block.lines:
                    if block.role in HEADERS_FOOTERS or self._is_marked(line):
                        places[round(line.y1 / _ROW)].add(page.number)
        enough = max(_PLACE_SHARE * len(self._pages), 2) if len(self._pages) >= _MIN_REPEATS else 1
        for page, block, line in own:
            height = round(line.y1 / _ROW)
            there = set[int]().union(*(places[height + shift] for shift in (-1, 0, 1)))
            is_title = line.size > _TITLE_SIZE * self._body_size or (page is self._pages[0] and enough > 1)
            says = says_something(" ".join(line.text for line in block.lines))
            if is_bare(line.text) and len(self._pages) >= _MIN_REPEATS:
                continue  # it counts with no others
            is_place = len(there) >= enough or not _WORD.search(line.text)
            if not says and is_place and not (is_title and self._count(line.text) < 2):
                self._single.add(id(line))

    def _keep_notices_once(self) -> None:
        """Keeps the first of the sentences and notices that repeat."""
        seen = set[str]()
        for page in self._pages:
            marked = [line for block in page.blocks for line in block.lines if self._is_marked(line)]
            rows = rows_of(line for line in marked if id(line) not in self._numbers)
            for paragraph in grouped(rows, continues):
                lines = [line for row in paragraph for line in row if not PAGE_NUMBER.fullmatch(line.text)]
                text = " ".join(line.text for line in lines)
                words = Figures.of(text).words
                if words not in seen and says_something(text):
                    seen.add(words)
                    self._kept.update(id(line) for line in lines)

    def _leave_no_page_empty(self) -> None:
        """Gives back what is all there is on a page, unless it is the header of other pages, too."""
        empty = []
        for page in self._pages:
            lines = [line for block in page.blocks for line in block.lines]
            if lines and all(self._is_marked(line) for line in lines):
                empty.append(
                    [line for line in lines if id(line) not in self._numbers and _WORD.search(line.text)]
                )
        if not empty:
            return
        alone = Counter(self._repeated.get(id(line), "") for lines in empty for line in lines)
        pages = Counter(self._repeated.values())
        nothing_else = len(empty) == sum(bool(page.blocks) for page in self._pages)
        seen = set[str]()
        for line in (line for lines in empty for line in lines):
            words = self._repeated.get(id(line), "")
            counted = "#" in words and alone[words] >= _ALONE_SHARE * pages[words]
            if not words or counted or (nothing_else and line.text not in seen):
                self._kept.add(id(line))
            seen.add(line.text)

    def _split_blocks(self, page: Page) -> None:
        """Puts the running matter of a page into blocks of its own.

        What is kept of it becomes a footnote, which does not interrupt the text, or a heading if it is the title.
        """
        blocks: list[Block] = []
        for block in page.blocks:
            by_layout = block.role in HEADERS_FOOTERS
            rest: list[Line] = []
            for line in block.lines:
                if self._is_marked(line):
                    blocks.append(Block(role_at_edge(line, page.height), [line]))
                elif by_layout and line.size > _TITLE_SIZE * self._body_size:
                    blocks.append(Block(Role.HEADING, [line]))
                elif by_layout or (id(line) in self._kept and id(line) in self._repeated):
                    if not (blocks and blocks[-1].role is Role.FOOTNOTE):
                        blocks.append(Block(Role.FOOTNOTE, []))
                    blocks[-1].lines.append(line)
                else:
                    rest.append(line)
            if rest:
                blocks.append(Block(block.role, rest, block.table))
        page.blocks = blocks


def _without_blanks(text: str) -> str:
    return _ALL_BLANKS.sub("", text)
