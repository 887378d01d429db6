"""The text of a page recognised from its picture, with RapidOCR: an optional extra whose models come with its package."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

from qa_engine.documents.blocks import Line
from qa_engine.documents.page_lines import clean
from qa_engine.errors import ModelUnavailableError

INSTALL = "pip install 'qa-engine[ocr]'"
_PACKAGES = ("rapidocr", "onnxruntime", "cv2")
_MAX_PIXELS = 12_000_000
_MIN_PIXELS = 32
_SIZE = 0.78
"""Font size by the height of the box around a line. Measured on rendered text of 8 to 20 points: 0.74 to 0.83."""
_ODD = 0.5
_UPRIGHT = 0.5
"""From this share of lines taller than wide on, the page lies on its side."""
_UNSURE = 0.75
_CUT = re.compile(r"[。！？；!?;…]+[”’\"'）)」』】\]]* ?|\.[”’\"')\]]* ")
_recognising = Lock()


@dataclass(frozen=True)
class Recognition:
    """What was recognised on a page.

    Attributes:
        lines: from top to bottom and left to right, columns apart; their rectangles are those on the page when it is
            turned by ``turn``.
        confidence: mean of all characters, 0 to 1; 0 without lines.
        turn: degrees clockwise by which the page has to be turned for its text to run from left to right.
    """

    lines: list[Line] = field(default_factory=list)
    confidence: float = 0.0
    turn: int = 0


@dataclass(frozen=True)
class _Piece:
    """A line as it was found: its text, confidence, rectangle in pixels, and the left edge of each character."""

    text: str
    confidence: float
    x0: float
    y0: float
    x1: float
    y1: float
    edges: Sequence[float]


def ocr_available() -> bool:
    """Whether the extra is installed. Imports nothing."""
    return all(importlib.util.find_spec(package) is not None for package in _PACKAGES)


def recognise_page(page: Any, number: int, dpi: int = 200) -> Recognition:
    """The text of a page from its picture.

    A page whose text lies on its side or upside down is turned, and recognised again.

    Args:
        page: a ``pymupdf.Page``.
        number: its number, from 1.
        dpi: resolution; lowered for pages that would have more than 12 megapixels.

    Raises:
        ModelUnavailableError: the extra is not installed.
    """
    image, scale = _picture(page, dpi)
    if image is None:
        return Recognition()
    pieces, turns = _recognise(image), 0
    if _is_turned(pieces):
        tried = [(turn, _recognise(_turn(image, turn))) for turn in (1, 2, 3)]
        turns, pieces = max([(0, pieces), *tried], key=lambda item: _worth(item[1]))
    lines = [_line(piece, number, index, scale) for index, piece in enumerate(pieces)]
    characters = sum(len(piece.text) for piece in pieces)
    sure = sum(piece.confidence * len(piece.text) for piece in pieces)
    return Recognition(lines, sure / characters if characters else 0.0, -90 * turns % 360)


def _picture(page: Any, dpi: int) -> tuple[Any, float]:
    """The page as an array of pixels (blue, green, red), and the points of one pixel."""
    import numpy
    import pymupdf

    width, height = page.rect.width, page.rect.height
    zoom = min(dpi / 72, (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
    if min(width, height) * zoom < _MIN_PIXELS:
        return None, 1.0
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csRGB, alpha=False)
    pixels = numpy.frombuffer(pixmap.samples, numpy.uint8).reshape(pixmap.height, pixmap.width, 3)
    return numpy.ascontiguousarray(pixels[:, :, ::-1]), 1 / zoom


@lru_cache(maxsize=1)
def _engine() -> Any:
    if not ocr_available():
        raise ModelUnavailableError(f"OCR is not installed: {INSTALL}.")
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            # Its classifier turns single lines over; a page upside down has to be noticed.
            "Global.use_cls": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _recognise(image: Any) -> list[_Piece]:
    with _recognising:
        found = _engine()(image, return_word_box=True, return_single_char_box=True)
    if found.txts is None:
        return []
    pieces = []
    words = found.word_results or ((),) * len(found.txts)
    for text, score, box, characters in zip(found.txts, found.scores, found.boxes, words, strict=True):
        text = text.strip()
        if not clean(text) or (len(text) == 1 and score < _ODD):
            continue
        xs, ys = [float(point[0]) for point in box], [float(point[1]) for point in box]
        edges = [min(float(point[0]) for point in place) for _, _, place in characters or () if place]
        pieces.append(_Piece(text, float(score), min(xs), min(ys), max(xs), max(ys), edges))
    return pieces


def _is_turned(pieces: Sequence[_Piece]) -> bool:
    if not pieces:
        return False
    long = [piece for piece in pieces if len(piece.text) > 2] or list(pieces)
    upright = sum(1 for piece in long if piece.y1 - piece.y0 > piece.x1 - piece.x0)
    return upright > _UPRIGHT * len(long) or _worth(pieces) < _UNSURE * sum(len(p.text) for p in pieces)


def _worth(pieces: Sequence[_Piece]) -> float:
    """Characters that were recognised with confidence, in lines that lie as lines do."""
    return sum(
        piece.confidence * len(piece.text)
        for piece in pieces
        if len(piece.text) <= 2 or piece.x1 - piece.x0 > piece.y1 - piece.y0
    )


def _turn(image: Any, turns: int) -> Any:
    """The picture turned counterclockwise by so many right angles."""
    import numpy

    return numpy.ascontiguousarray(numpy.rot90(image, turns))


def _line(piece: _Piece, number: int, index: int, scale: float) -> Line:
    text = clean(piece.text)
    cuts: tuple[tuple[int, float], ...] = ()
    letters = [place for place, character in enumerate(text) if character != " "]
    if len(letters) == len(piece.edges):
        edges = dict(zip(letters, piece.edges, strict=True))
        ends = (match.end() for match in _CUT.finditer(text) if match.end() < len(text))
        cuts = tuple((end, edges[end] * scale) for end in ends if end in edges)
    box = (piece.x0 * scale, piece.y0 * scale, piece.x1 * scale, piece.y1 * scale)
    size = round((piece.y1 - piece.y0) * scale * _SIZE, 1)
    return Line(text, number, *box, size, index, cuts=cuts)
