"""Pieces of lines, made blocks by geometry alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.blocks import Line, Role
from qa_engine.documents.pages.parsers.fast import build_blocks, lines_in_order

WIDTH, HEIGHT = 595.0, 842.0


def piece(text: str, y: float = 100, x0: float = 72, x1: float = 500, size: float = 10) -> Line:
    return Line(text, 1, x0, y, x1, y + 1.2 * size, size=size, block=7)


def stack(name: str, count: int, x0: float, x1: float, top: float = 100, leading: float = 14) -> list[Line]:
    return [piece(f"{name}{n}", top + n * leading, x0, x1) for n in range(count)]


def blocks(*pieces: Line) -> list[list[str]]:
    return [[line.text for line in block.lines] for block in build_blocks(pieces, WIDTH, HEIGHT)]


# -- blocks


def test_page_without_text_has_no_blocks() -> None:
    assert blocks() == []


@pytest.mark.parametrize(
    ("second", "together"),
    [
        (piece("b", 114), True),
        (piece("b", 120.5), True),
        (piece("b", 122), False),
        (piece("b", 108), True),
        (piece("b", 114, size=10.5), True),
        (piece("b", 114, size=12), False),
        (piece("b", 114, x0=300, x1=400), True),
        (piece("b", 114, x0=501, x1=520), False),
    ],
    ids=["next line", "small gap", "wide gap", "overlap", "nearly one size", "larger", "indented", "beside"],
)
def test_lines_make_one_block_if_they_are_close_and_alike(second: Line, together: bool) -> None:
    assert (len(blocks(piece("a"), second)) == 1) is together


def test_blocks_are_body_and_their_lines_know_them() -> None:
    found = build_blocks([piece("a"), piece("b", 300), piece("c", 314)], WIDTH, HEIGHT)
    assert {block.role for block in found} == {Role.BODY}
    assert [[line.block for line in block.lines] for block in found] == [[0], [1, 1]]


# -- lines


def test_pieces_of_a_row_are_one_line() -> None:
    pieces = [piece("value", 100, 250, 300), piece("Key", 101, 72, 120)]
    assert [line.text for line in lines_in_order(pieces, WIDTH, HEIGHT)] == ["Key value"]


def test_page_of_one_column_is_read_by_baseline_whatever_the_order_of_the_file() -> None:
    assert blocks(piece("c", 128), piece("a", 100), piece("b", 114)) == [["a", "b", "c"]]


def test_columns_are_read_one_after_the_other() -> None:
    left, right = stack("left", 15, 72, 285), stack("right", 15, 310, 523)
    rows = [piece for pair in zip(left, right, strict=True) for piece in pair]
    assert blocks(*rows) == [[f"left{n}" for n in range(15)], [f"right{n}" for n in range(15)]]


@pytest.mark.parametrize("mark", ["1", "•", "3.2"])
def test_mark_in_a_column_is_joined_to_its_text(mark: str) -> None:
    left, right = stack("left", 15, 72, 285), stack("right", 15, 310, 523)
    left[7:8] = [piece(mark, left[7].y0, 72, 82), piece("text", left[7].y0, 92, 285)]
    texts = [line.text for line in lines_in_order([*left, *right], WIDTH, HEIGHT)]
    assert texts[6:9] == ["left6", f"{mark} text", "left8"]


def test_lines_of_two_columns_are_not_joined_over_the_gutter() -> None:
    pieces = [*stack("long line left", 15, 72, 290), *stack("right", 15, 305, 523)]
    assert all(" right" not in line.text for line in lines_in_order(pieces, WIDTH, HEIGHT))


@pytest.mark.parametrize("count", [1400, 6000], ids=["columns looked for", "a drawing"])
def test_page_of_thousands_of_pieces_takes_a_moment(count: int) -> None:
    pieces = [
        piece(str(n), (n * 37 % 820), 20 + n * 61 % 530, 20 + n * 61 % 530 + 9, size=5) for n in range(count)
    ]
    start = time.process_time()
    found = build_blocks(pieces, WIDTH, HEIGHT)
    assert time.process_time() - start < 2
    assert sum(len(line.text.split()) for block in found for line in block.lines) == count


_pieces = st.builds(
    piece,
    st.sampled_from(["a", "bc", "•"]),
    st.floats(0, 800),
    st.sampled_from([72.0, 90.0, 310.0]),
    st.sampled_from([285.0, 320.0, 523.0]),
    st.sampled_from([8.0, 10.0, 20.0]),
)


@given(st.lists(_pieces, max_size=30))
def test_no_word_is_lost(pieces: list[Line]) -> None:
    words = sorted(piece.text for piece in pieces)
    assert sorted(word for block in blocks(*pieces) for text in block for word in text.split()) == words
