"""The text of single pages as it is drawn, line by line: what is selected and copied from the image of a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from qa_engine.documents.pages.lines.cleaning import clean
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pages.visibility.examination import read_shown_text
from qa_engine.documents.pdf.opening import opened_pdf
from qa_engine.documents.pdf.rendering import page_of

PAGE_TEXT_REVISION = 1
"""To be raised when the functions of this module read otherwise."""


class DrawnLine(NamedTuple):
    """A line of a page as it is shown.

    Attributes:
        text: without characters that nobody sees.
        x0, y0, x1, y1: its rectangle, in points from the top left corner of the page.
        turn: the direction of the text, in degrees clockwise: 0 from left to right, 90 downwards, 180, or 270 upwards.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    turn: int


def read_drawn_lines(path: Path, number: int, options: ReadingOptions) -> list[DrawnLine]:
    """The lines that a page shows, in the order of the file; none for a scan without a text layer.

    Args:
        path: of the PDF.
        number: of the page, from 1.
        options: passwords and the limit of the size.

    Raises:
        DocumentError: the file cannot be read, or has no such page.
    """
    with opened_pdf(path, options) as document:
        import pymupdf

        page = page_of(document, number, path)
        shown = read_shown_text(page, pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP)
        lines = [line for block in shown.blocks for line in block["lines"] if line["spans"]]
        # PyMuPDF gives the places of text on the page without its rotation.
        return [drawn for line in lines if (drawn := _drawn(line, page.rotation_matrix)).text]


def _drawn(line: dict[str, Any], rotation: Any) -> DrawnLine:
    import pymupdf

    text = clean("".join(span["text"] for span in line["spans"]))
    x0, y0, x1, y1 = (round(value, 2) for value in pymupdf.Rect(line["bbox"]) * rotation)
    across, down = line["dir"]
    across, down = rotation.a * across + rotation.c * down, rotation.b * across + rotation.d * down
    turn = round(math.degrees(math.atan2(down, across)) / 90) * 90 % 360
    return DrawnLine(text, x0, y0, x1, y1, turn)
