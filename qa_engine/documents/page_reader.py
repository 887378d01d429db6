"""One page of a PDF in, its blocks out: by the fast or the layout parser, from the text layer or by OCR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from qa_engine.documents import fast_page, layout_page
from qa_engine.documents.blocks import Block, Line, Page
from qa_engine.documents.garbling import examine_text
from qa_engine.documents.ocr import INSTALL, ocr_available, recognise_page
from qa_engine.documents.page_choice import layout_reason
from qa_engine.documents.page_lines import PageLines, read_page_lines
from qa_engine.documents.table_cells import Word

ParserChoice = Literal["auto", "fast", "layout"]
OcrChoice = Literal["auto", "never", "always"]
GARBLED, NO_TEXT = "garbled", "no_text"
_TURNS = {(1, 0): 0, (0, -1): 90, (-1, 0): 180, (0, 1): 270}
"""Degrees clockwise by which a page is turned for its text to run from left to right."""
_MIN_CONFIDENCE = 0.8
Matrix = tuple[float, float, float, float, float, float]
_INK = 0.01
"""Share of the page that pictures cover on a page that may need OCR."""


@dataclass(frozen=True)
class PageOptions:
    """How pages are read.

    Attributes:
        parser: ``fast``, ``layout``, or ``auto`` for what each page needs.
        ocr: ``auto`` for pages without a usable text layer, ``never``, or ``always``.
        ocr_dpi: resolution in which pages are recognised.
    """

    parser: ParserChoice = "auto"
    ocr: OcrChoice = "auto"
    ocr_dpi: int = 200


def read_page(page: Any, number: int, options: PageOptions) -> Page:
    """The blocks of a page in reading order.

    Args:
        page: a ``pymupdf.Page``.
        number: its number, from 1.
        options: how to read it.
    """
    rotation = page.rotation
    try:
        return _read(page, number, options)
    finally:
        if page.rotation != rotation:
            page.set_rotation(rotation)


def _read(page: Any, number: int, options: PageOptions) -> Page:
    source = read_page_lines(page, number)
    turn = None
    if source.direction != (1, 0):
        source, turn = _turned(page, number, source)
    found = Page(number, page.rect.width, page.rect.height, "fast", turn=turn)
    found.label = page.get_label() or None
    lines = source.lines
    problem = _problem(page, source, found)
    if problem is not None or options.ocr == "always":
        recognised = _recognise(page, number, options, problem, found)
        if recognised is not None:
            lines = recognised
        elif problem is not None:
            lines = []
    if lines:
        found.blocks = _blocks(page, lines, options, found)
    return found


def _turned(page: Any, number: int, source: PageLines) -> tuple[PageLines, Matrix | None]:
    """The lines of a page turned so that its text runs from left to right, and the way back to the page as shown."""
    degrees = _TURNS.get(source.direction)
    if not degrees or not page.parent.is_pdf:
        return source, None
    back = _turn(page, degrees)
    return read_page_lines(page, number), back


def _turn(page: Any, degrees: int) -> Matrix:
    """Turns a page clockwise, and returns the way back to the page as it was shown before."""
    shown = page.rotation_matrix
    page.set_rotation((page.rotation + degrees) % 360)
    back = page.derotation_matrix * shown
    return back.a, back.b, back.c, back.d, back.e, back.f


def _problem(page: Any, source: PageLines, found: Page) -> str | None:
    """Why the text layer of a page is of no use, or None. Doubts are noted."""
    if not source.raw.strip():
        return NO_TEXT if _shows_something(page) else None
    verdict = examine_text(source.raw)
    found.doubts.extend(verdict.doubts)
    return None if verdict.readable else GARBLED


def _shows_something(page: Any) -> bool:
    """Whether there are pictures or drawings on a page that may hold text."""
    area = max(page.rect.width * page.rect.height, 1.0)
    paths = 0
    for kind, (x0, y0, x1, y1) in page.get_bboxlog():
        if "image" in kind and abs((x1 - x0) * (y1 - y0)) > _INK * area:
            return True
        paths += "path" in kind
    return paths > 30  # letters may be drawn as outlines


def _recognise(
    page: Any, number: int, options: PageOptions, problem: str | None, found: Page
) -> list[Line] | None:
    """The lines of a page by OCR, or None; then the page says why it is not read."""
    if options.ocr == "never" or not ocr_available():
        if problem is not None:
            found.unread = problem
            way = "documents.ocr is never" if options.ocr == "never" else INSTALL
            what = "has no text layer" if problem == NO_TEXT else "has a text layer that cannot be read"
            found.doubts.append(f"{what} and needs OCR ({way})")
        return None
    recognition = recognise_page(page, number, options.ocr_dpi)
    if not recognition.lines:
        if problem is not None:
            # A photograph, or nothing: there is no text to miss, but for a text layer that was thrown away.
            found.unread = problem if problem == GARBLED else None
            found.doubts.append("OCR found no text")
        return None
    if recognition.turn:
        found.turn = _turn(page, recognition.turn)
        found.width, found.height = page.rect.width, page.rect.height
    found.ocr = True
    if recognition.confidence < _MIN_CONFIDENCE:
        found.doubts.append(f"OCR is unsure (mean confidence {recognition.confidence:.2f})")
    return recognition.lines


def _blocks(page: Any, lines: list[Line], options: PageOptions, found: Page) -> list[Block]:
    width, height = found.width, found.height
    if options.parser == "fast":
        return fast_page.build_blocks(lines, width, height)
    if options.parser == "auto" and not found.ocr and layout_reason(page, lines, width, height) is None:
        return fast_page.build_blocks(lines, width, height)
    from qa_engine.documents.layout_model import find_boxes

    if found.ocr:
        _write_recognised(page, lines, found)
        words = [Word(line.x0, line.y0, line.x1, line.y1, line.text) for line in lines]
    else:
        words = [Word(*word[:5]) for word in page.get_text("words")]
    try:
        boxes = find_boxes(page)
    except Exception as error:  # noqa: BLE001 - the model meets pages that nobody has tried it on
        found.doubts.append(f"the layout model failed ({type(error).__name__})")
        return fast_page.build_blocks(lines, width, height)
    found.parser = "layout"
    return layout_page.build_blocks(lines, boxes, words, width, height)


def _write_recognised(page: Any, lines: list[Line], found: Page) -> None:
    """Puts recognised text onto the page in memory, unseen, since the layout model looks at text, too."""
    import pymupdf

    to_page = page.derotation_matrix
    for line in lines:
        origin = pymupdf.Point(line.x0, line.y1 - 0.15 * line.size) * to_page
        font = "helv" if line.text.isascii() else "china-s"
        length = pymupdf.get_text_length(line.text, fontname=font, fontsize=1) or 1
        size = max((line.x1 - line.x0) / length, 1)
        page.insert_text(origin, line.text, fontname=font, fontsize=size, render_mode=3, rotate=page.rotation)
