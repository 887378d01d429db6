"""Pages as SVG and PNG: what is drawn, what serves better as PNG, and what an SVG must not hold."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from numpy.typing import NDArray
from pdf_factory import LEFT, PdfBuilder, broken_pdf, image_only_pdf, locked_pdf

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.page_images import draw_page, is_plain, paint_page
from qa_engine.errors import DocumentError

OPTIONS = ReadingOptions()
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def svg_of(path: Path, number: int = 1) -> str:
    compressed = draw_page(path, number, OPTIONS).svg
    assert compressed is not None
    return gzip.decompress(compressed).decode()


def ink(pixmap: pymupdf.Pixmap) -> NDArray[np.bool_]:
    """Where the pixels are dark."""
    pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, pixmap.n)
    return np.asarray(pixels[:, :, :3].max(axis=2) < 100)


@pytest.mark.parametrize(
    ("rotation", "crop"),
    [(0, None), (90, None), (180, None), (0, (50, 60, 400, 500)), (270, (50, 60, 400, 500))],
)
def test_drawing_and_painting_have_their_ink_in_the_same_places(
    rotation: int, crop: tuple[int, ...] | None, tmp_path: Path
) -> None:
    path = PdfBuilder().page().put("One line of text.", LEFT, 100).save(tmp_path / "a.pdf")
    with pymupdf.open(path) as document:
        if crop is not None:
            document[0].set_cropbox(pymupdf.Rect(crop))
        document[0].set_rotation(rotation)
        document.saveIncr()
        shown = document[0].rect
    drawing = draw_page(path, 1, OPTIONS)
    assert (drawing.width, drawing.height) == (shown.width, shown.height)
    painted = pymupdf.Pixmap(paint_page(path, 1, 72, OPTIONS))
    assert (painted.width, painted.height) == (round(shown.width), round(shown.height))
    with pymupdf.open(stream=svg_of(path).encode(), filetype="svg") as vector:
        drawn = vector[0].get_pixmap(alpha=False)
    assert (drawn.width, drawn.height) == (painted.width, painted.height)
    common, total = np.sum(ink(drawn) & ink(painted)), np.sum(ink(drawn) | ink(painted))
    assert total > 50
    assert common > 0.7 * total


def test_text_is_outlines(tmp_path: Path) -> None:
    svg = svg_of(PdfBuilder().page().put("Outlines", LEFT, 100).save(tmp_path / "a.pdf"))
    assert "<path" in svg
    assert "<text" not in svg
    assert "font-family" not in svg


def test_scan_is_no_svg(tmp_path: Path) -> None:
    path = image_only_pdf(tmp_path / "scan.pdf")
    assert draw_page(path, 1, OPTIONS).svg is None
    assert ink(pymupdf.Pixmap(paint_page(path, 1, 72, OPTIONS))).any()


def test_page_of_very_many_shapes_is_no_svg(tmp_path: Path) -> None:
    path = PdfBuilder().page().put("A map.", LEFT, 100).save(tmp_path / "map.pdf")
    with pymupdf.open(path) as document:
        (contents,) = document[0].get_contents()
        dots = "".join(f"{number % 600} {number % 800} 3 3 re f " for number in range(30_000))
        document.update_stream(contents, dots.encode())
        document.saveIncr()
    assert draw_page(path, 1, OPTIONS).svg is None


def test_script_link_and_name_of_a_layer_do_not_get_into_the_svg(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        layer = document.add_ocg('"><script>alert(1)</script><g a="')
        page = document.new_page()
        page.insert_text((72, 72), '<script>alert(2)</script> & "', oc=layer)
        page.insert_link({"kind": pymupdf.LINK_URI, "from": page.rect, "uri": "javascript:alert(3)"})
        document.set_metadata({"title": "<script>alert(4)</script>"})
        document.save(tmp_path / "a.pdf")
    svg = svg_of(tmp_path / "a.pdf")
    assert "<script" not in svg
    assert "javascript:" not in svg
    assert is_plain(svg.encode())


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        '<a href="https://example.com"><path d="M0 0"/></a>',
        '<path onload="alert(1)"/>',
        '<image href="https://example.com/a.png"/>',
        '<image href="data:text/html,x"/>',
        '<use xlink:href="other.svg#a"/>',
        '<path fill="url(https://example.com/#a)"/>',
        "<foreignObject/>",
        "<style>@import 'a.css'</style>",
        "<path d='&undefined;'/>",
        "<path",
        "\x01",
    ],
)
def test_what_is_more_than_shapes_is_not_plain(content: str) -> None:
    assert not is_plain(SVG.format(content).encode())


def test_shapes_and_pictures_within_are_plain() -> None:
    content = (
        '<defs><path id="a" d="M0 0"/></defs><use xlink:href="#a" fill="url(#b)"/>'
        '<image xlink:href="data:image/png;base64,AAAA"/>'
    )
    assert is_plain(SVG.format(content).encode())


@pytest.mark.parametrize("number", [0, 2])
def test_page_that_is_not_there_is_refused(number: int, tmp_path: Path) -> None:
    path = PdfBuilder().page().save(tmp_path / "a.pdf")
    with pytest.raises(DocumentError, match=f"no page {number}"):
        draw_page(path, number, OPTIONS)
    with pytest.raises(DocumentError, match=f"no page {number}"):
        paint_page(path, number, 72, OPTIONS)


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        draw_page(broken_pdf(tmp_path / "a.pdf"), 1, OPTIONS)


def test_locked_file_needs_one_of_the_passwords(tmp_path: Path) -> None:
    path = locked_pdf(tmp_path / "a.pdf", "geheim")
    with pytest.raises(DocumentError, match="password"):
        draw_page(path, 1, OPTIONS)
    assert draw_page(path, 1, ReadingOptions(passwords=("falsch", "geheim"))).svg is not None


def test_huge_page_has_fewer_pixels(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        document.new_page(width=14_400, height=14_400)
        document.save(tmp_path / "poster.pdf")
    painted = pymupdf.Pixmap(paint_page(tmp_path / "poster.pdf", 1, 300, OPTIONS))
    assert painted.width * painted.height <= 25_100_000
