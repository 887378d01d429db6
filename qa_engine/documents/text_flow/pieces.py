"""Joins the blocks of a file to paragraphs and tables, across lines, columns and pages.

Captions, footnotes, tables, formulas and figures between two halves of a paragraph are moved behind it, so that the
sentence around them stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Page, Role, Table
from qa_engine.documents.pages.block_roles import (
    LIST_ITEM,
    PAGE_AT_END,
    TERMINAL,
    Heading,
    section_paths,
    title,
)
from qa_engine.documents.pages.lines.joining import grouped
from qa_engine.documents.pages.lines.paragraphs import continues_paragraph
from qa_engine.text.one_line import one_line

_TITLE_LINES, _TITLE_LINE = 5, 120
"""The title of a table is in so many paragraphs above it at most, each of at most so many characters."""
_PROSE = frozenset({Role.BODY, Role.LIST})
_TITLE_ROLES = frozenset({Role.BODY, Role.HEADING, Role.CAPTION})
_LEFT_OUT = HEADERS_FOOTERS | {Role.FIGURE}


@dataclass
class Piece:
    """A paragraph that is being put together: lines, or a table."""

    role: Role
    lines: list[Line]
    table: Table | None = None
    section: int = 0
    caption: str = ""
    title: str = ""
    paragraph: int | None = None
    level: int = 0
    label: str = ""

    @property
    def text(self) -> str:
        """Its lines, with a blank between them."""
        return " ".join(line.text for line in self.lines)


def pieces_of(pages: Sequence[Page], body_size: float) -> list[Piece]:
    """The paragraphs and tables of a file in the order of its running text."""
    pieces: list[Piece] = []
    deferred: list[Piece] = []
    current: list[Line] = []
    role = Role.BODY

    def close() -> None:
        nonlocal current, deferred
        if current:
            pieces.append(Piece(role, current))
        pieces.extend(deferred)
        current, deferred = [], []

    for page in pages:
        for block in page.blocks:
            if block.role in _LEFT_OUT:
                continue
            if block.paragraph is not None:
                close()
                _add_known(pieces, block)
                continue
            if block.role in {Role.HEADING, Role.FIELD}:
                close()
                pieces.append(Piece(block.role, block.lines))
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


def _add_known(pieces: list[Piece], block: Block) -> None:
    """Adds a block whose paragraph is known: to the piece before if it goes on there. Parts of a table stay apart."""
    last = pieces[-1] if pieces else None
    if last is not None and last.paragraph == block.paragraph and block.table is None:
        last.lines = [*last.lines, *block.lines]
    else:
        pieces.append(
            Piece(
                block.role,
                list(block.lines),
                block.table,
                paragraph=block.paragraph,
                level=block.level,
                label=block.label,
            )
        )


def _separate_pieces(block: Block) -> list[Piece]:
    """The pieces of a block that is no prose: a table, a formula, contents, a caption, or footnotes, one piece each."""
    if block.role in {Role.AUTHORS, Role.FORMULA}:
        return [Piece(block.role, block.lines)]
    if block.role is Role.CONTENTS:  # an entry may have several lines; the last one ends with the page
        return [
            Piece(block.role, part)
            for part in grouped(block.lines, lambda part, _: not PAGE_AT_END.search(part[-1].text))
        ]
    if block.role is Role.TABLE:
        if block.table is not None:
            return [Piece(Role.TABLE, block.lines, block.table)]
        return [Piece(Role.TABLE, [line]) for line in block.lines]

    def continues(part: list[Line], line: Line) -> bool:
        return not TERMINAL.search(part[-1].text) or line.x0 > block.lines[0].x0 + 1

    return [Piece(block.role, part) for part in grouped(block.lines, continues)]


def sections_of(pieces: Sequence[Piece]) -> list[tuple[str, ...]]:
    """The paths of the sections. Sets the section of each piece, and the captions of tables."""
    headings = [
        Heading(one_line(piece.text), piece.lines[0].size, piece.lines[0].bold, piece.level)
        for piece in pieces
        if piece.role is Role.HEADING
    ]
    section = 0
    taken: set[int] = set()
    for index, piece in enumerate(pieces):
        if piece.role is Role.HEADING:
            section += 1
        piece.section = section
        if piece.role is Role.TABLE:
            for place in (index - 1, index + 1):
                # A caption between two tables is that of the first, if that one has no other above it.
                if piece.caption or place in taken or not 0 <= place < len(pieces):
                    continue
                neighbour = pieces[place]
                if neighbour.role is Role.CAPTION and neighbour.lines[-1].page == piece.lines[0].page:
                    piece.caption = title(neighbour.text)
                    taken.add(place)
            piece.title = _title_above(pieces, index)
    return [(), *section_paths(headings)]


def _title_above(pieces: Sequence[Piece], index: int) -> str:
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
