"""Writes the pieces of a file into its running text, with the place of every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qa_engine.documents.blocks import (
    Doubt,
    Line,
    Page,
    Paragraph,
    Rect,
    Role,
    RunningText,
    Span,
    Table,
    on_shown_page,
)
from qa_engine.documents.pages.block_roles import REFERENCES
from qa_engine.documents.pages.lines.joining import doubt_of, line_end, word_counts
from qa_engine.documents.pages.tables.continuation import continued
from qa_engine.documents.pages.tables.row_texts import column_names, markdown_row, names_by_row, row_texts
from qa_engine.documents.pages.tables.row_texts import markdown as table_markdown
from qa_engine.documents.pages.tables.whole.statements import is_title
from qa_engine.documents.pages.tables.whole.summaries import TableSummary
from qa_engine.documents.pages.tables.whole.titles import TitledTable, titled_parts
from qa_engine.documents.text_flow.pieces import Piece, pieces_of, sections_of
from qa_engine.documents.text_flow.references import with_references

_NOTE = 40
"""Between two parts of a table there is no more text than this: its unit, or a mark that it goes on."""


def build_text(pages: Sequence[Page], body_size: float, max_row_chars: int = 400) -> RunningText:
    """The running text of a file.

    Args:
        pages: of one file; the roles of all blocks are set.
        body_size: font size of the body text in points.
        max_row_chars: a row of a table with more characters becomes several texts.
    """
    pieces = with_references(pieces_of(pages, body_size))
    sections = sections_of(pieces)
    return _TextBuilder(pages, pieces, sections, max_row_chars).result()


class _TextBuilder:
    """Writes pieces into one text, and records where each is on the pages."""

    def __init__(
        self,
        pages: Sequence[Page],
        pieces: Sequence[Piece],
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
        self._known: int | None = None
        """The number of the last table, if its source says it."""
        self._before: tuple[int, Table, list[str]] | None = None
        """The page and the table before, and the names of its columns, while nothing but a short note is between."""
        for piece in pieces:
            if piece.table is not None:
                parts = (
                    titled_parts(piece.table)
                    if piece.paragraph is None
                    else [TitledTable([], [], piece.table)]
                )
                for number, part in enumerate(parts):
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

    def _add_lines(self, piece: Piece) -> None:
        start = self._begin()
        for index, line in enumerate(piece.lines):
            following = piece.lines[index + 1].text if index + 1 < len(piece.lines) else None
            if piece.paragraph is not None:
                text = line.text if following is not None else line.text.rstrip()
            else:
                text = line.text if following is None else line_end(line.text, following, self._words)
            self._add_spans(line, len(text))
            if line.doubt:
                self._doubts.append(Doubt(self._length, self._length + len(text), line.doubt))
            self._write(text)
        self._paragraphs.append(Paragraph(start, self._length, piece.role, piece.section, label=piece.label))

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
        return on_shown_page(Rect(x0, y0, x1, y1), self._rotations.get(page))

    def _add_part(self, piece: Piece, part: TitledTable) -> None:
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

    def _add_table(self, piece: Piece, table: Table) -> None:
        page = piece.lines[0].page
        names = column_names(table)
        before, part, goes_on = self._before, None, False
        if piece.paragraph is not None:
            goes_on = piece.paragraph == self._known
            if goes_on and before is not None:
                part = table, before[2]
            self._known = piece.paragraph
        elif before is not None and page - before[0] in {0, 1}:
            part = continued(table, *before[1:])
            goes_on = part is not None and len(table.rows[0]) == len(before[1].rows[0])
        table, names = part or (table, names)
        texts = table.texts if table.texts is not None else row_texts(table, names, self._max_row_chars)
        section = piece.section
        if piece.caption:  # it is the innermost title
            path = self._sections[section]
            if path and REFERENCES.fullmatch(
                path[-1]
            ):  # it stands behind the list, and is none of its entries
                path = path[:-1]
            self._sections.append((*path, piece.caption))
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
                Paragraph(
                    start,
                    self._length,
                    Role.TABLE,
                    section,
                    len(self._tables) - 1,
                    row_text,
                    label=table.labels[number] if table.labels else "",
                )
            )
        self._before = (page, table, names_by_row(table, names)[1])

    def _title(self, piece: Piece) -> str:
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
