"""Joins the blocks of a file to its running text, across lines, columns and pages.

Captions, footnotes, tables, formulas and figures between two halves of a paragraph are moved behind it, so that the
sentence around them stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qa_engine.documents.blocks import (
    HEADERS_FOOTERS,
    Block,
    Doubt,
    Line,
    Page,
    Paragraph,
    Role,
    RunningText,
    Span,
    Table,
)
from qa_engine.documents.pages.block_roles import LIST_ITEM, TERMINAL, Heading, section_paths, title
from qa_engine.documents.pages.lines.joining import doubt_of, grouped, line_end, word_counts
from qa_engine.documents.pages.lines.paragraphs import continues_paragraph
from qa_engine.documents.pages.tables.continuation import continued
from qa_engine.documents.pages.tables.row_texts import column_names, markdown_row, names_by_row, row_texts
from qa_engine.documents.pages.tables.row_texts import markdown as table_markdown
from qa_engine.documents.pages.tables.whole.statements import is_title
from qa_engine.documents.pages.tables.whole.summaries import TableSummary
from qa_engine.documents.pages.tables.whole.titles import TitledTable, titled_parts

_NOTE = 40
"""Between two parts of a table there is no more text than this: its unit, or a mark that it goes on."""
_TITLE_LINES, _TITLE_LINE = 5, 120
"""The title of a table is in so many paragraphs above it at most, each of at most so many characters."""
_PROSE = frozenset({Role.BODY, Role.LIST})
_TITLE_ROLES = frozenset({Role.BODY, Role.HEADING, Role.CAPTION})
_LEFT_OUT = HEADERS_FOOTERS | {Role.FIGURE}


@dataclass
class _Piece:
    """A paragraph that is being put together: lines, or a table."""

    role: Role
    lines: list[Line]
    table: Table | None = None
    section: int = 0
    caption: str = ""
    title: str = ""

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


def build_text(pages: Sequence[Page], body_size: float, max_row_chars: int = 400) -> RunningText:
    """The running text of a file.

    Args:
        pages: of one file; the roles of all blocks are set.
        body_size: font size of the body text in points.
        max_row_chars: a row of a table with more characters becomes several texts.
    """
    pieces = _pieces(pages, body_size)
    sections = _sections(pieces)
    return _TextBuilder(pages, pieces, sections, max_row_chars).result()


def _pieces(pages: Sequence[Page], body_size: float) -> list[_Piece]:
    """The paragraphs and tables of a file in the order of its running text."""
    pieces: list[_Piece] = []
    deferred: list[_Piece] = []
    current: list[Line] = []
    role = Role.BODY

    def close() -> None:
        nonlocal current, deferred
        if current:
            pieces.append(_Piece(role, current))
        pieces.extend(deferred)
        current, deferred = [], []

    for page in pages:
        for block in page.blocks:
            if block.role in _LEFT_OUT:
                continue
            if block.role in {Role.HEADING, Role.FIELD}:
                close()
                pieces.append(_Piece(block.role, block.lines))
            elif block.role not in _PROSE:
                (deferred if current else pieces).extend(_separate_pieces(block))
            else:
                for line in block.lines:
                    if current and not continues_paragraph(current, line, block, body_size):
                        close()
                    if not current:
                        role = Role.LIST if LIST_ITEM.match(line.text) else block.role
                    current.append(line)
    close()
    return pieces


def _separate_pieces(block: Block) -> list[_Piece]:
    """The pieces of a block that is no prose: a table, a formula, contents, a caption, or footnotes, one piece each."""
    if block.role in {Role.CONTENTS, Role.FORMULA}:
        return [_Piece(block.role, block.lines)]
    if block.role is Role.TABLE:
        if block.table is not None:
            return [_Piece(Role.TABLE, block.lines, block.table)]
        return [_Piece(Role.TABLE, [line]) for line in block.lines]

    def continues(part: list[Line], line: Line) -> bool:
        return not TERMINAL.search(part[-1].text) or line.x0 > block.lines[0].x0 + 1

    return [_Piece(block.role, part) for part in grouped(block.lines, continues)]


def _sections(pieces: Sequence[_Piece]) -> list[tuple[str, ...]]:
    """The paths of the sections. Sets the section of each piece, and the captions of tables."""
    headings = [
        Heading(piece.text, piece.lines[0].size, piece.lines[0].bold)
        for piece in pieces
        if piece.role is Role.HEADING
    ]
    section = 0
    for index, piece in enumerate(pieces):
        if piece.role is Role.HEADING:
            section += 1
        piece.section = section
        if piece.role is Role.TABLE:
            for neighbour in (*pieces[max(index - 1, 0) : index], *pieces[index + 1 : index + 2]):
                same_page = neighbour.lines[-1].page == piece.lines[0].page
                if same_page and neighbour.role is Role.CAPTION and not piece.caption:
                    piece.caption = title(neighbour.text)
            piece.title = _title_above(pieces, index)
    return [(), *section_paths(headings)]


def _title_above(pieces: Sequence[_Piece], index: int) -> str:
    """What stands directly above a table on its page: headings, its unit, the date, and what introduces it."""
    lines: list[str] = []
    for above in reversed(pieces[max(index - _TITLE_LINES, 0) : index]):
        text = above.text
        ends = above.role in _PROSE and TERMINAL.search(text) is not None and text[-1] not in ":："
        if above.lines[-1].page != pieces[index].lines[0].page or above.table is not None:
            break
        if len(text) > _TITLE_LINE or ends or above.role not in _TITLE_ROLES:
            break
        lines.append(text)
    return " ".join(reversed(lines))


class _TextBuilder:
    """Writes pieces into one text, and records where each is on the pages."""

    def __init__(
        self,
        pages: Sequence[Page],
        pieces: Sequence[_Piece],
        sections: list[tuple[str, ...]],
        max_row_chars: int,
    ) -> None:
        self._rotations = {page.number: page.rotation for page in pages}
        self._words = word_counts(line.text for piece in pieces for line in piece.lines)
        self._max_row_chars = max_row_chars
        self._texts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._paragraphs: list[Paragraph] = []
        self._sections = sections
        self._tables: list[str] = []
        self._doubts: list[Doubt] = []
        self._summary: tuple[int, TableSummary] | None = None
        """The number of the first paragraph of the last table, and what the table is about."""
        self._before: tuple[int, Table, list[str]] | None = None
        """The page and the table before, and the names of its columns, while nothing but a short note is between."""
        for piece in pieces:
            if piece.table is not None:
                for number, part in enumerate(titled_parts(piece.table)):
                    self._add_part(piece if not number else replace(piece, title="", caption=""), part)
            else:
                self._add_lines(piece)
                if len(piece.text) > _NOTE or piece.role is Role.HEADING:
                    self._before = None

    def result(self) -> RunningText:
        self._finish_table()
        return RunningText(
            "".join(self._texts), self._spans, self._paragraphs, self._sections, self._tables, self._doubts
        )

    def _begin(self) -> int:
        """Where the next paragraph begins."""
        if self._texts:
            self._write("\n")
        return self._length

    def _write(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)

    def _add_lines(self, piece: _Piece) -> None:
        start = self._begin()
        for index, line in enumerate(piece.lines):
            following = piece.lines[index + 1].text if index + 1 < len(piece.lines) else None
            text = line.text if following is None else line_end(line.text, following, self._words)
            self._add_spans(line, len(text))
            if line.doubt:
                self._doubts.append(Doubt(self._length, self._length + len(text), line.doubt))
            self._write(text)
        self._paragraphs.append(Paragraph(start, self._length, piece.role, piece.section))

    def _add_spans(self, line: Line, length: int) -> None:
        """Adds the spans of a line: one for each part that a sentence may end in."""
        cuts = [(end, x) for end, x in line.cuts if 0 < end < length]
        starts = [(0, line.x0), *cuts]
        ends = [*cuts, (length, line.x1)]
        for (first, left), (last, right) in zip(starts, ends, strict=True):
            box = self._shown(line.page, left, line.y0, max(right, left), line.y1)
            self._spans.append(Span(self._length + first, self._length + last, line.page, *box))

    def _shown(
        self, page: int, x0: float, y0: float, x1: float, y1: float
    ) -> tuple[float, float, float, float]:
        """A rectangle on the page as it is shown."""
        rotation = self._rotations.get(page)
        if rotation is None:
            return x0, y0, x1, y1
        a, b, c, d, e, f = rotation
        xs = [a * x0 + c * y0 + e, a * x1 + c * y1 + e]
        ys = [b * x0 + d * y0 + f, b * x1 + d * y1 + f]
        return min(xs), min(ys), max(xs), max(ys)

    def _add_part(self, piece: _Piece, part: TitledTable) -> None:
        """Adds a table, or a part of one below a title of its own, which is a caption."""
        page = piece.lines[0].page
        for text, box in zip(part.title, part.title_boxes, strict=True):
            start = self._begin()
            self._spans.append(Span(start, start + len(text), page, *self._shown(page, *box)))
            self._write(text)
            self._paragraphs.append(Paragraph(start, self._length, Role.CAPTION, piece.section))
        if part.title:
            self._before = None
            piece = replace(piece, title=" ".join([piece.title, *part.title]).strip())
        if own := next(filter(is_title, part.title), None):
            path = self._sections[piece.section]
            path = path[:-1] if path and is_title(path[-1]) else path
            self._sections.append((*path, own))
            piece = replace(piece, section=len(self._sections) - 1)
        self._add_table(piece, part.table)

    def _add_table(self, piece: _Piece, table: Table) -> None:
        page = piece.lines[0].page
        names = column_names(table)
        before, part, goes_on = self._before, None, False
        if before is not None and page - before[0] in {0, 1}:
            part = continued(table, *before[1:])
            goes_on = part is not None and len(table.rows[0]) == len(before[1].rows[0])
        table, names = part or (table, names)
        texts = row_texts(table, names, self._max_row_chars)
        section = piece.section
        if piece.caption:  # it is the innermost title
            self._sections.append((*self._sections[section], piece.caption))
            section = len(self._sections) - 1
        if self._summary is None or not goes_on:
            summary = TableSummary(self._title(piece), names)
            if self._summary is not None and part is not None:  # in other columns
                last = self._summary[1]
                summary = TableSummary(last.title, names, continues=last.statement)
            self._finish_table()
            self._summary = len(self._paragraphs), summary
            heading = f"{piece.caption}\n\n" if piece.caption else ""
            self._tables.append(heading + table_markdown(table))
        else:
            self._tables[-1] += "".join(f"\n{markdown_row(row)}" for row in table.rows)
        self._summary[1].add(table)
        for number, (row, box) in enumerate(zip(table.rows, table.boxes, strict=True)):
            start = self._begin()
            text = markdown_row([cell.replace("\n", " ") for cell in row])
            shown = self._shown(page, *box)
            self._spans.append(Span(self._length, self._length + len(text), page, *shown))
            if doubt := doubt_of(line for line in piece.lines if box[1] < (line.y0 + line.y1) / 2 < box[3]):
                self._doubts.append(Doubt(self._length, self._length + len(text), doubt))
            self._write(text)
            index = number - table.header_rows
            row_text = tuple(texts[index]) if index >= 0 else ()
            if number == 0 and len(table.rows) == table.header_rows:
                row_text = (" ".join(cell for cell in row if cell),)
            self._paragraphs.append(
                Paragraph(start, self._length, Role.TABLE, section, len(self._tables) - 1, row_text)
            )
        self._before = (page, table, names_by_row(table, names)[1])

    def _title(self, piece: _Piece) -> str:
        """The title of a table: what stands above it, its caption, and the title of its section if these have none."""
        above = piece.title
        caption = piece.caption if piece.caption not in above else ""
        section = self._sections[piece.section][-1:] if not caption else ()
        known = " ".join(part for part in (above, caption) if part)
        return " ".join([*(part for part in section if part.rstrip("…") not in known), known]).strip()

    def _finish_table(self) -> None:
        """Notes in the paragraphs of the last table what it is about, which is known when all its parts are read."""
        if self._summary is None:
            return
        first, summary = self._summary
        self._summary = None
        statement = summary.statement
        for number in range(first, len(self._paragraphs)):
            paragraph = self._paragraphs[number]
            if paragraph.table == len(self._tables) - 1:
                text = summary.text if number == first else ""
                self._paragraphs[number] = replace(paragraph, summary=text, statement=statement)
