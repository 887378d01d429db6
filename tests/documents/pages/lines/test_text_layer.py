"""Lines of a page: what PyMuPDF gives, cleaned and put together again."""

from __future__ import annotations

from pathlib import Path

import pymupdf
from pdf_factory import CHINESE_FONT, LEFT, PdfBuilder

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.lines.text_layer import PageLines, read_page_lines


def read(builder: PdfBuilder, page: int = 0) -> PageLines:
    # Read from bytes, as a reader would: a page that is being written keeps no text.
    with pymupdf.open(stream=builder.document.tobytes(), filetype="pdf") as document:
        return read_page_lines(document[page], page + 1)


def lines_of(builder: PdfBuilder, page: int = 0) -> list[Line]:
    return read(builder, page).lines


def test_line_carries_text_page_place_and_size() -> None:
    builder = PdfBuilder()
    builder.page().page().put("Hello world", LEFT, 100, size=14)
    (line,) = lines_of(builder, page=1)
    assert (line.text, line.page, line.size) == ("Hello world", 2, 14)
    assert line.x0 == LEFT
    assert line.y0 < 100 < line.y1
    assert line.x1 > LEFT + 50


def test_empty_page_has_no_lines() -> None:
    assert lines_of(PdfBuilder().page()) == []


def test_blank_lines_are_left_out() -> None:
    builder = PdfBuilder().page()
    builder.put("   ", LEFT, 100)
    builder.put("text", LEFT, 130)
    assert [line.text for line in lines_of(builder)] == ["text"]


def test_runs_of_blanks_become_one_and_control_characters_go() -> None:
    builder = PdfBuilder().page()
    builder.put("one   two\u00a0\u00a0three", LEFT, 100)
    assert [line.text for line in lines_of(builder)] == ["one two three"]


def test_dot_leaders_of_contents_are_shortened() -> None:
    builder = PdfBuilder().page()
    builder.put("Introduction " + "." * 60 + " 7", LEFT, 100)
    assert [line.text for line in lines_of(builder)] == ["Introduction … 7"]


def test_pieces_with_a_wide_gap_between_them_are_apart() -> None:
    builder = PdfBuilder().page()
    builder.put("3.2", LEFT, 100)
    builder.put("Results", LEFT + 60, 100)
    assert [line.text for line in lines_of(builder)] == ["3.2", "Results"]


def test_labels_with_values_that_blanks_set_apart_are_pieces() -> None:
    builder = PdfBuilder("china-s").page()
    builder.put("公司代码：600201          公司简称：生物股份", 72, 100)
    builder.put("□适用          √不适用", 72, 130)
    builder.put("单位：元  币种：人民币", 72, 160)
    left, right, *others = lines_of(builder)
    assert [left.text, right.text] == ["公司代码：600201", "公司简称：生物股份"]
    assert left.x1 < right.x0
    assert len(others) == 2


def test_stamp_along_the_margin_is_left_out() -> None:
    builder = PdfBuilder().page()
    builder.put("The text of the paper goes from left to right.", LEFT, 100)
    builder.document[0].insert_text((20, 600), "arXiv:2307.09288v2 [cs.CL]", rotate=90)
    assert [line.text for line in lines_of(builder)] == ["The text of the paper goes from left to right."]


def test_direction_of_a_page_of_sideways_text_is_known() -> None:
    builder = PdfBuilder().page()
    builder.document[0].insert_text((300, 600), "A wide table was turned.", rotate=90)
    found = read(builder)
    assert found.direction == (0, -1)
    assert found.lines == []
    assert found.raw == "A wide table was turned."


def test_text_outside_the_page_is_left_out() -> None:
    builder = PdfBuilder().page()
    builder.put("inside", LEFT, 100)
    builder.put("outside", LEFT, 2000)
    assert [line.text for line in lines_of(builder)] == ["inside"]


def test_chinese_is_read(tmp_path: Path) -> None:
    builder = PdfBuilder(CHINESE_FONT).page()
    builder.put("第3.2.1条 合同的“效力”", LEFT, 100)
    assert [line.text for line in lines_of(builder)] == ["第3.2.1条 合同的“效力”"]


def test_places_where_sentences_may_end_are_known_to_the_point() -> None:
    builder = PdfBuilder().page()
    first, second = "It costs 3.2 (e.g. here) a year. ", "The rest is free."
    builder.put(first + second, LEFT, 100)
    (line,) = lines_of(builder)
    ends = dict(line.cuts)
    assert line.text[len(first) :] == second
    assert abs(ends[len(first)] - (LEFT + pymupdf.get_text_length(first, "helv", 11))) < 0.5


def test_places_where_chinese_sentences_may_end_are_known_to_the_point() -> None:
    builder = PdfBuilder(CHINESE_FONT).page()
    first = "他说：“第一句到此结束。”"
    builder.put(first + "第二句从这里开始。", LEFT, 100)
    (line,) = lines_of(builder)
    ends = dict(line.cuts)
    assert abs(ends[len(first)] - (LEFT + pymupdf.get_text_length(first, CHINESE_FONT, 11))) < 0.5


def test_raised_number_does_not_become_part_of_the_number_before_it() -> None:
    builder = PdfBuilder().page()
    builder.put("grew by 3.2%", LEFT, 100)
    builder.put("1", LEFT + pymupdf.get_text_length("grew by 3.2%", "helv", 11), 96, size=6)
    assert [line.text for line in lines_of(builder)] == ["grew by 3.2%"]
