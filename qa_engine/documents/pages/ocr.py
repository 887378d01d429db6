"""The text of a page recognised from its picture, with RapidOCR: an optional extra whose models come with its package."""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from qa_engine.documents.blocks import Line
from qa_engine.documents.line_joining import rows_of
from qa_engine.documents.pages.page_lines import CUT, clean, count_han
from qa_engine.errors import ModelUnavailableError

INSTALL = "pip install 'qa-engine[ocr]'"
_PACKAGES = ("rapidocr", "onnxruntime", "cv2")
_MODELS = {"Det": "PP-OCRv6_det_small.onnx", "Rec": "PP-OCRv6_rec_small.onnx"}
_MAX_PIXELS = 3_000_000
"""A page of A4 at 176 dpi. Measured in address space over five scans: 1.5 GB more than before the first, 1.8 GB with 4
megapixels; 2.4 GB with A4 at 300 dpi, which is more than a process that parses has by default."""
_MIN_PIXELS = 32
_UNBOUNDED = 1_000_000
_HAN_SIZE, _LATIN_SIZE = 0.83, 0.77
"""Font size by the height of the box around a line, measured on rendered text of 7 to 20 points at 200 dpi: 0.72 to 0.91
for Chinese (small characters have wider margins), 0.72 to 0.83 for Helvetica and Times."""
_ODD, _FRAGMENT = 0.5, 6
"""A line of so little confidence and so few characters is a mark in a chart: all 17 such lines in five scans were."""
_UPRIGHT = 0.5
"""From this share of lines taller than wide on, the page lies on its side."""
_UNSURE = 0.75
"""Mean confidence of a page that may lie wrong. Measured: 0.56 to 0.72 for pages upside down, 0.98 for others."""
_SAME_LINE = 0.5
_GAP = 0.6
"""Pieces this near, by the height of their boxes, are one line. In five scans pieces of a line lay up to 0.67 apart, and
columns from 0.9 on; columns that are joined do more harm than pieces that are not."""
_NARROW = 0.55
"""Width of a character that is not full-width, by that of one that is."""
_recognising = Lock()


@dataclass(frozen=True)
class Recognition:
    """What was recognised on a page.

    Attributes:
        lines: from top to bottom and left to right, columns apart, each a block of its own; last those that run upwards
            or downwards. Their rectangles are in points from the top left corner of the page as it is shown, turned by
            ``turn``.
        confidence: mean of all characters, 0 to 1; 0 without lines.
        turn: degrees clockwise by which the page as it is shown has to be turned for its text to run from left to right.
    """

    lines: list[Line] = field(default_factory=list)
    confidence: float = 0.0
    turn: int = 0


@dataclass(frozen=True)
class _Piece:
    """A line or a part of one: text, confidence, rectangle and thickness in pixels, left edges of all but blanks."""

    text: str
    confidence: float
    x0: float
    y0: float
    x1: float
    y1: float
    height: float
    edges: Sequence[float]

    @property
    def is_upright(self) -> bool:
        return len(self.text) > 2 and self.y1 - self.y0 > self.x1 - self.x0


def ocr_available() -> bool:
    """Whether the extra is installed. Imports nothing."""
    return all(importlib.util.find_spec(package) is not None for package in _PACKAGES)


def recognise_page(page: Any, number: int, dpi: int = 200) -> Recognition:
    """The text of a page from its picture, with the small models of PP-OCRv6; nothing is downloaded.

    A page whose text lies on its side or upside down is turned, and recognised a second time.

    Measured on a two-column Chinese article (7 scanned pages, one thread): 96 to 97% of its sentences are found at 150, 200
    and 300 dpi alike. Recognising the lines is most of the 7 to 10 seconds of a page.

    Args:
        page: a ``pymupdf.Page``.
        number: its number, from 1.
        dpi: resolution; lowered for pages that would have more than 3 megapixels, A4 from 176 dpi on.

    Raises:
        ModelUnavailableError: the extra is not installed, or its package has not the models in it.
        RuntimeError: the page could not be recognised; a `MemoryError` where memory was lacking.
    """
    image, scale = _picture(page, dpi)
    if image is None:
        return Recognition()
    pieces, turn = _recognise(image), 0
    other = _likely_turn(pieces)
    if other:
        import numpy

        turned = _recognise(numpy.ascontiguousarray(numpy.rot90(image, -other // 90)))
        if _worth(turned) > _worth(pieces):
            pieces, turn = turned, other
    pieces = [piece for piece in pieces if piece.confidence >= _ODD or len(piece.text) > _FRAGMENT]
    lying = [_line(piece, number, scale) for piece in _joined([p for p in pieces if not p.is_upright])]
    upright = [_line(piece, number, scale) for piece in pieces if piece.is_upright]
    lines = [line for row in rows_of(lying) for line in row] + upright
    for index, line in enumerate(lines):
        line.block = index
    return Recognition(lines, _confidence(pieces) if lines else 0.0, turn)


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
    import rapidocr

    # A model that is named by its path is neither looked up nor downloaded.
    folder = Path(rapidocr.__file__).parent / "models"
    models = {f"{part}.model_path": str(folder / name) for part, name in _MODELS.items()}
    missing = [name for name in _MODELS.values() if not (folder / name).is_file()]
    if missing:
        raise ModelUnavailableError(f"The installed rapidocr has no {missing[0]} in it: {INSTALL}.")
    return rapidocr.RapidOCR(
        params={
            **models,
            "Global.log_level": "critical",
            # Its classifier turns single lines over; a page upside down has to be noticed.
            "Global.use_cls": False,
            "Global.text_score": 0.0,
            # The picture is as large as it can be: shrunk, it loses small print, and padded or enlarged as the defaults
            # do with strips, it may take gigabytes.
            "Global.max_side_len": _UNBOUNDED,
            "Global.use_vertical_padding": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _UNBOUNDED,
            # Measured with one thread: 18% less time than in batches of 6, which are padded to their widest line.
            "Rec.rec_batch_num": 1,
            # One thread computes in the one that calls: none is there to wait for work.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _recognise(image: Any) -> list[_Piece]:
    with _recognising:
        engine = _engine()
        import cv2

        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # one a processor would each take address space
        try:
            found = engine(image, return_word_box=True, return_single_char_box=True)
        except Exception as error:
            if isinstance(error, MemoryError) or "alloc" in str(error):
                raise MemoryError("OCR needs more memory") from error
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise RuntimeError(f"OCR failed: {reason}") from error
        finally:
            cv2.setNumThreads(threads)
    if found.txts is None:
        return []
    words = found.word_results if len(found.word_results) == len(found.txts) else ((),) * len(found.txts)
    results = zip(found.txts, found.scores, found.boxes.tolist(), words, strict=True)
    return [_piece(*result) for result in results if clean(result[0])]


def _piece(text: str, confidence: float, box: Sequence[Sequence[float]], letters: Sequence[Any]) -> _Piece:
    """A result of RapidOCR: its box has four corners, clockwise from the top left."""
    text = text.strip()
    xs, ys = [corner[0] for corner in box], [corner[1] for corner in box]
    left, top = (box[3][0] - box[0][0], box[3][1] - box[0][1]), (box[1][0] - box[0][0], box[1][1] - box[0][1])
    sides = [(x * x + y * y) ** 0.5 for x, y in (left, top)]
    x0, x1 = min(xs), max(xs)
    upright = len(text) > 2 and sides[0] > sides[1]
    height = sides[1] if upright else sides[0]
    edges = [float(min(corner[0] for corner in place)) for _, _, place in letters]
    if len(edges) != len(text) - text.count(" "):
        edges = _even_edges(text, x0, x1)
    elif not upright and len(text) > 2:
        # A box may reach across the gutter to the next column; the last character does not.
        advance = (edges[-1] - edges[0]) / (len(text) - 1)
        x1 = min(x1, edges[-1] + (height if _is_wide(text[-1]) else 1.2 * advance))
    return _Piece(text, float(confidence), x0, min(ys), x1, max(ys), height, edges)


def _even_edges(text: str, x0: float, x1: float) -> list[float]:
    """Where the characters begin if all of a kind are of one width."""
    edges, passed = [], 0.0
    for character in text:
        if character != " ":
            edges.append(passed)
        passed += 1.0 if _is_wide(character) else _NARROW
    return [x0 + edge * (x1 - x0) / passed for edge in edges]


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _confidence(pieces: Sequence[_Piece]) -> float:
    characters = sum(len(piece.text) for piece in pieces)
    return sum(piece.confidence * len(piece.text) for piece in pieces) / characters if characters else 0.0


def _worth(pieces: Sequence[_Piece]) -> float:
    """Characters that were recognised with confidence, in lines that lie as lines do."""
    lying = [piece for piece in pieces if not piece.is_upright]
    return sum(max(piece.confidence - _ODD, 0.0) * len(piece.text) for piece in lying)


def _likely_turn(pieces: Sequence[_Piece]) -> int:
    """Degrees clockwise by which the page probably has to be turned; 0 if it lies as it should.

    RapidOCR reads a line that is taller than wide as if it ran downwards. Confidence says whether it does.
    """
    long = [piece for piece in pieces if len(piece.text) > 2] or list(pieces)
    upright = [piece for piece in long if piece.is_upright]
    if len(upright) > _UPRIGHT * len(long):
        return 270 if _confidence(upright) >= _UNSURE else 90
    return 180 if pieces and _confidence(pieces) < _UNSURE else 0


def _joined(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces with those put together that stand next to each other on one baseline."""
    lines: list[_Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.x0):
        place = next((place for place, line in enumerate(lines) if _continues(line, piece)), None)
        if place is None:
            lines.append(piece)
            continue
        line = lines[place]
        wide = _is_wide(line.text[-1]) or _is_wide(piece.text[0])
        lines[place] = replace(
            line,
            text=line.text + ("" if wide else " ") + piece.text,
            y0=min(line.y0, piece.y0),
            x1=max(line.x1, piece.x1),
            y1=max(line.y1, piece.y1),
            height=max(line.height, piece.height),
            edges=[*line.edges, *piece.edges],
        )
    return lines


def _continues(line: _Piece, piece: _Piece) -> bool:
    lower = min(line.height, piece.height)
    beside = min(line.y1, piece.y1) - max(line.y0, piece.y0) > _SAME_LINE * max(line.height, piece.height)
    return beside and -_SAME_LINE * lower <= piece.x0 - line.x1 <= _GAP * lower


def _line(piece: _Piece, number: int, scale: float) -> Line:
    text = clean(piece.text)
    cuts: tuple[tuple[int, float], ...] = ()
    if not piece.is_upright:
        letters = [place for place, character in enumerate(text) if character != " "]
        same = len(letters) == len(piece.edges)
        edges = piece.edges if same else _even_edges(text, piece.x0, piece.x1)
        begins = dict(zip(letters, edges, strict=True))
        ends = [match.end() for match in CUT.finditer(text)]
        cuts = tuple((end, begins[end] * scale) for end in ends if end in begins)
    box = (piece.x0 * scale, piece.y0 * scale, piece.x1 * scale, piece.y1 * scale)
    share = _HAN_SIZE if count_han(text) else _LATIN_SIZE
    return Line(text, number, *box, round(piece.height * scale * share, 1), 0, cuts=cuts)
