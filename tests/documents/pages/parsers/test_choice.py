"""Which pages the layout model reads."""

from __future__ import annotations

import random

import pymupdf
import pytest
from drawn_table import Borders, drawn
from pdf_factory import CHINESE_FONT, LEFT, RIGHT, SOLAR_SYSTEM, WEST_LAKE, PdfBuilder, wrap

from qa_engine.documents.pages.lines.text_layer import read_page_lines
from qa_engine.documents.pages.parsers.choice import layout_reason

WIDTH = RIGHT - LEFT


def reason(builder: PdfBuilder) -> str | None:
    # Read from bytes, as a reader would: a page that is being written keeps no text.
    with pymupdf.open(stream=builder.document.tobytes(), filetype="pdf") as document:
        page = document[0]
        return layout_reason(page, read_page_lines(page, 1).lines)


def prose(font: str = "helv", **running: str) -> PdfBuilder:
    """A page of a few paragraphs, with room from y = 400 on."""
    builder = PdfBuilder(font, **running).page()
    y = 90.0
    for paragraph in SOLAR_SYSTEM if font == "helv" else WEST_LAKE:
        y = builder.lines(wrap(paragraph, WIDTH, font), y=y) + 10
    return builder


def with_rows(*rows: list[str], spacing: float = 110) -> PdfBuilder:
    builder = prose()
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            builder.put(text, LEFT + spacing * column, 400 + 18 * number)
    return builder


# -- what geometry does


def test_empty_page_needs_no_model() -> None:
    assert reason(PdfBuilder().page()) is None


@pytest.mark.parametrize("font", ["helv", CHINESE_FONT])
def test_prose_with_header_rule_and_page_number_needs_no_model(font: str) -> None:
    builder = prose(font, header="Annual report 2023", page_numbers="{page}")
    builder.document[0].draw_line((LEFT, 56), (RIGHT, 56))
    builder.document[0].draw_line((LEFT, 790), (RIGHT, 790))
    assert reason(builder) is None


@pytest.mark.parametrize("apart", [False, True], ids=["one string", "numbers apart"])
def test_contents_page_needs_no_model(apart: bool) -> None:
    builder = PdfBuilder().page().put("Contents", LEFT, 90, 16)
    for entry in range(25):
        dots = f"Chapter {entry} about a thing {'.' * 60}"
        builder.put(dots if apart else f"{dots} {entry}", LEFT, 120 + 18 * entry)
        if apart:
            builder.put(str(entry), 510, 120 + 18 * entry)
    assert reason(builder) is None


def test_list_with_marks_of_their_own_needs_no_model() -> None:
    builder = prose()
    for item in range(5):
        builder.put("-", LEFT, 400 + 18 * item).put("An item of the list is here", LEFT + 14, 400 + 18 * item)
    assert reason(builder) is None


def test_few_headings_with_numbers_apart_need_no_model() -> None:
    builder = prose()
    for item in range(4):
        builder.put(f"3.{item}", LEFT, 400 + 60 * item, 14).put(
            "Results of it", LEFT + 60, 400 + 60 * item, 14
        )
    assert reason(builder) is None


@pytest.mark.parametrize(
    "rect",
    [(0, 0, 595, 842), (LEFT, 40, LEFT + 60, 60)],
    ids=["background", "logo"],
)
def test_picture_that_is_no_figure_needs_no_model(rect: tuple[float, float, float, float]) -> None:
    builder = prose()
    builder.document[0].insert_image(pymupdf.Rect(rect), pixmap=_picture(), keep_proportion=False)
    assert reason(builder) is None


def test_few_shapes_need_no_model() -> None:
    builder = prose()
    for number in range(30):
        builder.document[0].draw_circle((100 + 10 * number, 500), 4)
    assert reason(builder) is None


# -- what it does not


def _picture() -> pymupdf.Pixmap:
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 40, 40))
    picture.set_rect(picture.irect, (200, 30, 30))
    return picture


def test_two_columns_need_the_model() -> None:
    builder = PdfBuilder().page()
    for x in (LEFT, 310.0):
        builder.lines(wrap(" ".join(SOLAR_SYSTEM), 213), x)
    assert reason(builder) == "columns"


@pytest.mark.parametrize(
    "rows",
    [
        [["Item", "2023", "2022"], ["Sales", "15.3%", "12.75"], ["Profit", "3.91", "2.08"]],
        [[f"Key {n}", f"value {n}"] for n in range(6)],
    ],
    ids=["numbers", "keys and values"],
)
def test_table_without_rules_needs_the_model(rows: list[list[str]]) -> None:
    assert reason(with_rows(*rows)) == "table"
    assert reason(with_rows(*rows[:2])) is None


def test_ruled_table_needs_the_model() -> None:
    builder = prose()
    for row in range(3):
        builder.document[0].draw_line((LEFT, 400 + 20 * row), (RIGHT, 400 + 20 * row))
    assert reason(builder) == "table"


@pytest.mark.parametrize("borders", ["lines", "thin boxes", "cells"])
def test_small_table_in_boxes_needs_the_model(borders: Borders) -> None:
    with drawn([["x", "Fee"], ["A car", "5"], ["A lorry", "9"]], borders) as document:
        page = document[0]
        assert layout_reason(page, read_page_lines(page, 1).lines) == "table"


def test_boxed_and_marked_prose_needs_no_model() -> None:
    builder = prose()
    builder.document[0].draw_rect((LEFT - 10, 80, RIGHT + 10, 300))
    for number in range(8):
        builder.document[0].draw_rect(
            (LEFT + 7 * number, 100 + 20 * number, LEFT + 90, 112 + 20 * number), fill=(1, 1, 0.8)
        )
    assert reason(builder) is None


def test_labels_and_formulas_need_the_model() -> None:
    builder = prose()
    for number in range(15):
        builder.put("x+y"[number % 3], LEFT + 20 * (number % 3), 400 + 25 * (number // 3))
    assert reason(builder) == "formulas"


def test_figure_needs_the_model() -> None:
    builder = prose()
    builder.document[0].insert_image(
        pymupdf.Rect(100, 400, 400, 600), pixmap=_picture(), keep_proportion=False
    )
    assert reason(builder) == "figure"


def test_drawing_of_many_paths_needs_the_model() -> None:
    builder = prose()
    for number in range(45):
        builder.document[0].draw_circle((100 + 8 * number, 500), 3)
    assert reason(builder) == "drawing"


def test_page_of_thousands_of_words_in_all_places_is_a_drawing() -> None:
    builder, dice = PdfBuilder().page(), random.Random(5)
    writer = pymupdf.TextWriter(builder.document[0].rect)
    for number in range(1700):
        writer.append((dice.uniform(20, 560), dice.uniform(20, 820)), f"w{number}", fontsize=4)
    writer.write_text(builder.document[0])
    assert reason(builder) == "drawing"


def test_line_across_the_page_that_is_drawn_as_a_box_is_one_rule() -> None:
    """As converters from HTML draw it, with a box around all pages of which one is a part."""
    builder = prose()
    page = builder.document[0]
    page.draw_rect((0, -3000, 595, 3000))
    for y in (700.0, 701.0):
        page.draw_line((LEFT, y), (RIGHT, y))
    page.draw_line((LEFT, 400), (RIGHT, 400))
    assert reason(builder) is None
    page.draw_line((LEFT, 720), (RIGHT, 720))
    assert reason(builder) == "table"


def test_row_of_a_table_whose_other_rows_are_on_the_next_page_needs_the_model() -> None:
    builder = prose()
    for column in range(4):
        builder.put(f"Name {column}", LEFT + 110 * column, 780)
        for y in (765.0, 786.0):
            builder.document[0].draw_line((LEFT + 110 * column, y), (LEFT + 110 * column + 110, y))
    for column in range(5):
        builder.document[0].draw_line((LEFT + 110 * column, 765), (LEFT + 110 * column, 786))
    assert reason(builder) == "table"
