"""Pieces get their sections, and tables their captions."""

from __future__ import annotations

import pytest

from qa_engine.documents.blocks import Line, Role, Table
from qa_engine.documents.text_flow.pieces import Piece, sections_of


def piece(role: Role, text: str, page: int = 1) -> Piece:
    table = Table([["a", "b"], ["1", "2"]], [(0, 0, 9, 9)] * 2) if role is Role.TABLE else None
    return Piece(role, [Line(text, page, 50, 100, 300, 110, 10, 0)], table)


def caption(number: int, page: int = 1) -> Piece:
    return piece(Role.CAPTION, f"Table {number}: Buoys.", page)


def table(page: int = 1) -> Piece:
    return piece(Role.TABLE, "1 2", page)


def test_no_pieces_have_the_section_of_the_text_before_any_heading() -> None:
    assert sections_of([]) == [()]


@pytest.mark.parametrize(
    ("pieces", "captions"),
    [
        ([caption(1), table(), caption(2), table()], ["1", "2"]),
        ([table(), caption(1), table(), caption(2)], ["1", "2"]),
        ([table(), caption(1), table()], ["1", ""]),
        ([caption(1), table(page=2)], [""]),
        ([table(), piece(Role.BODY, "Buoys drift.")], [""]),
    ],
)
def test_a_caption_is_that_of_one_table(pieces: list[Piece], captions: list[str]) -> None:
    sections_of(pieces)
    found = [one.caption[6:7] for one in pieces if one.role is Role.TABLE]
    assert found == captions
