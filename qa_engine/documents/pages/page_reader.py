"""One page of a PDF in, its blocks out: by the fast or the layout parser, from the text layer or by OCR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from qa_engine.documents.block_roles import is_contents
from qa_engine.documents.blocks import Block, Line, Page, Role
from qa_engine.documents.line_joining import joined, rows_of
from qa_engine.documents.pages import fast as fast_page
from qa_engine.documents.pages import layout as layout_page
from qa_engine.documents.pages.fast import CELL_GAP, MAX_PIECES
from qa_engine.documents.pages.garbling import agreement, examine_text
from qa_engine.documents.pages.ocr import INSTALL, ocr_available, recognise_page
from qa_engine.documents.pages.page_lines import PageLines, read_page_lines
from qa_engine.documents.pages.reading_order import Rect, columns
from qa_engine.documents.pages.tables import Word

_TABLE_ROWS = 3
_PAIR_ROWS = 6
"""Rows of two pieces that make a list of keys and values; fewer are headings with their numbers."""
_SHORT = 4
_SHORT_SHARE = 0.3
_MIN_SHORT = 12
"""From this number and share of all on, pieces of fewer than four characters are formulas or the labels of a drawing."""
_FIGURE = 0.02
_BACKGROUND = 0.85
"""Pictures between these shares of the page are figures; a larger one is a background or a scan."""
_RULES = 3
_PATHS = 40


def layout_reason(page: Any, pieces: Sequence[Line], width: float, height: float) -> str | None:
    """What on a page needs the layout model, or None if geometry does.

    Args:
        page: a ``pymupdf.Page``.
        pieces: of its lines.
        width, height: of the page in points.
    """
    if len(pieces) > MAX_PIECES:
        return "drawing"
    if columns([Rect(piece.x0, piece.y0, piece.x1, piece.y1) for piece in pieces], width, height):
        return "columns"
    rows = rows_of(pieces)
    if is_contents([joined(row) for row in rows]):
        return None
    short = sum(1 for piece in pieces if len(piece.text) < _SHORT)
    if short >= _MIN_SHORT and short > _SHORT_SHARE * len(pieces):
        return "formulas"
    if _is_tabular(rows):
        return "table"
    return _graphics(page, width * height)


def _is_tabular(rows: Sequence[Sequence[Line]]) -> bool:
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


def _graphics(page: Any, area: float) -> str | None:
    paths = rules = 0
    for kind, (x0, y0, x1, y1) in page.get_bboxlog():
        if "image" in kind or "shade" in kind:
            if _FIGURE < abs((x1 - x0) * (y1 - y0)) / area < _BACKGROUND:
                return "figure"
        elif "path" in kind:
            paths += 1
            rules += abs(y1 - y0) < 2 and abs(x1 - x0) > 100
    if paths > _PATHS:
        return "drawing"
    return "table" if rules >= _RULES else None


ParserChoice = Literal["auto", "fast", "layout"]
OcrChoice = Literal["auto", "never", "always"]
GARBLED, NO_TEXT, SUSPECT = "garbled", "no_text", "suspect"
_AGREEMENT = 0.6
"""From this share of common pairs of letters on, OCR bears a text layer out. Measured: 0.9 and more, or 0.1 and less."""
_TURNS = {(1, 0): 0, (0, -1): 90, (-1, 0): 180, (0, 1): 270}
"""Degrees clockwise by which a page is turned for its text to run from left to right."""
_MIN_CONFIDENCE, _NO_CONFIDENCE = 0.9, 0.7
"""Mean confidence below which what OCR gives is doubtful, or no text. Measured: 0.97 and more for scans of print, 0.56 to
0.72 for pages that lie upside down, 0.65 for one of signs that are no letters."""
_CHART = 6
"""A figure in a scan with fewer lines is taken for text."""
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


def read_page(page: Any, number: int, options: PageOptions, trusted: bool = False) -> Page:
    """The blocks of a page in reading order.

    Args:
        page: a ``pymupdf.Page``; a page that has to be turned for reading stays so in memory.
        number: its number, from 1.
        options: how to read it.
        trusted: whether OCR has borne out text of this file that reads like none, so that more of it is believed.
    """
    source = read_page_lines(page, number)
    label = page.get_label() or None
    problem, doubts = _problem(page, source)
    if problem == SUSPECT and trusted:
        problem, doubts = None, []
    found = Page(number, 0.0, 0.0, "fast", label=label, doubts=doubts)
    lines = None
    if problem is not None or options.ocr == "always":
        lines = _recognise(page, number, options, problem, source.raw, found)
    if lines is None and problem in {None, SUSPECT}:
        found.turn = _turn(page, _TURNS.get(source.direction, 0))
        lines = source.lines if source.direction == (1, 0) else read_page_lines(page, number).lines
    found.width, found.height = page.rect.width, page.rect.height
    if lines:
        found.blocks = _blocks(page, lines, options, found)
    return found


def _turn(page: Any, degrees: int) -> Matrix | None:
    """Turns the contents of a page clockwise, and returns the way back to the page as it was shown; None if it is that.

    PyMuPDF gives text in the space of the page before its own rotation is applied, and so are ``degrees``.
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
    """Why the text layer of a page is of no use, or None; and what is doubtful about it."""
    if not source.raw.strip():
        return (NO_TEXT if _shows_something(page) else None), []
    verdict = examine_text(source.raw)
    if verdict.readable:
        return None, list(verdict.doubts)
    return (GARBLED if verdict.certain else SUSPECT), list(verdict.doubts)


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
    page: Any, number: int, options: PageOptions, problem: str | None, raw: str, found: Page
) -> list[Line] | None:
    """The lines of a page by OCR; None if there is none, or if it bears the text layer out."""
    if options.ocr == "never" or not ocr_available():
        if problem is not None:
            found.doubts.append(_without_ocr(problem, options))
            found.suspect = problem == SUSPECT
            found.unread = None if found.suspect else problem
        return None
    recognition = recognise_page(page, number, options.ocr_dpi)
    if problem == SUSPECT and options.ocr != "always":
        seen = "\n".join(line.text for line in recognition.lines)
        found.borne_out = agreement(raw, seen) >= _AGREEMENT
        if found.borne_out or not recognition.lines:
            return None
    if recognition.confidence < _NO_CONFIDENCE:
        if problem is not None:
            # A photograph, or nothing: there is no text to miss, but for a text layer that was thrown away.
            found.unread = problem if problem == GARBLED else None
            found.doubts.append("OCR found no text that it is sure of")
        return None
    # The picture is the page as it is shown, so that is where its turn begins.
    found.turn = _turn(page, (page.rotation + recognition.turn) % 360)
    found.ocr = True
    if recognition.confidence < _MIN_CONFIDENCE:
        found.doubts.append(f"OCR is unsure (mean confidence {recognition.confidence:.2f})")
    return recognition.lines


def _without_ocr(problem: str, options: PageOptions) -> str:
    way = "documents.ocr is never" if options.ocr == "never" else INSTALL
    what = {
        NO_TEXT: "has no text layer and needs OCR",
        GARBLED: "has a text layer that cannot be read and needs OCR",
        SUSPECT: "has text that reads like none, and OCR could tell",
    }
    return f"{what[problem]} ({way})"


def _blocks(page: Any, lines: list[Line], options: PageOptions, found: Page) -> list[Block]:
    width, height = found.width, found.height
    if options.parser == "fast":
        return fast_page.build_blocks(lines, width, height)
    if options.parser == "auto" and not found.ocr and layout_reason(page, lines, width, height) is None:
        return fast_page.build_blocks(lines, width, height)
    from qa_engine.documents.pages.layout import find_boxes

    if found.ocr:
        _write_recognised(page, lines)
        words = [Word(line.x0, line.y0, line.x1, line.y1, line.text) for line in lines]
    else:
        words = [Word(*word[:5]) for word in page.get_text("words")]
    try:
        boxes = find_boxes(page)
    except Exception as error:  # noqa: BLE001 - the model meets pages that nobody has tried it on
        found.doubts.append(f"the layout model failed ({type(error).__name__})")
        return fast_page.build_blocks(lines, width, height)
    found.parser = "layout"
    blocks = layout_page.build_blocks(lines, boxes, words, width, height)
    for block in blocks:
        if found.ocr and block.role is Role.FIGURE and len(block.lines) < _CHART:
            block.role = Role.BODY  # all of a scan is a picture to the model
    return blocks


def _write_recognised(page: Any, lines: list[Line]) -> None:
    """Puts recognised text onto the page in memory, unseen, since the layout model looks at text, too."""
    import pymupdf

    for line in lines:
        font = "helv" if line.text.isascii() else "china-s"
        length = pymupdf.get_text_length(line.text, fontname=font, fontsize=1) or 1
        size = max((line.x1 - line.x0) / length, 1)
        origin = (line.x0, line.y1 - 0.15 * line.size)
        page.insert_text(origin, line.text, fontname=font, fontsize=size, render_mode=3)
