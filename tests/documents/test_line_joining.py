"""Pieces of lines, joined by baseline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.blocks import Line
from qa_engine.documents.line_joining import baseline_overlap, joined, rows_of


def piece(text: str, x0: float = 72, y0: float = 100, x1: float | None = None, **more: object) -> Line:
    fields: dict[str, object] = {"y1": y0 + 12, "size": 10.0, "block": 0, **more}
    return Line(text, 1, x0, y0, x0 + 6 * len(text) if x1 is None else x1, **fields)  # type: ignore[arg-type]


def texts(rows: list[list[Line]]) -> list[list[str]]:
    return [[piece.text for piece in row] for row in rows]


# -- rows


def test_no_pieces_make_no_rows() -> None:
    assert rows_of([]) == []


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (piece("b", 200), True),
        (piece("b", 200, 104), True),
        (piece("b", 200, 98, y1=104.5, size=6), True),
        (piece("b", 200, 107), False),
        (piece("b", 200, 112), False),
        (piece("b", 200, 106, y1=106), False),
    ],
    ids=["level", "a little lower", "a raised number", "half a line lower", "next line", "no height"],
)
def test_pieces_are_of_one_row_if_they_are_beside_each_other(second: Line, same: bool) -> None:
    assert (len(rows_of([piece("a"), second])) == 1) is same


def test_rows_come_from_top_to_bottom_and_their_pieces_from_left_to_right() -> None:
    pieces = [piece("d", 300, 130), piece("b", 300, 101), piece("c", 72, 130), piece("a", 72, 100)]
    assert texts(rows_of(pieces)) == [["a", "b"], ["c", "d"]]


def test_lines_that_lie_close_are_not_chained_into_one_row() -> None:
    pieces = [piece(str(number), 72, 100 + 9 * number) for number in range(20)]
    assert [len(row) for row in rows_of(pieces)] == [1] * 20


_pieces = st.builds(
    piece, st.sampled_from(["a", "bc"]), st.floats(0, 500), st.floats(0, 300), y1=st.floats(0, 320)
)


@given(st.lists(_pieces, max_size=25))
def test_every_piece_is_in_one_row(pieces: list[Line]) -> None:
    found = [id(piece) for row in rows_of(pieces) for piece in row]
    assert sorted(found) == sorted(id(piece) for piece in pieces)
    assert all(row == sorted(row, key=lambda piece: piece.x0) for row in rows_of(pieces))


# -- joining


def test_joined_line_spans_its_pieces_and_takes_the_look_of_the_longest() -> None:
    row = [
        piece("1", 72, 98, size=14.0, bold=True, block=3),
        piece("Introduction", 100, 100, y1=115, size=12.0, block=4),
    ]
    line = joined(row)
    assert (line.text, line.size, line.bold, line.block) == ("1 Introduction", 12.0, False, 3)
    assert (line.x0, line.y0, line.x1, line.y1) == (72, 98, 172, 115)


def test_places_where_sentences_may_end_move_with_their_pieces() -> None:
    row = [piece("A. B", cuts=((3, 80.0),)), piece("C. D", 200, cuts=((3, 210.0),))]
    assert joined(row).cuts == ((3, 80.0), (5, 200), (8, 210.0))


def test_single_piece_stays_as_it_is() -> None:
    line = piece("A. B", cuts=((3, 80.0),), bold=True)
    assert joined([line]) == line


# -- overlap


@pytest.mark.parametrize(
    ("second", "share"),
    [
        (piece("b"), 1.0),
        (piece("b", y0=106), 0.5),
        (piece("b", y0=103, y1=109), 1.0),
        (piece("b", y0=112), 0.0),
        (piece("b", y0=118), -0.5),
    ],
    ids=["level", "half", "inside", "touching", "apart"],
)
def test_overlap_is_the_share_of_the_lower_of_two_lines(second: Line, share: float) -> None:
    assert baseline_overlap(piece("a"), second) == pytest.approx(share)
    assert baseline_overlap(second, piece("a")) == pytest.approx(share)


def test_overlap_of_lines_without_height_is_no_division_by_zero() -> None:
    flat = piece("a", y1=100)
    assert baseline_overlap(flat, flat) == 0.0
