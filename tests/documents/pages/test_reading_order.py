"""Rectangles of a page, in the order in which they are read."""

from __future__ import annotations

import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.blocks import Rect
from qa_engine.documents.pages.reading_order import columns, reading_order

WIDTH, HEIGHT = 595.0, 842.0
LEFT, RIGHT = (72.0, 285.0), (310.0, 523.0)
Named = list[tuple[str, Rect]]


def stack(name: str, x: tuple[float, float], top: float, count: int, leading: float = 15) -> Named:
    """Lines below one another, named with their number."""
    return [(f"{name}{n}", Rect(x[0], top + n * leading, x[1], top + n * leading + 12)) for n in range(count)]


def box(name: str, x0: float, y0: float, x1: float, y1: float) -> Named:
    return [(name, Rect(x0, y0, x1, y1))]


def order(named: Named, seed: int = 1) -> list[str]:
    """The names in reading order, which must not depend on the order of the file."""
    shuffled = random.Random(seed).sample(named, len(named))
    return [shuffled[i][0] for i in reading_order([rect for _, rect in shuffled], WIDTH, HEIGHT)]


# -- what is not there, or not finite


@pytest.mark.parametrize(
    "rects",
    [
        [],
        [Rect(0, 0, 0, 0)],
        [Rect(100, 100, 50, 50)],
        [Rect(math.nan, 0, 10, 10), Rect(0, math.nan, 10, math.nan), Rect(0, 0, 10, 10)],
        [Rect(-math.inf, -math.inf, math.inf, math.inf), Rect(0, 0, 10, 10)],
        [Rect(1e308, -1e308, -1e308, 1e308)] * 3,
        [Rect(1, 2, 3, 4)] * 10,
    ],
    ids=["nothing", "a point", "turned inside out", "nowhere", "everywhere", "huge", "all the same"],
)
@pytest.mark.parametrize(
    "page", [(WIDTH, HEIGHT), (0.0, 0.0), (-1.0, -1.0)], ids=["A4", "no size", "negative"]
)
def test_damaged_rectangles_are_put_in_some_order(rects: list[Rect], page: tuple[float, float]) -> None:
    assert sorted(reading_order(rects, *page)) == list(range(len(rects)))
    columns(rects, *page)


_edges = st.one_of(st.floats(-50, 900), st.floats(), st.integers(0, 20).map(lambda n: 42.0 * n))


@given(st.lists(st.builds(Rect, _edges, _edges, _edges, _edges), max_size=40))
def test_order_of_any_rectangles_is_a_permutation(rects: list[Rect]) -> None:
    assert sorted(reading_order(rects, WIDTH, HEIGHT)) == list(range(len(rects)))


@given(st.integers(1, 4), st.integers(4, 30), st.floats(-8, 8), st.randoms(use_true_random=False))
def test_columns_are_read_whole_whatever_their_number_and_offset(
    count: int, lines: int, offset: float, dice: random.Random
) -> None:
    width = (WIDTH - 100) / count
    named: Named = []
    for number in range(count):
        left = 50 + number * width
        named += stack(f"{number}-", (left, left + width - 15), 100 + offset * number, lines)
    expected = [name for name, _ in named]
    dice.shuffle(named)
    assert [named[i][0] for i in reading_order([rect for _, rect in named], WIDTH, HEIGHT)] == expected


# -- what only looks like columns


@pytest.mark.parametrize(
    "rows",
    [
        [((72, 78), (90, 500))] * 12,
        [((72, 400), (500, 520))] * 20,
        [((72, 120), (250, 420))] * 12,
        [((72, 200), (250, 420))],
        [((72, 523), (72, 523))],
    ],
    ids=["marks of a list", "page numbers at the right edge", "keys and values", "one row", "one above"],
)
def test_rows_are_read_row_by_row(rows: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    named: Named = []
    for number, (left, right) in enumerate(rows):
        named += stack(f"left{number}-", left, 100 + 18 * number, 1)
        named += stack(f"right{number}-", right, 100 + 18 * number, 1)
    assert not columns([rect for _, rect in named], WIDTH, HEIGHT)
    assert order(named) == [name for name, _ in named]


def test_pieces_of_one_row_are_read_from_left_to_right_though_one_stands_a_little_higher() -> None:
    named = [*box("left", 72, 102, 200, 114), *box("right", 210, 100, 400, 112)]
    assert order(named) == ["left", "right"]


def test_paragraphs_with_a_gap_between_them_are_no_columns() -> None:
    named = [*stack("a", (72, 523), 100, 5), *stack("b", (100, 523), 300, 5)]
    assert not columns([rect for _, rect in named], WIDTH, HEIGHT)
    assert order(named) == [name for name, _ in named]


def test_narrow_text_below_on_the_other_side_is_no_column() -> None:
    named = [*stack("left", LEFT, 100, 5), *stack("right", RIGHT, 400, 5)]
    assert not columns([rect for _, rect in named], WIDTH, HEIGHT)


# -- columns, and what crosses them


def test_title_over_two_columns_comes_first() -> None:
    named = [
        *box("title", 100, 60, 500, 80),
        *stack("left", LEFT, 100, 20),
        *stack("right", RIGHT, 100, 20),
    ]
    assert order(named) == [name for name, _ in named]


def test_title_cuts_columns_into_bands() -> None:
    named = [
        *stack("upper-left", LEFT, 100, 10),
        *stack("upper-right", RIGHT, 100, 10),
        *box("title", 100, 300, 500, 320),
        *stack("lower-left", LEFT, 340, 10),
        *stack("lower-right", RIGHT, 340, 10),
    ]
    assert order(named) == [name for name, _ in named]


def test_figure_across_two_columns_stands_between_what_is_above_and_below() -> None:
    named = [
        *stack("upper-left", LEFT, 60, 12),
        *stack("upper-right", RIGHT, 60, 12),
        *box("figure", 72, 260, 523, 420),
        *stack("lower-left", LEFT, 440, 20),
        *stack("lower-right", RIGHT, 440, 20),
    ]
    assert order(named) == [name for name, _ in named]


def test_footnote_under_both_columns_comes_last() -> None:
    named = [
        *stack("left", LEFT, 100, 30),
        *stack("right", RIGHT, 100, 30),
        *stack("note", (72, 523), 700, 2),
    ]
    assert order(named) == [name for name, _ in named]


def test_gap_across_both_columns_does_not_tear_them() -> None:
    named = [
        *stack("left", LEFT, 100, 8),
        *stack("more-left", LEFT, 300, 8),
        *stack("right", RIGHT, 100, 8),
        *stack("more-right", RIGHT, 300, 8),
    ]
    assert order(named) == [name for name, _ in named]


def test_side_bar_is_read_after_the_text_beside_it() -> None:
    named = [*stack("text", (72, 400), 100, 35), *stack("bar", (420, 540), 150, 10)]
    assert order(named) == [name for name, _ in named]


def test_columns_inside_a_column_are_found() -> None:
    named = [
        *stack("wide", (40, 300), 100, 30),
        *box("heading", 320, 100, 560, 115),
        *stack("inner-left", (320, 435), 130, 28),
        *stack("inner-right", (445, 560), 130, 28),
    ]
    assert order(named) == [name for name, _ in named]


def test_lines_that_stick_out_a_little_do_not_hide_the_gutter() -> None:
    left, right = stack("left", LEFT, 100, 20), stack("right", RIGHT, 100, 20)
    left[4] = ("left4", left[4][1]._replace(x1=RIGHT[0] + 1.5))
    assert order([*left, *right]) == [name for name, _ in [*left, *right]]


# -- speed


@pytest.mark.parametrize("kind", ["scattered", "columns", "wide bands"])
def test_page_of_five_thousand_rectangles_takes_a_moment(kind: str) -> None:
    dice = random.Random(3)
    rects = []
    for number in range(5000):
        x, y = dice.uniform(20, 560), dice.uniform(0, 830)
        if kind == "columns":
            x, y = 20 + 110 * (number % 5) + dice.uniform(0, 20), number / 6.2
        wide = dice.uniform(300, 500) if kind == "wide bands" and number % 50 == 0 else dice.uniform(5, 80)
        rects.append(Rect(x if wide < 100 else 40, y, (x if wide < 100 else 40) + wide, y + 2))
    start = time.process_time()
    assert sorted(reading_order(rects, WIDTH, HEIGHT)) == list(range(5000))
    assert time.process_time() - start < 2
