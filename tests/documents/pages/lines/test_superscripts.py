"""Superscripts: the marks of notes are left out, powers stay."""

from __future__ import annotations

from collections.abc import Sequence

import pymupdf
import pytest
from pdf_factory import CHINESE_FONT, ENGLISH_FONT, LEFT, PdfBuilder

from qa_engine.documents.blocks import Line, Mark
from qa_engine.documents.pages.lines.superscripts import SourceLine, raised, word_as_read
from qa_engine.documents.pages.lines.text_layer import read_page_lines


@pytest.mark.parametrize(
    ("before", "mark", "following", "read"),
    [
        ("用水量为1850", "3", "万吨", ""),
        ("晶圆48", "1", "万片", ""),
        ("净利润", "注1", "为", ""),
        ("增长3.2%", "①", "，", ""),
        ("如文献所述", "[1,3-5]", "。", ""),
        ("a compatible license", "12", ")", ""),
        ("GPT-3,", "6", "", ""),
        ("Vaswani", "∗†", "", ""),
        ("the results.", "1,2", " Like", ""),
        ("共有10", "1", "家", ""),
        ("Table 1", "a", "", "a"),
        ("the 1", "st", " of May", "st"),
        ("x", "t+1", " is", "t+1"),
        ("10000", "2i/d", ")", "²i/d"),
        ("4.2×10", "5", "个", "⁵"),
        ("a rate of 10", "-3", " m", "⁻³"),
        ("10", "−3", "", "⁻³"),
        ("浓度为22mg/m", "3", "", "³"),
        ("面积为26400m", "2", "，", "²"),
        ("5 km", "2", " of", "²"),
        ("占地12公里", "2", "。", "²"),
        ("库容3.6亿米", "3", "，", "³"),
        ("E=mc", "2", "", "²"),
        ("scale as T ", "2", ",", "²"),
        ("sin", "2", " x", "²"),
        ("(a+b)", "2", "", "²"),
        ("2", "8", " = 256", "⁸"),
        ("Ca", "2+", " ions", "²⁺"),
        ("dated by ", "14", "C", "¹⁴"),
        ("decay k", "-0.8", "", "⁻⁰.⁸"),
        ("25", "o", "C", "°"),
        ("3", "1", "/2", "¹"),
        ("售价￥9", "99", "", "⁹⁹"),
        ("an optimal x", "*", " exists", "*"),
        ("marked ", "†", " are", "†"),
        ("Γ(µ", "∗", ", λ)", "∗"),
        ("", "4", "To illustrate", "4 "),
        ("", "注1", "：含税", "注1"),
    ],
)  # fmt: skip
def test_what_stands_before_a_superscript_says_what_it_is(
    before: str, mark: str, following: str, read: str
) -> None:
    assert raised(mark, before, following) == read


def written(*parts: tuple[str, float, float], font: str = CHINESE_FONT, gap: float = 0.0) -> PdfBuilder:
    """Parts of a line one behind the other, with size and height above the baseline."""
    builder = PdfBuilder(font).page()
    x = LEFT
    for text, size, higher in parts:
        builder.put(text, x, 100 - higher, size)
        x += pymupdf.get_text_length(text, font, size) + gap
    return builder


def lines_of(builder: PdfBuilder) -> list[Line]:
    with pymupdf.open(stream=builder.document.tobytes(), filetype="pdf") as document:
        return read_page_lines(document[0], 1).lines


@pytest.mark.parametrize("gap", [-4.0, 0.0, 1.0])
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([("用水1850", 12, 0), ("3", 7, 5), ("万吨。", 12, 0)], "用水1850万吨。"),
        ([("浓度4.2×10", 12, 0), ("5", 7, 5), ("个/m", 12, 0), ("3", 7, 5), ("，", 12, 0)], "浓度4.2×10⁵个/m³，"),
        ([("废水中H", 12, 0), ("2", 7, -2), ("O", 12, 0), ("2", 7, -2), ("浓度", 12, 0)], "废水中H2O2浓度"),
    ],
    ids=["note", "powers", "subscripts"],
)  # fmt: skip
def test_raised_and_lowered_digits_stand_in_the_middle_of_their_line(
    parts: Sequence[tuple[str, float, float]], text: str, gap: float
) -> None:
    assert [line.text for line in lines_of(written(*parts, gap=gap))] == [text]


@pytest.mark.parametrize(
    ("number", "mark", "text"), [("1850", "3", "1850"), ("10", "5", "10⁵"), ("x", "y", "x")]
)
def test_superscripts_that_are_drawn_last_belong_to_the_text_that_they_touch(
    number: str, mark: str, text: str
) -> None:
    builder = PdfBuilder().page().put(number, LEFT, 100, 12).put("of the total", LEFT, 130, 12)
    builder.put(mark, LEFT + pymupdf.get_text_length(number, ENGLISH_FONT, 12), 95, 7)
    first, *rest = lines_of(builder)
    assert first.text == text
    assert [line.text for line in rest] == (["of the total"] if mark != "y" else ["of the total", "y"])


def test_number_above_another_is_the_numerator_of_a_fraction() -> None:
    builder = written(("即系数为", 12, 0), ("1", 7, 5), font=CHINESE_FONT)
    x = LEFT + pymupdf.get_text_length("即系数为", CHINESE_FONT, 12)
    builder.put("2", x, 106, 7)
    assert lines_of(builder)[0].text == "即系数为¹"


def test_text_of_the_next_line_is_not_taken_for_a_superscript() -> None:
    builder = PdfBuilder().page().put("COMMISSION", LEFT, 100, 18).put("3", LEFT + 40, 111, 8)
    assert [line.text for line in lines_of(builder)] == ["COMMISSION", "3"]


def test_sentences_end_where_they_do_though_a_note_was_left_out() -> None:
    (line,) = lines_of(
        written(("It grew. All is said", 12, 0), ("12", 7, 5), (". The rest", 12, 0), font=ENGLISH_FONT)
    )
    assert line.text == "It grew. All is said. The rest"
    (_, _), (end, x) = line.cuts
    said = pymupdf.get_text_length("It grew. All is said. ", ENGLISH_FONT, 12)
    assert line.text[end:] == "The rest"
    assert abs(x - LEFT - said - pymupdf.get_text_length("12", ENGLISH_FONT, 7)) < 1


def test_word_of_a_table_loses_the_mark_of_its_note_and_nothing_else() -> None:
    marks = [Mark(3, 96, 50, "1", ""), Mark(3, 300, 50, "1", "")]
    assert word_as_read("1181", 72, 45, 98, 55, marks) == "118"
    assert word_as_read("1181", 172, 45, 198, 55, marks) == "1181"


@pytest.mark.parametrize(
    ("font", "read"), [("CMMI10", "也就是说dist²"), ("FandolSong-Regular", "也就是说dist")]
)
def test_number_behind_a_variable_is_a_power(font: str, read: str) -> None:
    def span(text: str, name: str, x: float, y: float, size: float) -> dict[str, object]:
        box = (x, y - size, x + 5 * len(text), y)
        return {"text": text, "font": name, "size": size, "origin": (x, y), "bbox": box, "flags": 0}

    spans = [
        span("也就是说", "FandolSong-Regular", 72, 100, 10.5),
        span("dist", font, 114, 100, 10.5),
        span("2", "CMR7", 134, 96, 7),
    ]
    line = SourceLine({"spans": spans, "bbox": (72, 89, 139, 100)}, "也就是说dist2")
    assert line.text(None) == read
