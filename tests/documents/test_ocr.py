"""Pages read from their picture: what was set is recognised, where it was set, whichever way the page lies."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from qa_engine.documents import ocr
from qa_engine.documents.ocr import INSTALL, Recognition, ocr_available, recognise_page
from qa_engine.documents.page_reader import PageOptions
from qa_engine.documents.pdf import ReadingOptions, read_pdf
from qa_engine.errors import DocumentError, ModelUnavailableError

needs_ocr = pytest.mark.skipif(not ocr_available(), reason="needs the extra for OCR")

Text = tuple[str, float, float, float]
"""A line, its left edge, its baseline and its size, in points."""
CHINESE: list[Text] = [
    ("西湖的平均水深为2.27米。最深处约5米。", 72, 120, 14),
    ("每年接待的游客超过2000万人次。", 72, 150, 14),
]
ENGLISH: list[Text] = [
    ("Jupiter is the largest planet. It is far away.", 72, 120, 13),
    ("Saturn is best known for its rings.", 72, 145, 13),
]


def picture(lines: list[Text], turn: int = 0, width: float = 500, height: float = 300) -> Any:
    """A document of one page that is a picture of lines, turned clockwise by so many degrees."""
    with pymupdf.open() as source:
        page = source.new_page(width=width, height=height)
        for text, x, y, size in lines:
            font = "helv" if text.isascii() else "china-s"
            page.insert_text((x, y), text, fontname=font, fontsize=size)
        page.set_rotation(turn)
        image = page.get_pixmap(dpi=200)
    document = pymupdf.open()
    shown = (width, height) if turn % 180 == 0 else (height, width)
    page = document.new_page(width=shown[0], height=shown[1])
    page.insert_image(page.rect, pixmap=image)
    return document


def squash(text: str) -> str:
    return "".join(text.split()).replace("，", ",").replace(",", "，")


# -- without the extra


def test_missing_package_is_noticed_without_importing_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "rapidocr" else find(name, *rest)
    )
    assert not ocr_available()


def test_recognising_without_the_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "ocr_available", lambda: False)
    ocr._engine.cache_clear()
    with pytest.raises(ModelUnavailableError) as raised:
        recognise_page(picture(ENGLISH)[0], 1)
    assert INSTALL in str(raised.value)


def test_scan_without_the_extra_fails_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("qa_engine.documents.page_reader", "qa_engine.documents.pdf"):
        monkeypatch.setattr(f"{module}.ocr_available", lambda: False)
    picture(ENGLISH).save(tmp_path / "scan.pdf")
    with pytest.raises(DocumentError) as raised:
        read_pdf(tmp_path / "scan.pdf")
    assert raised.value.reason == "no_text"
    assert INSTALL in str(raised.value)


@pytest.mark.parametrize("side", [1.0, 3.0])
def test_page_too_small_for_text_gives_nothing(side: float) -> None:
    assert recognise_page(pymupdf.open().new_page(width=side, height=side), 1) == Recognition()


# -- with it


@needs_ocr
@pytest.mark.parametrize("lines", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_text_and_places_of_a_scan(lines: list[Text]) -> None:
    recognition = recognise_page(picture(lines)[0], 7)
    assert [squash(line.text) for line in recognition.lines] == [squash(text) for text, *_ in lines]
    assert recognition.confidence > 0.9
    assert recognition.turn == 0
    for line, (text, x, y, size) in zip(recognition.lines, lines, strict=True):
        font = "helv" if text.isascii() else "china-s"
        right = x + pymupdf.get_text_length(text, font, size)
        assert line.page == 7
        assert abs(line.x0 - x) < 5
        # The right half of a full stop is empty.
        assert abs(line.x1 - right) < 0.6 * size
        assert line.y0 < y - 0.4 * size < line.y1
        assert abs(line.size - size) < 0.25 * size


@needs_ocr
def test_blanks_between_english_words_are_kept() -> None:
    recognition = recognise_page(picture(ENGLISH)[0], 1)
    assert [line.text for line in recognition.lines] == [text for text, *_ in ENGLISH]


@needs_ocr
def test_place_where_a_sentence_ends_inside_a_line_is_known() -> None:
    first = "西湖的平均水深为2.27米。"
    line = recognise_page(picture(CHINESE)[0], 1).lines[0]
    ends = dict(line.cuts)
    assert len(first) in ends
    assert abs(ends[len(first)] - (72 + pymupdf.get_text_length(first, "china-s", 14))) < 8


@needs_ocr
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_page_that_lies_wrong_is_turned(turn: int) -> None:
    recognition = recognise_page(picture(ENGLISH, turn)[0], 1)
    assert [squash(line.text) for line in recognition.lines] == [squash(text) for text, *_ in ENGLISH]
    assert recognition.turn == (360 - turn) % 360


@needs_ocr
def test_places_on_a_turned_page_are_those_on_the_page_as_shown(tmp_path: Path) -> None:
    picture(ENGLISH, 90).save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf")
    # Turned clockwise, a line 120 points from the top of 300 runs downwards 180 points from the left.
    (first, *_) = parsed.spans
    assert parsed.text.startswith("Jupiter")
    assert 170 < first.x0 < first.x1 < 200
    assert abs(first.y0 - 72) < 5
    assert parsed.pages[0].ocr


@needs_ocr
def test_columns_are_not_joined() -> None:
    left = [("Left column one", 40, 100, 11), ("Left column two", 40, 120, 11)]
    right = [("Right column one", 300, 100, 11), ("Right column two", 300, 120, 11)]
    found = {line.text for line in recognise_page(picture([*left, *right])[0], 1).lines}
    assert found == {text for text, *_ in [*left, *right]}


@needs_ocr
def test_blank_page_gives_nothing() -> None:
    assert recognise_page(picture([])[0], 1).lines == []


@needs_ocr
def test_huge_page_is_rendered_small(monkeypatch: pytest.MonkeyPatch) -> None:
    page = pymupdf.open().new_page(width=14_400, height=14_400)
    page.insert_text((2000, 4000), "A word on a huge page", fontsize=600)
    image, scale = ocr._picture(page, 200)
    assert image.shape[0] * image.shape[1] <= 12_100_000
    assert scale > 1
    assert [line.text for line in recognise_page(page, 1).lines] == ["A word on a huge page"]


@needs_ocr
def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    recognise_page(picture(ENGLISH)[0], 1)
    assert capfd.readouterr() == ("", "")


@needs_ocr
def test_threads_share_one_engine() -> None:
    pages = [picture(lines)[0] for lines in (CHINESE, ENGLISH)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda page: recognise_page(page, 1).lines[0].text, pages))
    assert [squash(text)[:4] for text in found] == ["西湖的平", "Jupi"]


@needs_ocr
def test_scan_is_read_and_a_text_layer_beside_it_is_left_as_it_is(tmp_path: Path) -> None:
    document = picture(CHINESE)
    document.new_page().insert_text((72, 100), "This page has a text layer.")
    document.save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf")
    assert [page.ocr for page in parsed.pages] == [True, False]
    assert "每年接待的游客超过2000万人次。" in parsed.text
    assert "This page has a text layer." in parsed.text


@needs_ocr
def test_every_page_is_recognised_on_demand(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page(width=500, height=200).insert_text((72, 100), "This page has a text layer.")
    document.save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf", ReadingOptions(PageOptions(ocr="always")))
    assert parsed.pages[0].ocr
    assert parsed.text == "This page has a text layer."


def garbled_pdf(path: Path) -> Path:
    """A page that looks right, and whose characters are mapped to private-use ones."""
    document = pymupdf.open()
    page = document.new_page(width=500, height=300)
    page.insert_font(fontname="F0", fontbuffer=pymupdf.Font("cjk").buffer)
    for text, x, y, size in CHINESE:
        page.insert_text((x, y), text, fontname="F0", fontsize=size)
    document.subset_fonts()
    for xref in range(1, document.xref_length()):
        stream = document.xref_stream(xref) if document.xref_is_stream(xref) else b""
        if b"begincmap" in stream:
            wrong = re.sub(rb"<([0-9a-fA-F]{4})>(\s*\n|\s*$)", rb"<E0\1>\2", stream)
            wrong = re.sub(rb"<E0[0-9a-fA-F]{2}([0-9a-fA-F]{2})>", rb"<E0\1>", wrong)
            document.update_stream(xref, wrong)
    document.save(path)
    return path


def test_garbled_page_is_left_out_without_ocr(tmp_path: Path) -> None:
    path = garbled_pdf(tmp_path / "a.pdf")
    with pytest.raises(DocumentError) as raised:
        read_pdf(path, ReadingOptions(PageOptions(ocr="never")))
    assert raised.value.reason == "garbled"
    assert "a.pdf" in str(raised.value)


@needs_ocr
def test_garbled_text_layer_is_replaced(tmp_path: Path) -> None:
    parsed = read_pdf(garbled_pdf(tmp_path / "a.pdf"))
    assert parsed.pages[0].ocr
    assert "private-use" in parsed.pages[0].doubts[0]
    assert "每年接待的游客超过2000万人次。" in parsed.text
