"""The data of pages (lines, blocks, tables) and of the running text that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a block of a page is."""

    BODY = "body"
    HEADING = "heading"
    LIST = "list"
    TABLE = "table"
    CONTENTS = "contents"
    """Entries of a table of contents."""
    REFERENCE = "reference"
    """An entry of a list of references."""
    AUTHORS = "authors"
    """Names, institutions and addresses between the title of a paper and its abstract."""
    CAPTION = "caption"
    FOOTNOTE = "footnote"
    FORMULA = "formula"
    FIGURE = "figure"
    """Text inside a picture or chart."""
    FIELD = "field"
    """A filled field of a form, with its label."""
    TABLE_SUMMARY = "table_summary"
    """What a whole table is about: its title and the names of its columns and rows. No block of a page; a node."""
    NOTE = "note"
    """A note of a reader on the page: a sticky note, a reply, or a comment on marked text."""
    HEADER = "header"
    FOOTER = "footer"
    PAGE_NUMBER = "page_number"


SECTION_MARK = " › "
"""Separates the titles of a section path."""
HEADERS_FOOTERS = frozenset({Role.HEADER, Role.FOOTER, Role.PAGE_NUMBER})
"""Roles of blocks that belong to the page and not to the text."""


class Rect(NamedTuple):
    """Left, top, right and bottom edge in points, y downwards."""

    x0: float
    y0: float
    x1: float
    y1: float


def on_shown_page(rect: Rect, rotation: tuple[float, float, float, float, float, float] | None) -> Rect:
    """A rectangle in the space of the blocks of a page, on the page as it is shown; see `Page.rotation`."""
    if rotation is None:
        return rect
    a, b, c, d, e, f = rotation
    xs = [a * rect.x0 + c * rect.y0 + e, a * rect.x1 + c * rect.y1 + e]
    ys = [b * rect.x0 + d * rect.y0 + f, b * rect.x1 + d * rect.y1 + f]
    return Rect(min(xs), min(ys), max(xs), max(ys))


class LeftOutPlace(NamedTuple):
    """Where text that is not read stands.

    Attributes:
        role: what it is, such as ``header`` or ``hidden``.
        text: its words.
        boxes: of its lines.
    """

    role: str
    text: str
    boxes: tuple[Rect, ...]


class Mark(NamedTuple):
    """A superscript.

    Attributes:
        position: in the text of its line as it is read.
        x, y: the middle of its rectangle on the page.
        text: as it is printed.
        read: what it is read as; empty for the mark of a note.
    """

    position: int
    x: float
    y: float
    text: str
    read: str


@dataclass
class Line:
    """One line of text on a page.

    Attributes:
        text: without control characters, runs of blanks made one.
        page: from 1.
        x0, y0, x1, y1: rectangle in points, from the top left corner of the page as it is shown; of a page whose text
            does not run from left to right, of the page turned so that it does.
        size: font size in points of most of its characters.
        block: number of its block on the page, in the order of the file.
        bold: whether most of its characters are bold.
        cuts: places inside the line where a sentence may end: number of characters before it, and the x at which the
            next one begins. They let a sentence be marked instead of its whole lines.
        marks: its superscripts that are not read as they are printed.
        doubt: why its text may not be what the page shows, or nothing.
    """

    text: str
    page: int
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    block: int
    bold: bool = False
    cuts: tuple[tuple[int, float], ...] = ()
    marks: tuple[Mark, ...] = ()
    doubt: str = ""


@dataclass(frozen=True)
class Table:
    """A table of one page.

    Attributes:
        rows: the texts of its cells, row by row; all rows are of the same length.
        boxes: the rectangle (x0, y0, x1, y1) of each row, in points.
        header_rows: number of rows at the top that name the columns.
        key_value: whether each row is a key and its value, or several of these.
        complete: whether the label of a cell over several rows is in all of them, so that an empty first cell has none.
        columns: where its columns begin in points, if rules are there.
        wide: row and column of each cell below the header that reaches over several columns, and the last one of these.
        doubt: what may be wrong with it, or nothing.
        texts: what the rows below the header say, if their source says it better than their cells; one or more texts each.
        labels: what people call the place of each row, such as a range of cells; empty without such names.
    """

    rows: Sequence[Sequence[str]]
    boxes: Sequence[tuple[float, float, float, float]]
    header_rows: int = 1
    key_value: bool = False
    complete: bool = False
    columns: tuple[float, ...] = ()
    wide: Mapping[tuple[int, int], int] = field(default_factory=dict)
    doubt: str = ""
    texts: Sequence[Sequence[str]] | None = None
    labels: Sequence[str] = ()


@dataclass
class Block:
    """Neighbouring lines of one role. A table has its cells in addition to its lines.

    Attributes:
        role, lines, table: what it is, and what it consists of.
        paragraph: number of its paragraph or table in the file that the page was made from, if it was: blocks of the same
            number, on successive pages, belong together, and others never do. Its lines then have their blanks at the end.
        level: of a heading whose source says it, from 1, the outermost; 0 if that is not known.
        label: what people call its place, such as a range of cells; empty for most.
    """

    role: Role
    lines: list[Line]
    table: Table | None = None
    paragraph: int | None = None
    level: int = 0
    label: str = ""

    @property
    def text(self) -> str:
        """Its lines, with a blank between them."""
        return " ".join(line.text for line in self.lines)

    @property
    def boxes(self) -> tuple[Rect, ...]:
        """The rectangles of its lines."""
        return tuple(Rect(line.x0, line.y0, line.x1, line.y1) for line in self.lines)


class FileFacts(NamedTuple):
    """What the metadata of a file say of it; what they do not say is empty.

    Attributes:
        title: its title.
        author: its author.
        created: the date of its creation, such as ``2024-03-05``.
    """

    title: str = ""
    author: str = ""
    created: str = ""


NO_FACTS = FileFacts()


@dataclass
class Page:
    """The content of one page.

    Attributes:
        number: from 1.
        width, height: in points, in the space of the blocks.
        parser: ``fast`` or ``layout``.
        blocks: in reading order, with headers and footers.
        ocr: whether the text was recognised from the image of the page.
        label: the page number printed on the page, if there is one.
        doubts: what may be wrong with the text, one clause each.
        unread: why there is no text though the page shows something: ``no_text`` (an image without a text layer),
            ``garbled`` or ``damaged``; None if it was read.
        suspect: whether the text was kept though it looks like no language, because there is no OCR to compare with.
        confirmed_by_ocr: whether the text looks like no language, and OCR reads the same.
        rotation: matrix (a, b, c, d, e, f) from the space of the blocks to the page as it is shown, for pages whose text
            does not run from left to right; None if the two are the same.
        turned: what runs in another direction than the text of the page, and is read after it.
        notes: the notes of readers, which come last.
        left_out: role and text of what is not read besides blocks, such as attached files and hidden text.
        places: of those of them that stand on the page, in the space of the blocks.
        file_facts: of the first page, what the metadata of the file say.
    """

    number: int
    width: float
    height: float
    parser: str
    blocks: list[Block] = field(default_factory=list)
    ocr: bool = False
    label: str | None = None
    doubts: list[str] = field(default_factory=list)
    unread: str | None = None
    suspect: bool = False
    confirmed_by_ocr: bool = False
    rotation: tuple[float, float, float, float, float, float] | None = None
    turned: list[Block] = field(default_factory=list)
    notes: list[Block] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    places: list[LeftOutPlace] = field(default_factory=list)
    file_facts: FileFacts = NO_FACTS

    def leave_out(self, role: str, block: Block) -> None:
        """Notes that a block is not read."""
        self.left_out.append((role, block.text))
        self.places.append(LeftOutPlace(role, block.text, block.boxes))


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` of a document's text are this rectangle of this page (points, pages from 1)."""

    start: int
    end: int
    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the text, or a row of a table.

    Attributes:
        start, end: its range of characters.
        role: of its block.
        section: number of its section, from 0 in the order of the text.
        table: number of its table, if it is a row of one.
        row_texts: for a row of a table, its cells with the names of their columns; empty for a header row.
        summary: for the first row of a table, what the whole table is about; empty for a table of few rows.
        statement: for a row of a financial statement, which one it is; empty for all other paragraphs.
        label: what people call its place, if that is not a page, such as ``销售!A3:F3``.
    """

    start: int
    end: int
    role: Role
    section: int
    table: int | None = None
    row_texts: tuple[str, ...] = ()
    summary: str = ""
    statement: str = ""
    label: str = ""


class Doubt(NamedTuple):
    """Characters ``start`` to ``end`` of a document's text may not be what the page shows, for this reason."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class RunningText:
    """The running text of a file.

    Attributes:
        text: paragraphs separated by newlines; a row of a table is a paragraph in Markdown.
        spans: the place of every line, and of every part of a line that a sentence may end in.
        paragraphs: role and section of each paragraph, in order.
        sections: the path of headings of each section; the first is for the text before any heading.
        tables: each table in Markdown, one that goes on over several pages as one.
        doubts: of the lines that may not say what their page shows.
    """

    text: str
    spans: list[Span]
    paragraphs: list[Paragraph]
    sections: list[tuple[str, ...]]
    tables: list[str]
    doubts: list[Doubt] = field(default_factory=list)
