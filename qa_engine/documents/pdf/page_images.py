"""Draws single pages without marks, for whoever lays marks of their own over them: as SVG, or as PNG."""

from __future__ import annotations

import gzip
from importlib.metadata import version
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.opening import opened_pdf
from qa_engine.documents.pdf.rendering import page_of, page_pixmap

_REVISION = 1
"""To be raised when the functions of this module draw otherwise."""
_MAX_SVG_BYTES = 1_000_000
_GZIP_LEVEL = 4
"""A third of the time of 6, for a tenth more bytes."""
_SCANNED = 0.5
"""A page is a picture if pictures cover this share of it."""
_SHAPES = frozenset(
    {"svg", "g", "defs", "path", "rect", "use", "image", "clipPath", "mask", "pattern", "symbol", "filter"}
)
_FILTERS = frozenset(
    {"feColorMatrix", "feComponentTransfer", "feFuncR", "feFuncG", "feFuncB", "feFuncA", "feImage", "feBlend"}
)
_ELEMENTS = _SHAPES | _FILTERS
"""What MuPDF draws with: shapes and pictures. No text, no links, no styles and no scripts."""
_PLACES = ("#", "data:image/png;base64,", "data:image/jpeg;base64,")
"""What a reference may begin with."""


class PageDrawing(NamedTuple):
    """A page as shapes.

    Attributes:
        width, height: of the page as it is shown, in points: what `PageBox` counts in.
        svg: the page as SVG, compressed by gzip; None if a PNG serves better: for a scan, or a page of very many shapes.
    """

    width: float
    height: float
    svg: bytes | None


def renderer_version() -> str:
    """Names what draws: pages look the same as long as this is the same."""
    return f"{version('pymupdf')}-{_REVISION}"


def draw_page(path: Path, number: int, options: ReadingOptions) -> PageDrawing:
    """A page as SVG, in which text is outlines, so that no font is needed to show it.

    Args:
        path: of the PDF.
        number: of the page, from 1.
        options: passwords and the limit of the size.

    Raises:
        DocumentError: the file cannot be read, or has no such page.
    """
    with opened_pdf(path, options) as document:
        page = page_of(document, number, path)
        return PageDrawing(page.rect.width, page.rect.height, _compressed_svg(page))


def paint_page(path: Path, number: int, dpi: int, options: ReadingOptions) -> bytes:
    """A page as PNG.

    Args:
        path: of the PDF.
        number: of the page, from 1.
        dpi: resolution; lowered for a page that would have more than 25 megapixels.
        options: passwords and the limit of the size.

    Raises:
        DocumentError: the file cannot be read, or has no such page.
    """
    with opened_pdf(path, options) as document:
        pixmap, zoom = page_pixmap(page_of(document, number, path), dpi)
        pixmap.set_dpi(round(72 * zoom), round(72 * zoom))
        return bytes(pixmap.tobytes("png"))


def is_plain(svg: bytes) -> bool:
    """Whether SVG is well-formed, and holds nothing but shapes and the pictures that are in it.

    Browsers run no script of an SVG that is shown as an image. This is for whoever opens the image by itself, and for names
    in a document that its drawing repeats.
    """
    plain = True

    def check(name: str, attributes: dict[str, str]) -> None:
        nonlocal plain
        plain = plain and name in _ELEMENTS and all(starmap(_is_plain_attribute, attributes.items()))

    parser = ParserCreate()
    parser.StartElementHandler = check
    try:
        parser.Parse(svg, True)
    except ExpatError:
        return False
    return plain


def _compressed_svg(page: Any) -> bytes | None:
    if page.get_images() and _is_scan(page):
        return None
    svg = page.get_svg_image(text_as_path=True).encode()
    return gzip.compress(svg, _GZIP_LEVEL, mtime=0) if len(svg) <= _MAX_SVG_BYTES and is_plain(svg) else None


def _is_plain_attribute(name: str, value: str) -> bool:
    if name in {"href", "xlink:href"}:
        return value.startswith(_PLACES)
    return not name.lower().startswith("on") and ("url(" not in value or "url(#" in value)


def _is_scan(page: Any) -> bool:
    """Whether pictures cover much of a page."""
    area = sum(abs(page.rect & image["bbox"]) for image in page.get_image_info())
    return bool(area >= _SCANNED * abs(page.rect))
