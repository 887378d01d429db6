"""Tables drawn with PyMuPDF, as words and rules: cells over rows and columns, borders as programs draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import pymupdf

from qa_engine.documents.blocks import Rect, Table
from qa_engine.documents.pages.tables.row_texts import row_texts
from qa_engine.documents.pages.tables.rules import Rules
from qa_engine.documents.pages.tables.table import build_table
from qa_engine.documents.pages.tables.words import Word

LEFT, TOP, WIDE, HIGH, SIZE = 72.0, 100.0, 100.0, 24.0, 10.0
Borders = Literal["lines", "thin boxes", "cells", "none"]
Place = Literal["top", "middle", "bottom"]


class Cell(NamedTuple):
    """A cell over several rows or columns; ``None`` in a row stands for what such a cell covers."""

    text: str
    rows: int = 1
    columns: int = 1


Row = Sequence["str | Cell | None"]


def drawn(
    rows: Sequence[Row], borders: Borders = "lines", place: Place = "middle", shaded: bool = False
) -> Any:
    """A page with a table, as an open document."""
    document = pymupdf.open()
    page = document.new_page()
    for number, row in enumerate(rows):
        if shaded and number % 2:
            width = WIDE * len(row)
            band = (LEFT, TOP + HIGH * number, LEFT + width, TOP + HIGH * (number + 1))
            page.draw_rect(band, color=None, fill=(0.9, 0.9, 0.95))
        for column, item in enumerate(row):
            if item is None:
                continue
            cell = item if isinstance(item, Cell) else Cell(item)
            x0, y0 = LEFT + WIDE * column, TOP + HIGH * number
            x1, y1 = x0 + WIDE * cell.columns, y0 + HIGH * cell.rows
            _border(page, borders, x0, y0, x1, y1)
            lines = cell.text.split("\n")
            height = 1.2 * SIZE * len(lines)
            y = {"top": y0 + 6, "middle": (y0 + y1 - height) / 2, "bottom": y1 - 6 - height}[place]
            for index, line in enumerate(lines):
                font = "helv" if line.isascii() else "china-s"
                page.insert_text((x0 + 8, y + SIZE + 1.2 * SIZE * index), line, fontsize=SIZE, fontname=font)
    return pymupdf.open(stream=document.tobytes(), filetype="pdf")


def _border(page: Any, borders: Borders, x0: float, y0: float, x1: float, y1: float) -> None:
    edges = ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1))
    if borders == "cells":
        page.draw_rect((x0, y0, x1, y1), width=0.5)
    for left, top, right, bottom in edges if borders in {"lines", "thin boxes"} else ():
        if borders == "lines":
            page.draw_line((left, top), (right, bottom), width=0.5)
        else:
            page.draw_rect((left, top, right + 0.5, bottom + 0.5), color=None, fill=(0, 0, 0))


def read(document: Any, model_rows: Sequence[float] = (), model_columns: Sequence[float] = ()) -> Table:
    """The table on the first page of a document; with edges of rows and columns if no rules give them."""
    page = document[0]
    words = [Word(*word[:5]) for word in page.get_text("words")]
    rect = Rect(
        min(w.x0 for w in words), min(w.y0 for w in words), max(w.x1 for w in words), max(w.y1 for w in words)
    )
    table = build_table(rect, model_rows, model_columns, words, Rules.from_drawings(page.get_cdrawings()))
    assert table is not None
    return table


def said(table: Table) -> list[str]:
    """What the rows say, one text each."""
    return ["|".join(pieces) for pieces in row_texts(table)]


def edges(count: int, start: float, step: float) -> list[float]:
    """Equal intervals, as the layout model gives them."""
    return [start + step * number for number in range(count + 1)]
