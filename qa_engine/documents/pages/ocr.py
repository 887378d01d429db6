"""Recognises the text of a page from its image, with RapidOCR: an optional extra, whose models come with its package."""

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
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.documents.pages.lines.doubts import UNSURE
from qa_engine.documents.pages.lines.joining import rows_of
from qa_engine.documents.pages.lines.text_layer import CUT
from qa_engine.errors import ModelUnavailableError
from qa_engine.models.runtime.onnx_runtime import telemetry_disabled

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
"""A line of less confidence and at most so many characters is a mark in a chart: all 17 such lines in five scans were."""
_UPRIGHT = 0.5
"""From this share of lines taller than wide on, the page lies on its side."""
_UNSURE = 0.75
"""Mean confidence below which a page may be upside down. Measured: 0.56 to 0.72 for pages upside down, 0.98 for others."""
_UNSURE_LINE = 0.8
"""Confidence below which a line is doubtful. Measured: 0.97 and more for scans of print, in the mean."""
_SAME_LINE = 0.5
"""Pieces that overlap by this share of their height may be one line."""
_GAP = 0.6
"""Pieces this near, by the height of their boxes, are one line. In five scans pieces of a line lay up to 0.67 apart, and
columns from 0.9 on; columns that are joined do more harm than pieces that are not."""
_NARROW = 0.55
"""Width of a character that is not full-width, by that of one that is."""
_engine_lock = Lock()


@dataclass(frozen=True)
class Recognition:
    """The text that was recognised on a page.

    Attributes:
        lines: from top to bottom and left to right, columns apart, each a block of its own; last those that run upwards
            or downwards. Their rectangles are in points from the top left corner of the page as it is shown, turned by
            ``rotation``.
        confidence: mean of all characters, 0 to 1; 0 without lines.
        rotation: degrees clockwise by which the page as it is shown has to be turned so that its text runs from left to
            right.
    """

    lines: list[Line] = field(default_factory=list)
    confidence: float = 0.0
    rotation: int = 0


@dataclass(frozen=True)
class _Piece:
    """A line or a part of one: text, confidence, rectangle and height in pixels, left edges of the characters but blanks."""

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
    """The text of a page from its image, with the small models of PP-OCRv6; nothing is downloaded.

    A page whose text lies on its side or upside down is turned, and recognised a second time.

    Measured on a two-column Chinese article (7 scanned pages, one thread): 96 to 97% of its sentences are recognised at
    150, 200 and 300 dpi alike. Most of the 7 to 10 seconds of a page goes into recognising its lines.

    Args:
        page: a ``pymupdf.Page``.
        number: its number, from 1.
        dpi: resolution; lowered for pages that would have more than 3 megapixels, A4 from 176 dpi on.

    Raises:
        ModelUnavailableError: the extra is not installed, or its package has no models in it.
        RuntimeError: the page could not be recognised.
        MemoryError: memory was lacking.
    """
    image, scale = _image(page, dpi)
    if image is None:
        return Recognition()
    pieces, rotation = _recognise(image), 0
    other = _likely_rotation(pieces)
    if other:
        import numpy

        rotated = _recognise(numpy.ascontiguousarray(numpy.rot90(image, -other // 90)))
        if _legibility(rotated) > _legibility(pieces):
            pieces, rotation = rotated, other
    pieces = [piece for piece in pieces if piece.confidence >= _ODD or len(piece.text) > _FRAGMENT]
    lying = [_line(piece, number, scale) for piece in _join([p for p in pieces if not p.is_upright])]
    upright = [_line(piece, number, scale) for piece in pieces if piece.is_upright]
    lines = [line for row in rows_of(lying) for line in row] + upright
    for index, line in enumerate(lines):
        line.block = index
    return Recognition(lines, _confidence(pieces) if lines else 0.0, rotation)


def _image(page: Any, dpi: int) -> tuple[Any, float]:
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
    with telemetry_disabled():
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
            # Its classifier would turn single lines; we want to notice that the page is upside down.
            "Global.use_cls": False,
            "Global.text_score": 0.0,
            # The image is as large as it can be. Made smaller, it loses small print; padded or enlarged, as strips are by
            # default, it may take gigabytes.
            "Global.max_side_len": _UNBOUNDED,
            "Global.use_vertical_padding": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _UNBOUNDED,
            # Measured with one thread: 18% less time than batches of 6, which are padded to their widest line.
            "Rec.rec_batch_num": 1,
            # With one thread, it computes in the thread of the caller, and none waits for work.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _recognise(image: Any) -> list[_Piece]:
    with _engine_lock:
        engine = _engine()
        import cv2

        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # one a processor would each take address space
        try:
            output = engine(image, return_word_box=True, return_single_char_box=True)
        except Exception as error:
            if isinstance(error, MemoryError) or "alloc" in str(error):
                raise MemoryError("OCR needs more memory") from error
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise RuntimeError(f"OCR failed: {reason}") from error
        finally:
            cv2.setNumThreads(threads)
    if output.txts is None:
        return []
    words = output.word_results if len(output.word_results) == len(output.txts) else ((),) * len(output.txts)
    results = zip(output.txts, output.scores, output.boxes.tolist(), words, strict=True)
    return [_piece(*result) for result in results if clean(result[0])]


def _piece(text: str, confidence: float, box: Sequence[Sequence[float]], letters: Sequence[Any]) -> _Piece:
    """A piece from a result of RapidOCR, whose box has four corners, clockwise from the top left."""
    text = text.strip()
    xs, ys = [corner[0] for corner in box], [corner[1] for corner in box]
    left, top = (box[3][0] - box[0][0], box[3][1] - box[0][1]), (box[1][0] - box[0][0], box[1][1] - box[0][1])
    sides = [(x * x + y * y) ** 0.5 for x, y in (left, top)]
    x0, x1 = min(xs), max(xs)
    upright = len(text) > 2 and sides[0] > sides[1]
    height = sides[1] if upright else sides[0]
    edges = [float(min(corner[0] for corner in corners)) for _, _, corners in letters]
    if len(edges) != len(text) - text.count(" "):
        edges = _even_edges(text, x0, x1)
    elif not upright and len(text) > 2:
        # A box may reach across the gutter to the next column; the last character does not.
        advance = (edges[-1] - edges[0]) / (len(text) - 1)
        x1 = min(x1, edges[-1] + (height if _is_wide(text[-1]) else 1.2 * advance))
    return _Piece(text, float(confidence), x0, min(ys), x1, max(ys), height, edges)


def _even_edges(text: str, x0: float, x1: float) -> list[float]:
    """Where the characters begin if all full-width ones have one width, and all others another."""
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


def _legibility(pieces: Sequence[_Piece]) -> float:
    """How much text was recognised with confidence, in lines that are wider than tall."""
    lying = [piece for piece in pieces if not piece.is_upright]
    return sum(max(piece.confidence - _ODD, 0.0) * len(piece.text) for piece in lying)


def _likely_rotation(pieces: Sequence[_Piece]) -> int:
    """Degrees clockwise by which the page probably has to be turned; 0 if its text runs from left to right.

    RapidOCR reads a line that is taller than wide as if it ran downwards. The confidence tells whether it does.
    """
    long = [piece for piece in pieces if len(piece.text) > 2] or list(pieces)
    upright = [piece for piece in long if piece.is_upright]
    if len(upright) > _UPRIGHT * len(long):
        return 270 if _confidence(upright) >= _UNSURE else 90
    return 180 if pieces and _confidence(pieces) < _UNSURE else 0


def _join(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Joins the pieces that stand next to each other on one baseline."""
    lines: list[_Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.x0):
        index = next((index for index, line in enumerate(lines) if _continues(line, piece)), None)
        if index is None:
            lines.append(piece)
            continue
        line = lines[index]
        wide = _is_wide(line.text[-1]) or _is_wide(piece.text[0])
        lines[index] = replace(
            line,
            text=line.text + ("" if wide else " ") + piece.text,
            confidence=min(line.confidence, piece.confidence),
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
        letters = [index for index, character in enumerate(text) if character != " "]
        edges = piece.edges if len(letters) == len(piece.edges) else _even_edges(text, piece.x0, piece.x1)
        begins = dict(zip(letters, edges, strict=True))
        ends = [match.end() for match in CUT.finditer(text)]
        cuts = tuple((end, begins[end] * scale) for end in ends if end in begins)
    box = (piece.x0 * scale, piece.y0 * scale, piece.x1 * scale, piece.y1 * scale)
    doubt = UNSURE if piece.confidence < _UNSURE_LINE else ""
    share = _HAN_SIZE if count_han(text) else _LATIN_SIZE
    return Line(text, number, *box, round(piece.height * scale * share, 1), 0, cuts=cuts, doubt=doubt)
