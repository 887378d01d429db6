"""Renders pages as images with places marked on them, to look at a citation. The PDF is not changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Span
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.opening import opened_pdf
from qa_engine.errors import DocumentError

MARK = (255, 235, 90)
"""Red, green and blue of the mark; it is multiplied with the page, so that black stays black."""
_PADDING = 1.0
_MAX_PIXELS = 25_000_000


class PageBox(NamedTuple):
    """A rectangle on a page: the page from 1, then points from the top left corner of the page as it is shown."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


def boxes_between(spans: Sequence[Span], start: int | None, end: int | None) -> list[PageBox]:
    """The rectangles of the lines that characters ``start`` to ``end`` of a document stand on."""
    from qa_engine.documents.sentences.node_parser import lines_between

    lines = lines_between(spans, start or 0, end or 0)
    return [PageBox(line.page, line.x0, line.y0, line.x1, line.y1) for line in lines]


def render_boxes(
    path: Path, boxes: Sequence[PageBox], dpi: int = 110, options: ReadingOptions | None = None
) -> dict[int, bytes]:
    """Each page that the boxes are on, as a PNG with them marked.

    Args:
        path: of the PDF.
        boxes: the places to mark.
        dpi: resolution; lowered for pages that would have more than 25 megapixels.
        options: passwords and the limit of the size.

    Returns:
        PNG images by page number.

    Raises:
        DocumentError: the file cannot be read, or a page is not there.
    """
    images = {}
    with opened_pdf(path, options or ReadingOptions()) as document:
        for number in sorted({box.page for box in boxes}):
            here = [box for box in boxes if box.page == number]
            images[number] = _render(page_of(document, number, path), here, dpi)
    return images


def page_of(document: Any, number: int, path: Path) -> Any:
    """A page of an open document.

    Args:
        document: a ``pymupdf.Document``.
        number: of the page, from 1.
        path: of the file, for messages.

    Raises:
        DocumentError: there is no such page.
    """
    if not 1 <= number <= document.page_count:
        count = f"{document.page_count} pages, and no page {number}"
        raise DocumentError("damaged", f"{path.name} has {count}: it has changed, ingest it again.")
    return document[number - 1]


def page_pixmap(page: Any, dpi: int) -> tuple[Any, float]:
    """A page as pixels, and how many of them a point is: fewer than ``dpi`` says if the page is huge."""
    import pymupdf

    area = max(page.rect.width * page.rect.height, 1.0)
    zoom = min(dpi / 72, (_MAX_PIXELS / area) ** 0.5)
    return page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csRGB, alpha=False), zoom


def _render(page: Any, boxes: Sequence[PageBox], dpi: int) -> bytes:
    import numpy
    import pymupdf

    pixmap, zoom = page_pixmap(page, dpi)
    pixels = numpy.frombuffer(pixmap.samples, numpy.uint8).reshape(pixmap.height, pixmap.width, 3)
    marked = numpy.zeros(pixels.shape[:2], bool)
    for box in boxes:
        left, top = int((box.x0 - _PADDING) * zoom), int((box.y0 - _PADDING) * zoom)
        right, bottom = int((box.x1 + _PADDING) * zoom) + 1, int((box.y1 + _PADDING) * zoom) + 1
        marked[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    # All boxes at once, so that the mark is not darker where two overlap.
    shown = pixels.copy()
    shown[marked] = pixels[marked].astype(numpy.uint16) * numpy.array(MARK, numpy.uint16) // 255
    image = pymupdf.Pixmap(pymupdf.csRGB, pixmap.width, pixmap.height, shown.tobytes(), False)
    image.set_dpi(round(72 * zoom), round(72 * zoom))
    return bytes(image.tobytes("png"))
