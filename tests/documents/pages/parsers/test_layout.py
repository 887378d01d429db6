"""The boxes of the layout model and the text of the page, made blocks."""

from __future__ import annotations

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_factory import LEFT, RIGHT, SOLAR_SYSTEM, PdfBuilder, wrap

from qa_engine.documents.blocks import Block, Line, Rect, Role
from qa_engine.documents.pages.lines.text_layer import read_page_lines
from qa_engine.documents.pages.parsers.layout import build_blocks
from qa_engine.documents.pages.parsers.layout_model import LayoutBox, find_boxes
from qa_engine.documents.pages.tables.rules import Rule, Rules
from qa_engine.documents.pages.tables.words import Word

WIDTH, HEIGHT = 595.0, 842.0
Found = list[tuple[Role, list[str]]]


def piece(text: str, x0: float, y0: float, x1: float, size: float = 10) -> Line:
    return Line(text, 1, x0, y0, x1, y0 + 12, size=size, block=0)


def box(role: Role, x0: float, y0: float, x1: float, y1: float, **edges: list[float]) -> LayoutBox:
    return LayoutBox(role, Rect(x0, y0, x1, y1), **edges)


def words_of(pieces: list[Line]) -> list[Word]:
    return [Word(p.x0, p.y0, p.x1, p.y1, p.text) for p in pieces]


def built(pieces: list[Line], boxes: list[LayoutBox]) -> list[Block]:
    return build_blocks(pieces, boxes, words_of(pieces), WIDTH, HEIGHT)


def shown(blocks: list[Block]) -> Found:
    return [(block.role, [line.text for line in block.lines]) for block in blocks]


def blocks_of(builder: PdfBuilder) -> list[Block]:
    """The blocks of a page, by the real model."""
    with pymupdf.open(stream=builder.document.tobytes(), filetype="pdf") as document:
        page = document[0]
        words = [Word(*word[:5]) for word in page.get_text("words")]
        return build_blocks(read_page_lines(page, 1).lines, find_boxes(page), words, WIDTH, HEIGHT)


# -- which box holds what


def test_page_without_text_has_no_blocks() -> None:
    assert built([], [box(Role.BODY, 0, 0, 500, 500)]) == []


@pytest.mark.parametrize(
    ("boxes", "role"),
    [
        ([], Role.BODY),
        ([box(Role.CAPTION, 60, 90, 400, 130)], Role.CAPTION),
        ([box(Role.CAPTION, 60, 100, 400, 109)], Role.CAPTION),
        ([box(Role.CAPTION, 60, 100, 130, 112)], Role.BODY),
        ([box(Role.CAPTION, 60, 109, 400, 130)], Role.BODY),
        ([box(Role.TABLE, 0, 0, 500, 500), box(Role.CAPTION, 60, 90, 400, 130)], Role.CAPTION),
        ([box(Role.CAPTION, 60, 90, 400, 130), box(Role.FORMULA, 0, 0, 500, 500)], Role.CAPTION),
        ([box(Role.CAPTION, 60, 90, 200, 130), box(Role.FOOTNOTE, 60, 90, 400, 131)], Role.FOOTNOTE),
    ],
    ids=["no box", "inside", "tight box", "a quarter", "the lower edge", "nested", "nested, before", "overlapping"],
)  # fmt: skip
def test_piece_belongs_to_the_box_that_holds_most_of_it(boxes: list[LayoutBox], role: Role) -> None:
    assert shown(built([piece("some text", 72, 100, 372)], boxes)) == [(role, ["some text"])]


def test_text_outside_of_all_boxes_is_body_in_groups() -> None:
    pieces = [
        piece("c", 72, 300, 300),
        piece("a", 72, 100, 200),
        piece("b", 72, 116, 200),
        piece("a2", 210, 100, 300),
    ]
    assert shown(built(pieces, [])) == [(Role.BODY, ["a a2", "b"]), (Role.BODY, ["c"])]


@pytest.mark.parametrize(
    ("role", "y", "found"),
    [
        (Role.HEADER, 40, Role.HEADER),
        (Role.FOOTER, 800, Role.FOOTER),
        (Role.HEADER, 400, Role.BODY),
        (Role.FOOTER, 400, Role.BODY),
    ],
)
def test_running_matter_stands_in_the_margins(role: Role, y: float, found: Role) -> None:
    pieces = [piece("running", 72, y, 200), piece("text of the page", 72, 200, 400)]
    assert (found, ["running"]) in shown(built(pieces, [box(role, 70, y - 2, 210, y + 14)]))


def test_page_of_margins_alone_is_text() -> None:
    boxes = [box(Role.HEADER, 70, 38, 210, 54)]
    assert shown(built([piece("running", 72, 40, 200)], boxes)) == [(Role.BODY, ["running"])]


def test_blocks_are_in_reading_order_and_their_lines_know_them() -> None:
    boxes = [
        box(Role.BODY, 310, 100, 523, 400),
        box(Role.BODY, 72, 100, 285, 400),
        box(Role.HEADING, 72, 60, 523, 80),
    ]
    pieces = [
        *(piece(f"right{n}", 312, 105 + 15 * n, 520) for n in range(18)),
        *(piece(f"left{n}", 74, 105 + 15 * n, 283) for n in range(18)),
        piece("title", 80, 64, 500),
    ]
    found = built(pieces, boxes)
    assert [block.lines[0].text for block in found] == ["title", "left0", "right0"]
    assert [[line.block for line in block.lines] for block in found] == [[0], [1] * 18, [2] * 18]


# -- figures, contents


@pytest.mark.parametrize(
    ("texts", "rect", "found"),
    [
        (["2020", "2021", "Sales of the year"], (60, 90, 400, 300), Role.FIGURE),
        (["This box says what the reader has to know first.", "2020"], (60, 90, 400, 300), Role.BODY),
        (["方框中的文字说明了读者首先应当知道的全部内容。"], (60, 90, 400, 300), Role.BODY),
        (["Agenda", "Results"], (10, 10, 590, 800), Role.BODY),
    ],
    ids=["chart", "boxed text", "boxed Chinese", "slide"],
)
def test_figure_is_left_out_unless_it_is_prose(
    texts: list[str], rect: tuple[float, float, float, float], found: Role
) -> None:
    pieces = [piece(text, 72, 100 + 20 * n, 390) for n, text in enumerate(texts)]
    assert [role for role, _ in shown(built(pieces, [box(Role.FIGURE, *rect)]))] == [found]


@pytest.mark.parametrize("role", [Role.TABLE, Role.BODY, Role.LIST])
def test_contents_are_known_by_their_dots_whatever_the_model_says(role: Role) -> None:
    pieces = [piece(f"Chapter {n} … {n}", 72, 100 + 15 * n, 500) for n in range(5)]
    (found,) = built(pieces, [box(role, 60, 90, 520, 200, rows=[90, 130, 200], columns=[60, 300, 520])])
    assert (found.role, found.table) == (Role.CONTENTS, None)


# -- marks of lists


@pytest.mark.parametrize("mark", ["•", "1.", "(2)", "a)", "三、"])
@pytest.mark.parametrize("boxed", [True, False], ids=["in a box of its own", "in none"])
def test_mark_of_a_list_goes_to_the_text_beside_it(mark: str, boxed: bool) -> None:
    boxes = [box(Role.LIST, 98, 98, 400, 128)] + [box(Role.LIST, 78, 98, 92, 114)] * boxed
    pieces = [piece(mark, 80, 100, 90), piece("first line", 100, 100, 390), piece("second", 100, 114, 300)]
    assert shown(built(pieces, boxes)) == [(Role.LIST, [f"{mark} first line", "second"])]


@pytest.mark.parametrize(
    "mark",
    [piece("•", 20, 100, 30), piece("•", 80, 130, 90), piece("1990", 78, 100, 98), piece("•", 400, 100, 410)],
    ids=["far", "below", "a year", "behind"],
)
def test_what_only_looks_like_the_mark_of_a_list_stays(mark: Line) -> None:
    boxes = [box(Role.LIST, 99, 98, 395, 114)]
    found = shown(built([mark, piece("first line", 100, 100, 390)], boxes))
    assert (Role.LIST, ["first line"]) in found
    assert (Role.BODY, [mark.text]) in found


# -- tables


def test_table_without_edges_has_lines_and_no_cells() -> None:
    (found,) = built(
        [piece("a", 72, 100, 90), piece("b", 200, 100, 220)], [box(Role.TABLE, 60, 90, 400, 130)]
    )
    assert (found.role, found.table) == (Role.TABLE, None)
    assert [line.text for line in found.lines] == ["a b"]


def test_word_of_a_table_that_reaches_out_of_its_box_is_not_lost() -> None:
    pieces = [piece("a", 72, 100, 90), piece("b c d e", 200, 100, 330), piece("f", 72, 120, 90)]
    words = [*words_of(pieces[::2]), Word(200, 100, 220, 112, "b"), Word(310, 100, 330, 112, "e")]
    boxes = [box(Role.TABLE, 70, 98, 260, 134, rows=[98, 116, 134], columns=[70, 150, 260])]
    (found,) = build_blocks(pieces, boxes, words, WIDTH, HEIGHT)
    assert found.table is not None
    assert found.table.rows == [["a", "b e"], ["f", ""]]


def test_text_of_a_box_inside_a_table_is_not_said_twice() -> None:
    pieces = [
        piece(text, 72 + 100 * (n % 2), 100 + 20 * (n // 2), 100 + 100 * (n % 2))
        for n, text in enumerate("abcd")
    ]
    boxes = [
        box(Role.TABLE, 70, 98, 300, 140, rows=[98, 118, 140], columns=[70, 150, 300]),
        box(Role.CAPTION, 170, 118, 210, 134),
    ]
    found = built(pieces, boxes)
    table = next(block.table for block in found if block.role is Role.TABLE)
    assert table is not None
    assert table.rows == [["a", "b"], ["c", ""]]
    assert (Role.CAPTION, ["d"]) in shown(found)


_pieces = st.builds(
    lambda text, x, y: piece(text, x, y, x + 60),
    st.sampled_from(["text", "•", "1.", "a b"]),
    st.floats(0, 500),
    st.floats(0, 800),
)
_boxes = st.builds(
    lambda role, x, y, width, height: box(role, x, y, x + width, y + height),
    st.sampled_from([role for role in Role if role is not Role.PAGE_NUMBER]),
    st.floats(0, 500), st.floats(0, 800), st.floats(5, 400), st.floats(5, 400),
)  # fmt: skip


@given(st.lists(_pieces, max_size=20), st.lists(_boxes, max_size=6))
def test_no_word_is_lost_whatever_the_boxes(pieces: list[Line], boxes: list[LayoutBox]) -> None:
    words = sorted(word for piece in pieces for word in piece.text.split())
    found = built(pieces, boxes)
    assert sorted(w for block in found for line in block.lines for w in line.text.split()) == words


# -- the real model


def test_two_columns_with_title_and_running_matter() -> None:
    builder = PdfBuilder(header="A Short Guide", page_numbers="- {page} -").page()
    builder.put("The Planets of the Solar System", 150, 100, 18)
    for x, number in ((LEFT, 0), (310.0, 1)):
        builder.lines(wrap(SOLAR_SYSTEM[number] * 2, 213, size=10), x, 140, 10)
    found = shown(blocks_of(builder))
    assert [role for role, _ in found] == [Role.HEADER, Role.HEADING, Role.BODY, Role.BODY, Role.FOOTER]
    assert found[1][1] == ["The Planets of the Solar System"]
    assert [texts[0][:6] for _, texts in found[2:4]] == ["Jupite", "Saturn"]


def test_cells_of_a_ruled_table() -> None:
    rows = [
        ["Planet", "Mass", "Moons"],
        ["Jupiter", "317.8", "95"],
        ["Saturn", "95.2", "146"],
        ["Earth", "1.0", "1"],
    ]
    builder = PdfBuilder().page()
    builder.lines(wrap(SOLAR_SYSTEM[0], RIGHT - LEFT))
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            builder.put(text, LEFT + 5 + 150 * column, 214 + 20 * number)
    for number in range(5):
        builder.document[0].draw_line((LEFT, 200 + 20 * number), (RIGHT, 200 + 20 * number))
    builder.lines(wrap(SOLAR_SYSTEM[1], RIGHT - LEFT), y=330)
    (table,) = [block.table for block in blocks_of(builder) if block.role is Role.TABLE]
    assert table is not None
    assert table.rows == rows
    assert table.header_rows == 1


def test_bullets_that_are_pieces_of_their_own() -> None:
    builder = PdfBuilder().page()
    y = builder.lines(wrap(SOLAR_SYSTEM[0], RIGHT - LEFT)) + 10
    items = ["Mercury is the smallest planet.", "Venus is the hottest one.", "Mars is red and cold."]
    for item in items:
        builder.put("-", 80, y).put(item, 100, y)
        y += 18
    builder.lines(wrap(SOLAR_SYSTEM[1], RIGHT - LEFT), y=y + 10)
    texts = [text for role, texts in shown(blocks_of(builder)) if role is Role.LIST for text in texts]
    assert texts == [f"- {item}" for item in items]


def test_labels_of_a_chart_are_set_apart_and_a_boxed_text_is_not() -> None:
    builder = PdfBuilder().page()
    y = builder.lines(wrap(SOLAR_SYSTEM[0], RIGHT - LEFT)) + 10
    page = builder.document[0]
    page.draw_line((150, y + 190), (450, y + 190))
    for bar in range(6):
        top = y + 160 - 25 * bar
        page.draw_rect((170 + 45 * bar, top, 195 + 45 * bar, y + 190), fill=(0.2, 0.4, 0.8))
        builder.put(str(2018 + bar), 170 + 45 * bar, y + 205, 8)
    builder.put("Figure 1: Sales of telescopes by year.", 180, y + 240, 10)
    page.draw_rect((100, y + 280, 500, y + 380), fill=(0.9, 0.9, 0.8))
    builder.lines(wrap(SOLAR_SYSTEM[1], 370), 110, y + 305)
    found = shown(blocks_of(builder))
    assert "2018" in " ".join(text for role, texts in found if role is Role.FIGURE for text in texts)
    assert (Role.CAPTION, ["Figure 1: Sales of telescopes by year."]) in found
    assert any(role is Role.BODY and "Saturn is best" in texts[0] for role, texts in found)


# -- tables that the model takes for text


def cells(y: float, *texts: str, width: float = 40) -> list[Line]:
    return [piece(text, 72 + 100 * column, y, 72 + 100 * column + width) for column, text in enumerate(texts)]


def test_rows_of_cells_in_a_box_of_text_stay_rows() -> None:
    pieces = cells(100, "07/03", "Acme", "Paper", "12.10") + cells(125, "07/19", "Borg", "Fares", "65.00")
    assert shown(built(pieces, [box(Role.BODY, 60, 90, 420, 150)])) == [
        (Role.TABLE, ["07/03 Acme Paper 12.10", "07/19 Borg Fares 65.00"])
    ]


def test_columns_of_text_in_a_box_of_text_stay_columns() -> None:
    pieces = [
        line
        for y in range(100, 200, 14)
        for line in cells(y, "left of it", "in its middle", "right", width=80)
    ]
    ((role, lines),) = shown(built(pieces, [box(Role.BODY, 60, 90, 420, 220)]))
    assert role is Role.BODY
    assert lines[:2] == ["left of it", "left of it"]


def test_one_row_in_a_frame_is_a_table() -> None:
    pieces = cells(100, "Site", "State", "Power")
    rules = Rules(
        [Rule(95, 60, 360), Rule(117, 60, 360)], [Rule(x, 95, 117) for x in (60.0, 160.0, 260.0, 360.0)]
    )
    (block,) = build_blocks(
        pieces, [box(Role.BODY, 70, 98, 320, 114)], words_of(pieces), WIDTH, HEIGHT, lambda: rules
    )
    assert block.table is not None
    assert block.table.rows == [["Site", "State", "Power"]]


def test_rules_are_read_only_where_a_table_may_be() -> None:
    build_blocks(
        [piece("text", 72, 100, 372)], [box(Role.BODY, 60, 90, 400, 130)], [], WIDTH, HEIGHT, pytest.fail
    )
