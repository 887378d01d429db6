"""Reads one page of a PDF: chooses between the text layer and OCR, and between the fast and the layout parser."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from qa_engine.documents.blocks import Block, Line, Page, Role
from qa_engine.documents.pages.annotations.field_labels import field_blocks, in_order
from qa_engine.documents.pages.annotations.form_fields import FormField
from qa_engine.documents.pages.annotations.reading import read_annotations
from qa_engine.documents.pages.block_roles import is_contents
from qa_engine.documents.pages.garbling import agreement, examine_text
from qa_engine.documents.pages.lines.joining import bounds, join_pieces, rows_of
from qa_engine.documents.pages.lines.line_numbers import without_line_numbers
from qa_engine.documents.pages.lines.text_layer import PageLines, read_page_lines
from qa_engine.documents.pages.ocr import INSTALL, ocr_available, recognise_page
from qa_engine.documents.pages.parsers import directions, fast, layout
from qa_engine.documents.pages.parsers.fast import CELL_GAP, MAX_PIECES
from qa_engine.documents.pages.reading_order import columns
from qa_engine.documents.pages.tables.rules import Rules
from qa_engine.documents.pages.tables.words import Word
from qa_engine.documents.pages.visibility.removal import Shown

logger = logging.getLogger("qa_engine.documents")

Box = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float, float, float]
ParserChoice = Literal["auto", "fast", "layout"]
PaintLog = Sequence[tuple[str, tuple[float, float, float, float]]]
OcrChoice = Literal["auto", "never", "always"]
GARBLED, NO_TEXT, SUSPECT = "garbled", "no_text", "suspect"
_AGREEMENT = 0.6
"""Share of common pairs of letters from which on OCR confirms a text layer. Measured: 0.9 and more, or 0.1 and less."""
_ROTATIONS = {(1, 0): 0, (0, -1): 90, (-1, 0): 180, (0, 1): 270}
"""Degrees clockwise by which a page is rotated so that text of this direction runs from left to right."""
_MIN_CONFIDENCE, _NO_CONFIDENCE = 0.9, 0.7
"""Mean confidence of OCR below which its text is doubtful, or no text. Measured: 0.97 and more for scans of print, 0.56 to
0.72 for pages that are upside down, 0.65 for one of symbols that are no letters."""
_CHART = 6
"""A figure in a scan with fewer lines becomes text: to the layout model, a whole scan is a picture."""
_INK = 0.01
"""Share of a page from which on an image on it may be text that needs OCR."""
_OUTLINES = 30
"""More paths than this may be letters drawn as outlines."""
_TABLE_ROWS = 3
_PAIR_ROWS = 6
"""So many rows of two pieces are a list of keys and values; fewer are headings with their numbers."""
_SHORT = 4
_SHORT_SHARE = 0.3
_MIN_SHORT = 12
"""From this number and share of all on, pieces of fewer than four characters are formulas or the labels of a drawing."""
_FIGURE = 0.02
_BACKGROUND = 0.85
"""Images between these shares of the page are figures; a larger one is a background or a scan."""
_RULES = 3
"""So many long horizontal lines make a table."""
_RULE, _CELL = 3.0, 8.0
"""A path that is thinner than this and longer than that, in points, may be a border of a cell; one without, a cell."""
_CELLS = 6
_MANY_PATHS = 5000
_FORM = 0.25
"""Share of filled fields on a page from which on its rules are those of a form, and not of a table."""
_PATHS = 40
"""More paths than this make a drawing."""


@dataclass(frozen=True)
class ReadingOptions:
    """How a file and its pages are read.

    Attributes:
        parser: ``fast``, ``layout``, or ``auto`` to choose for each page.
        ocr: ``auto`` for pages without a usable text layer, ``never``, or ``always``.
        ocr_dpi: resolution in which pages are recognised.
        max_megabytes: larger files are refused.
        passwords: tried in turn on files that are locked.
        max_row_chars: a row of a table with more characters becomes several texts.
    """

    parser: ParserChoice = "auto"
    ocr: OcrChoice = "auto"
    ocr_dpi: int = 200
    max_megabytes: int = 500
    passwords: tuple[str, ...] = ()
    max_row_chars: int = 400


def read_page(page: Any, number: int, options: ReadingOptions, trusted: bool = False) -> Page:
    """The blocks of a page in reading order.

    Args:
        page: a ``pymupdf.Page``. One that is rotated for reading stays rotated in memory.
        number: its number, from 1.
        options: how to read it.
        trusted: whether OCR has confirmed text of this file that looks like no language, so that more of it is believed.
    """
    annotations = read_annotations(page, number)
    source = read_page_lines(page, number)
    label = page.get_label() or None
    problem, doubts = _problem(page, source)
    if problem == SUSPECT and trusted:
        problem, doubts = None, []
    result = Page(number, 0.0, 0.0, "fast", label=label, doubts=[*annotations.doubts, *doubts])
    lines = vertical = None
    if problem is not None or options.ocr == "always":
        lines = _recognise(page, number, options, problem, source.raw, result)
    if lines is None and problem in {None, SUSPECT}:
        result.rotation = _rotate(page, _ROTATIONS.get(source.direction, 0))
        source = source if source.direction == (1, 0) else read_page_lines(page, number)
        result.left_out += source.shown.left_out
        result.doubts[:0] = source.shown.doubts
        source.lines, numbers = without_line_numbers(source.lines)
        if numbers:
            result.left_out.append(("line_number", f"{numbers[0]}–{numbers[-1]}"))
        lines = source.lines
        vertical = directions.vertical_columns(lines, source.turned)
    annotations.move(result.rotation)
    result.width, result.height = page.rect.width, page.rect.height
    if vertical is not None:
        result.blocks = directions.vertical_blocks(vertical, result.width, result.height)
    elif lines or annotations.fields:
        result.blocks = _blocks_with_fields(
            page, lines or [], annotations.fields, options, result, source.shown
        )
    if lines is source.lines:
        turned = source.turned if vertical is None else vertical.turned
        result.turned, left_out = directions.read_turned(turned, result.width, result.height)
        result.left_out += [("turned", text) for text in left_out]
        if vertical is None and directions.may_be_vertical(lines, result.blocks):
            result.doubts.append("some of its text may be vertical, and is read in rows")
    result.notes = annotations.notes
    result.left_out += annotations.files
    return result


def _blocks_with_fields(
    page: Any, lines: list[Line], fields: list[FormField], options: ReadingOptions, result: Page, shown: Shown
) -> list[Block]:
    """The blocks of a page and its filled fields."""
    if not any(field.filled for field in fields):
        return _blocks(page, lines, options, result, shown) if lines else []
    words = _words(lines) if result.ocr else _shown_words(page, shown)
    lines, filled = field_blocks(lines, words, fields, result.number)
    if options.parser == "auto" and len(filled) > _FORM * (len(filled) + len(lines)):
        blocks = fast.build_blocks(lines, result.width, result.height)
    else:
        blocks = _blocks(page, lines, options, result, shown) if lines else []
    return in_order(blocks, filled, result.width, result.height)


def _words(lines: Sequence[Line]) -> list[Word]:
    """Recognised lines as words."""
    return [Word(line.x0, line.y0, line.x1, line.y1, line.text) for line in lines]


def _shown_words(page: Any, shown: Shown) -> list[Word]:
    return [Word(*word) for word in shown.visible_words(page.get_text("words"))]


def _rotate(page: Any, degrees: int) -> Matrix | None:
    """Rotates the contents of a page clockwise.

    Args:
        page: a ``pymupdf.Page``.
        degrees: from the page without its own rotation, as the places that PyMuPDF gives for text are.

    Returns:
        The matrix from there back to the page as it was shown; None if the two are the same.
    """
    if not degrees and not page.rotation:
        return None
    shown = page.rotation_matrix
    page.set_rotation(degrees)
    back = page.derotation_matrix * shown
    if degrees:
        page.remove_rotation()
    return back.a, back.b, back.c, back.d, back.e, back.f


def _problem(page: Any, source: PageLines) -> tuple[str | None, list[str]]:
    """Why the text layer of a page cannot be used, or None; and the doubts about it."""
    if not source.raw.strip():
        return (NO_TEXT if _has_graphics(page) else None), []
    verdict = examine_text(source.raw)
    if verdict.readable:
        return None, list(verdict.doubts)
    return (GARBLED if verdict.certain else SUSPECT), list(verdict.doubts)


def _has_graphics(page: Any) -> bool:
    """Whether images or drawings on a page may hold text."""
    area = max(page.rect.width * page.rect.height, 1.0)
    paths = 0
    for kind, (x0, y0, x1, y1) in page.get_bboxlog():
        if "image" in kind and abs((x1 - x0) * (y1 - y0)) > _INK * area:
            return True
        paths += "path" in kind
    return paths > _OUTLINES


def _recognise(
    page: Any, number: int, options: ReadingOptions, problem: str | None, raw: str, result: Page
) -> list[Line] | None:
    """The lines of a page by OCR; None if there are none, or if OCR confirms the text layer."""
    if options.ocr == "never" or not ocr_available():
        if problem is not None:
            result.doubts.append(_without_ocr(problem, options))
            result.suspect = problem == SUSPECT
            result.unread = None if result.suspect else problem
        return None
    recognition = recognise_page(page, number, options.ocr_dpi)
    if problem == SUSPECT and options.ocr != "always":
        text = "\n".join(line.text for line in recognition.lines)
        result.confirmed_by_ocr = agreement(raw, text) >= _AGREEMENT
        if result.confirmed_by_ocr or not recognition.lines:
            return None
    if recognition.confidence < _NO_CONFIDENCE:
        if problem is not None:
            # The image is a photograph, or empty: no text is missing, unless there was a text layer.
            result.unread = problem if problem == GARBLED else None
            result.doubts.append("OCR found no text that it is sure of")
        return None
    # OCR saw the page as it is shown, so its rotation comes on top of that of the page.
    result.rotation = _rotate(page, (page.rotation + recognition.rotation) % 360)
    result.ocr = True
    if recognition.confidence < _MIN_CONFIDENCE:
        result.doubts.append(f"OCR is unsure (mean confidence {recognition.confidence:.2f})")
    return recognition.lines


def _without_ocr(problem: str, options: ReadingOptions) -> str:
    """The doubt about a page that OCR would have read."""
    way = "documents.ocr is never" if options.ocr == "never" else INSTALL
    what = {
        NO_TEXT: "has no text layer and needs OCR",
        GARBLED: "has a text layer that cannot be read and needs OCR",
        SUSPECT: "has text that reads like none, and OCR could tell",
    }
    return f"{what[problem]} ({way})"


def _blocks(page: Any, lines: list[Line], options: ReadingOptions, result: Page, shown: Shown) -> list[Block]:
    width, height = result.width, result.height
    if options.parser == "fast":
        return fast.build_blocks(lines, width, height)
    if options.parser == "auto" and not result.ocr and layout_reason(page, lines, shown.log) is None:
        return fast.build_blocks(lines, width, height)
    if result.ocr:
        _write_text_layer(page, lines)
        words = _words(lines)
    else:
        words = _shown_words(page, shown)
    try:
        boxes = layout.find_boxes(page)
    except Exception as error:  # noqa: BLE001 - nobody has tried the model on all pages
        logger.warning("Page %d is read by the fast parser: the layout model failed.", result.number)
        result.doubts.append(f"the layout model failed ({type(error).__name__})")
        return fast.build_blocks(lines, width, height)
    result.parser = "layout"
    blocks = layout.build_blocks(lines, boxes, words, width, height, lambda: _rules(page))
    for doubt in dict.fromkeys(block.table.doubt for block in blocks if block.table is not None):
        if doubt:
            result.doubts.insert(0, doubt)  # the last one tells why a page is suspect
    for block in blocks:
        if result.ocr and block.role is Role.FIGURE and len(block.lines) < _CHART:
            block.role = Role.BODY
    return blocks


def _rules(page: Any) -> Rules:
    """The rules of a page; none of a drawing with very many paths."""
    paths = sum(1 for kind, _ in page.get_bboxlog() if "path" in kind)
    return Rules.from_drawings(page.get_cdrawings()) if paths < _MANY_PATHS else Rules()


def _write_text_layer(page: Any, lines: list[Line]) -> None:
    """Puts recognised text onto the page in memory, invisibly: the layout model looks at the text layer, too."""
    import pymupdf

    for line in lines:
        font = "helv" if line.text.isascii() else "china-s"
        length = pymupdf.get_text_length(line.text, fontname=font, fontsize=1) or 1
        size = max((line.x1 - line.x0) / length, 1)
        origin = (line.x0, line.y1 - 0.15 * line.size)
        page.insert_text(origin, line.text, fontname=font, fontsize=size, render_mode=3)


def layout_reason(page: Any, pieces: Sequence[Line], log: PaintLog | None = None) -> str | None:
    """What on a ``pymupdf.Page`` with these pieces of lines needs the layout model; None if the fast parser is enough.

    ``log`` is its ``get_bboxlog()``, if that was already read.
    """
    width, height = page.rect.width, page.rect.height
    if len(pieces) > MAX_PIECES:
        return "drawing"
    if columns([bounds([piece]) for piece in pieces], width, height):
        return "columns"
    rows = rows_of(pieces)
    if is_contents([join_pieces(row) for row in rows]):
        return None
    short = sum(1 for piece in pieces if len(piece.text) < _SHORT)
    if short >= _MIN_SHORT and short > _SHORT_SHARE * len(pieces):
        return "formulas"
    if _is_tabular(rows):
        return "table"
    return _graphics(page, width * height, rows, page.get_bboxlog() if log is None else log)


def _is_tabular(rows: Sequence[Sequence[Line]]) -> bool:
    """Whether enough rows have wide gaps between their pieces."""
    several = pairs = 0
    for row in rows:
        gaps = sum(
            1
            for left, right in pairwise(row)
            if right.x0 - left.x1 > CELL_GAP * left.size and not left.text.endswith("…")
        )
        several += gaps >= 2
        pairs += gaps == 1
    return several >= _TABLE_ROWS or several + pairs >= _PAIR_ROWS


def _graphics(page: Any, area: float, rows: Sequence[Sequence[Line]], log: PaintLog) -> str | None:
    """The images or drawings on a page that need the layout model, if there are any."""
    paths = rules = levels = uprights = 0
    boxes: list[Box] = []
    for kind, (x0, y0, x1, y1) in log:
        if "image" in kind or "shade" in kind:
            if _FIGURE < abs((x1 - x0) * (y1 - y0)) / area < _BACKGROUND:
                return "figure"
        elif "path" in kind:
            paths += 1
            width, height = abs(x1 - x0), abs(y1 - y0)
            rules += height < 2 and width > 100
            levels += height < _RULE < _CELL < width
            uprights += width < _RULE < _CELL < height
            if width > _CELL < height:
                boxes.append((x0, y0, x1, y1))
    if paths > _PATHS:
        return "drawing"
    if rules >= _RULES or (levels >= _RULES and uprights >= _RULES):
        return "table"
    return "table" if boxes and _are_cells(boxes, rows) else None


def _are_cells(boxes: Sequence[Box], rows: Sequence[Sequence[Line]]) -> bool:
    """Whether boxes beside each other are the cells of a table, or one holds rows of several pieces, as a grid does."""
    beside = sum(
        1
        for number, one in enumerate(boxes[1:])
        if abs(one[0] - boxes[number][2]) < _RULE and abs(one[1] - boxes[number][1]) < _RULE
    )
    if len(boxes) >= _CELLS and beside >= _RULES:
        return True
    return any(
        sum(
            1
            for row in rows
            if sum(1 for piece in row if x0 < piece.x0 and piece.x1 < x1 and y0 < piece.y0 and piece.y1 < y1)
            > 1
        )
        > 1
        for x0, y0, x1, y1 in boxes
    )
