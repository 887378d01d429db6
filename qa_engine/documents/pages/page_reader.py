"""Reads one page of a PDF: chooses between the text layer and OCR, and between the fast and the layout parser."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qa_engine.documents.blocks import Block, Line, Page, Role
from qa_engine.documents.pages.annotations.field_labels import field_blocks, in_order
from qa_engine.documents.pages.annotations.form_fields import FormField
from qa_engine.documents.pages.annotations.reading import read_annotations
from qa_engine.documents.pages.garbling import agreement, examine_text
from qa_engine.documents.pages.lines.doubts import ODD_PAGE
from qa_engine.documents.pages.lines.line_numbers import without_line_numbers
from qa_engine.documents.pages.lines.text_layer import PageLines, read_page_lines
from qa_engine.documents.pages.ocr import INSTALL, ocr_available, recognise_page
from qa_engine.documents.pages.parsers import directions, fast, layout, layout_model
from qa_engine.documents.pages.parsers.choice import PaintLog, layout_reason
from qa_engine.documents.pages.tables.rules import Rules
from qa_engine.documents.pages.tables.words import Word
from qa_engine.documents.pages.visibility.removal import Shown

logger = logging.getLogger("qa_engine.documents")

Matrix = tuple[float, float, float, float, float, float]
ParserChoice = Literal["auto", "fast", "layout"]
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
_MANY_PATHS = 5000
_FORM = 0.25
"""Share of filled fields on a page from which on its rules are those of a form, and not of a table."""


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
        renditions: the folder that keeps the renditions of files that are no PDF; empty to keep the last ones in memory.
        max_unpacked_megabytes: archives, such as Office files, with a larger content are refused.
        libreoffice: the program or its path; empty to look for it.
        timeout_seconds, memory_megabytes: limits of what is run for a file beside the process that reads it.
        converters: names of converters of the user, see `qa_engine.documents.renditions.converters`.
    """

    parser: ParserChoice = "auto"
    ocr: OcrChoice = "auto"
    ocr_dpi: int = 200
    max_megabytes: int = 500
    passwords: tuple[str, ...] = ()
    max_row_chars: int = 400
    renditions: str = ""
    max_unpacked_megabytes: int = 1000
    libreoffice: str = ""
    timeout_seconds: float = 120
    memory_megabytes: int = 2048
    converters: tuple[str, ...] = ()


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
        result.left_out += dict.fromkeys(source.shown.left_out)  # a tiled watermark once
        result.places += source.shown.places
        result.doubts[:0] = source.shown.doubts
        source.lines, numbers = without_line_numbers(source.lines)
        if numbers:
            result.left_out.append(("line_number", f"{numbers[0]}–{numbers[-1]}"))
        lines = source.lines
        if result.suspect:
            for line in lines:
                line.doubt = line.doubt or ODD_PAGE
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
        for block in left_out:
            result.leave_out("turned", block)
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
        boxes = layout_model.find_boxes(page)
    except Exception as error:  # noqa: BLE001 - nobody has tried the model on all pages
        logger.warning("Page %d is read by the fast parser: the layout model failed.", result.number)
        result.doubts.append(f"the layout model failed ({type(error).__name__})")
        return fast.build_blocks(lines, width, height)
    result.parser = "layout"
    blocks = layout.build_blocks(lines, boxes, words, width, height, lambda: _rules(page, shown.log))
    for doubt in dict.fromkeys(block.table.doubt for block in blocks if block.table is not None):
        if doubt:
            result.doubts.insert(0, doubt)  # the last one tells why a page is suspect
    for block in blocks:
        if result.ocr and block.role is Role.FIGURE and len(block.lines) < _CHART:
            block.role = Role.BODY
    return blocks


def _rules(page: Any, log: PaintLog | None) -> Rules:
    """The rules of a page; none of a drawing with very many paths. ``log`` is as for `layout_reason`."""
    paths = sum(1 for kind, _ in (page.get_bboxlog() if log is None else log) if "path" in kind)
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
