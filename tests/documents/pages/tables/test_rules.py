"""What of the drawings of a page is a rule."""

from __future__ import annotations

from typing import Any

import pymupdf

from qa_engine.documents.pages.tables.rules import Rules


def rules_of(draw: Any) -> Rules:
    document = pymupdf.open()
    page = document.new_page()
    draw(page)
    return Rules.from_drawings(page.get_cdrawings())


def test_slanted_curved_unseen_and_white_strokes_are_none() -> None:
    def draw(page: Any) -> None:
        page.draw_line((72, 100), (300, 160))
        page.draw_circle((200, 300), 40)
        page.draw_line((72, 400), (300, 400), stroke_opacity=0)
        page.draw_rect((72, 500, 300, 500.5), color=None, fill=(1, 1, 1))

    found = rules_of(draw)
    assert not found.horizontal
    assert not found.vertical


def test_dashes_and_the_borders_of_neighbouring_cells_are_one_rule() -> None:
    def draw(page: Any) -> None:
        for number in range(40):
            page.draw_line((72 + 4 * number, 100), (74.5 + 4 * number, 100))
        page.draw_rect((72, 200, 172, 200.5), color=None, fill=(0, 0, 0))
        page.draw_rect((172, 200.2, 272, 200.7), color=None, fill=(0, 0, 0))

    first, second = rules_of(draw).horizontal
    assert (round(first.start), round(first.end)) == (72, 230)
    assert (round(second.start), round(second.end)) == (72, 272)


def test_pale_strips_of_shaded_rows_are_no_rules() -> None:
    def draw(page: Any) -> None:
        for x0, x1 in ((72, 200), (200, 201.2), (201.2, 300)):
            page.draw_rect((x0, 100, x1, 120), color=None, fill=(0.8, 0.93, 1))

    found = rules_of(draw)
    assert not found.vertical
    assert found.shades
