"""One page: which parser reads it, and where everything is, whichever way the page lies."""

from __future__ import annotations

import random
from pathlib import Path

import pymupdf
import pytest
from pdf_factory import LEFT, PdfBuilder, english_pdf

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages import page_reader
from qa_engine.documents.pages.ocr import Recognition
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pages.parsers import layout_model
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf

TEXT = "A wide table was turned to fit."


def read(path: Path, **options: str) -> ParsedPdf:
    return read_pdf(path, ReadingOptions(**{"ocr": "never", **options}))  # type: ignore[arg-type]


def turned_pdf(path: Path, text_turn: int, page_turn: int) -> pymupdf.Rect:
    """A page with one line of text; returns where the line is on the page as it is shown."""
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((300, 400), TEXT, fontsize=12, rotate=text_turn)
    length = pymupdf.get_text_length(TEXT, "helv", 12)
    corners = {0: (300, 388, 300 + length, 404), 90: (288, 400 - length, 304, 400)}
    corners |= {180: (300 - length, 396, 300, 412), 270: (296, 400, 312, 400 + length)}
    page.set_rotation(page_turn)
    shown = pymupdf.Rect(corners[text_turn]) * page.rotation_matrix
    document.save(path)
    return shown


@pytest.mark.parametrize("parser", ["fast", "layout"])
@pytest.mark.parametrize("page_turn", [0, 90, 180, 270])
@pytest.mark.parametrize("text_turn", [0, 90, 180, 270])
def test_text_is_read_and_placed_whichever_way_it_and_its_page_lie(
    text_turn: int, page_turn: int, parser: str, tmp_path: Path
) -> None:
    shown = turned_pdf(tmp_path / "a.pdf", text_turn, page_turn)
    parsed = read(tmp_path / "a.pdf", parser=parser)
    assert parsed.text == TEXT
    (span,) = parsed.spans
    for found, expected in zip((span.x0, span.y0, span.x1, span.y1), shown, strict=True):
        assert abs(found - expected) < 5


def test_stamp_along_the_margin_is_left_out(tmp_path: Path) -> None:
    builder = PdfBuilder().page()
    builder.put("The text of the paper goes from left to right.", LEFT, 100)
    builder.document[0].insert_text((20, 600), "arXiv:2307.09288v2 [cs.CL]", rotate=90)
    parsed = read(builder.save(tmp_path / "a.pdf"))
    assert parsed.text == "The text of the paper goes from left to right."


def test_prose_is_read_fast_and_columns_by_the_layout_model(tmp_path: Path) -> None:
    one = read(english_pdf(tmp_path / "one.pdf"))
    two = read(english_pdf(tmp_path / "two.pdf", columns=2, lines_per_page=8))
    assert {page.parser for page in one.pages} == {"fast"}
    assert "layout" in {page.parser for page in two.pages}


@pytest.mark.parametrize("parser", ["fast", "layout"])
def test_parser_can_be_chosen(parser: str, tmp_path: Path) -> None:
    parsed = read(english_pdf(tmp_path / "a.pdf", columns=2), parser=parser)
    assert {page.parser for page in parsed.pages} == {parser}


def test_page_on_which_the_layout_model_fails_is_read_by_geometry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(page: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(layout_model, "find_boxes", fail)
    parsed = read(english_pdf(tmp_path / "a.pdf", header=None), parser="layout")
    assert "Jupiter is the largest planet" in parsed.text
    assert parsed.pages[0].parser == "fast"
    assert parsed.pages[0].doubts == ["the layout model failed (ZeroDivisionError)"]


def test_empty_page_is_no_page_that_needs_ocr(tmp_path: Path) -> None:
    builder = PdfBuilder().page()
    builder.put("Only the first page has text.", LEFT, 100)
    builder.page()
    parsed = read(builder.save(tmp_path / "a.pdf"))
    assert [page.unread for page in parsed.pages] == [None, None]


def test_letters_drawn_as_outlines_need_ocr(tmp_path: Path) -> None:
    builder = PdfBuilder().page()
    builder.put("Only the first page has text.", LEFT, 100)
    page = builder.page().document[1]
    for number in range(60):
        page.draw_line((72 + 5 * number, 100), (75 + 5 * number, 110))
    parsed = read(builder.save(tmp_path / "a.pdf"))
    assert [page.unread for page in parsed.pages] == [None, "no_text"]


def test_label_of_the_file_is_taken_where_none_is_printed(tmp_path: Path) -> None:
    builder = PdfBuilder().page()
    builder.put("Text of the preface is here.", LEFT, 100)
    builder.document.set_page_labels([{"startpage": 0, "style": "r", "firstpagenum": 4}])
    parsed = read(builder.save(tmp_path / "a.pdf"))
    assert parsed.pages[0].label == "iv"


def invented_chinese(seed: int = 1, length: int = 600) -> list[str]:
    """Lines of common characters that make no words."""
    chance = random.Random(seed)
    common = [
        bytes((lead, trail)).decode("gb2312") for lead in range(0xB0, 0xD0) for trail in range(0xA1, 0xF0)
    ]
    text = "".join(chance.choice(common) for _ in range(length))
    return [text[start : start + 30] for start in range(0, length, 30)]


def invented_pdf(path: Path) -> Path:
    builder = PdfBuilder("china-s").page()
    builder.lines(invented_chinese(), y=100)
    return builder.save(path)


def test_text_that_reads_like_none_is_taken_with_doubt_where_no_ocr_can_tell(tmp_path: Path) -> None:
    parsed = read(invented_pdf(tmp_path / "a.pdf"))
    (page,) = parsed.pages
    assert page.suspect
    assert page.unread is None
    assert "words" in page.doubts[0]
    assert "OCR could tell" in page.doubts[-1]
    assert parsed.text.replace("\n", "") == "".join(invented_chinese())


@pytest.mark.parametrize("seen", ["the same", "another text"])
def test_ocr_decides_about_text_that_reads_like_none(
    seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = (
        invented_chinese() if seen == "the same" else ["公司本年度营业收入大幅增长。", "研发投入持续增加。"]
    )
    lines = [Line(text, 1, 72, 100 + 20 * n, 400, 114 + 20 * n, 11, n) for n, text in enumerate(texts)]
    monkeypatch.setattr(page_reader, "ocr_available", lambda: True)
    monkeypatch.setattr(page_reader, "recognise_page", lambda *arguments: Recognition(lines, 0.95))
    parsed = read(invented_pdf(tmp_path / "a.pdf"), ocr="auto")
    assert parsed.pages[0].ocr == (seen == "another text")
    assert not parsed.pages[0].suspect
    assert ("营业收入" in parsed.text) == (seen == "another text")


def test_ocr_that_bears_a_page_out_is_not_asked_about_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = PdfBuilder("china-s")
    for _ in range(3):
        builder.page().lines(invented_chinese(), y=100)
    path = builder.save(tmp_path / "a.pdf")
    asked = []

    def recognise(page: object, number: int, dpi: int) -> Recognition:
        asked.append(number)
        lines = [Line(text, number, 72, 100, 400, 114, 11, 0) for text in invented_chinese()]
        return Recognition(lines, 0.9)

    monkeypatch.setattr(page_reader, "ocr_available", lambda: True)
    monkeypatch.setattr(page_reader, "recognise_page", recognise)
    read(path, ocr="auto")
    assert asked == [1]
