"""Pictures as documents: pages of a PDF whose text is recognised."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from qa_engine.documents.files import find_documents
from qa_engine.documents.pages import ocr
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.formats import pictures
from qa_engine.errors import DocumentError, InputError


def reason(path: Path) -> tuple[str, str]:
    with pytest.raises(DocumentError) as caught:
        read_pdf(path, ReadingOptions(ocr="never"))
    return caught.value.reason, str(caught.value)


def written(words: str, width: int = 1600, height: int = 400) -> Image.Image:
    """A picture of some words."""
    with pymupdf.open() as document:
        page = document.new_page(width=width / 4, height=height / 4)
        page.insert_text((20, 50), words, fontsize=20)
        pixels = page.get_pixmap(dpi=288)
        return Image.open(io.BytesIO(pixels.tobytes("png"))).convert("RGB")


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_picture_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    why, message = reason(path)
    assert (why, "a.png" in message) == ("damaged", True)


def test_a_picture_that_is_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_MAX_PIXELS", 1000)
    path = tmp_path / "a.png"
    Image.new("RGB", (100, 100)).save(path)
    why, message = reason(path)
    assert why == "too_large"
    assert "100 × 100 pixels" in message


def test_without_ocr_the_message_says_how_to_get_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    written("Words").save(path)
    why, message = reason(path)
    assert why == "no_text"
    assert "OCR" in message


def test_frames_are_pages_as_large_as_paper_and_turned_as_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    Image.new("RGB", (4000, 3000)).save(path, save_all=True, append_images=[Image.new("RGB", (300, 600))])
    with pymupdf.open(stream=pictures.read(path, ReadingOptions()).pdf, filetype="pdf") as pdf:
        assert [(round(page.rect.width), round(page.rect.height)) for page in pdf] == [(842, 632), (421, 842)]
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (400, 200)).save(path, exif=exif)
    with pymupdf.open(stream=pictures.read(path, ReadingOptions()).pdf, filetype="pdf") as pdf:
        assert pdf[0].rect.height > pdf[0].rect.width


def test_in_folders_they_count_with_ocr_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.PNG"
    path.write_bytes(b"x")
    assert find_documents([tmp_path], ocr=True) == [path]
    assert find_documents([path], ocr=False) == [path]
    with pytest.raises(InputError):
        find_documents([tmp_path], ocr=False)


@pytest.mark.slow
@pytest.mark.skipif(not ocr.ocr_available(), reason="the extra for OCR is not installed")
def test_their_text_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    written("The annual leave has fifteen days.").save(path)
    found = read_pdf(path, ReadingOptions())
    assert "fifteen days" in found.text
    assert found.pages[0].ocr
    assert "rapidocr" in sys.modules
