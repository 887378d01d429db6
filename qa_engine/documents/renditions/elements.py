"""What files that are no PDF consist of, in the order in which it is read: headings, paragraphs and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qa_engine.documents.blocks import Role


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what it says.
        columns, rows: how many of them it reaches over.
    """

    text: str
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True)
class ElementTable:
    """A table.

    Attributes:
        rows: its rows from the top, each with the cells that begin in it, from the left.
        header_rows: how many rows at the top name the columns.
    """

    rows: Sequence[Sequence[Cell]]
    header_rows: int = 1


@dataclass(frozen=True)
class Element:
    """A heading, a paragraph, an entry of a list, a table, or a picture.

    Attributes:
        role: what it is.
        text: what it says, with its line breaks if ``preformatted``; of a table nothing.
        level: of a heading, from 1, the outermost, or 0 if it is not known; of an entry of a list, how deep it is, from 1.
        table: its cells, if it is a table.
        preformatted: whether its line breaks and blanks are kept, as of program code.
        image: bytes of a picture (PNG or JPEG) that is shown in its place; its text is not shown then.
        label: what people call its place, if that is not the page.
    """

    role: Role
    text: str = ""
    level: int = 0
    table: ElementTable | None = None
    preformatted: bool = False
    image: bytes | None = None
    label: str = ""


@dataclass
class Content:
    """What a file consists of.

    Attributes:
        elements: in the order in which they are read.
        title, author, created: what its metadata say of it; ``created`` as in ``2024-03-05``.
        left_out: role and text of what is not read, such as ``("hidden", "…")``; roles as of `PageReport.left_out`.
        doubts: what may be wrong with the text, one clause each.
    """

    elements: list[Element] = field(default_factory=list)
    title: str = ""
    author: str = ""
    created: str = ""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def grid_of(table: ElementTable) -> tuple[list[list[str]], dict[tuple[int, int], int]]:
    """The texts of all rows, of the same length, and which cells reach over several columns, as `Table.wide` has them.

    A cell over several rows is in each of them, one over several columns in the first of these, or in each if it names
    columns.
    """
    rows: list[dict[int, str]] = [{} for _ in table.rows]
    taken: set[tuple[int, int]] = set()
    wide: dict[tuple[int, int], int] = {}
    width = 0
    for number, row in enumerate(table.rows):
        column = 0
        for cell in row:
            while (number, column) in taken:
                column += 1
            last = column + cell.columns - 1
            for below in range(number, min(number + cell.rows, len(rows))):
                taken.update((below, other) for other in range(column, last + 1))
                names = below < table.header_rows
                for other in range(column, (last if names else column) + 1):
                    rows[below][other] = cell.text
                if not names and last > column:
                    wide[below, column] = last
            column = last + 1
            width = max(width, column)
    return [[row.get(column, "") for column in range(width)] for row in rows], wide
