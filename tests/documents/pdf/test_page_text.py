"""Lines of pages as they are drawn: in the coordinates of the page as it is shown."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from pdf_factory import LEFT, PdfBuilder

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.page_text import read_drawn_lines
from qa_engine.errors import DocumentError


def page_with(path: Path, rotation: int = 0, crop: tuple[float, float, float, float] | None = None) -> Path:
    builder = PdfBuilder().page().put("A line of the page.", LEFT, 300)
    page = builder.document[0]
    page.insert_text((200, 500), "Upwards", rotate=90)
    if crop:
        page.set_cropbox(pymupdf.Rect(crop))
    page.set_rotation(rotation)
    return builder.save(path)


@pytest.mark.parametrize(("rotation", "turn"), [(0, 0), (90, 90), (180, 180), (270, 270)])
def test_turned_pages(rotation: int, turn: int, tmp_path: Path) -> None:
    first, second = read_drawn_lines(page_with(tmp_path / "a.pdf", rotation), 1, ReadingOptions())
    assert (first.text, first.turn) == ("A line of the page.", turn)
    assert (second.text, second.turn) == ("Upwards", (turn + 270) % 360)
    width, height = first.x1 - first.x0, first.y1 - first.y0
    assert (width > height) == (turn in {0, 180})


def test_cropped_page_counts_from_its_own_corner(tmp_path: Path) -> None:
    whole = read_drawn_lines(page_with(tmp_path / "a.pdf"), 1, ReadingOptions())[0]
    cropped = read_drawn_lines(page_with(tmp_path / "b.pdf", crop=(50, 100, 500, 700)), 1, ReadingOptions())[
        0
    ]
    assert cropped.x0 == pytest.approx(whole.x0 - 50, abs=0.1)
    assert cropped.y0 == pytest.approx(whole.y0 - 100, abs=0.1)


def test_what_the_page_does_not_show_is_left_out(tmp_path: Path) -> None:
    builder = PdfBuilder().page().put("Shown.", LEFT, 100)
    builder.document[0].insert_text((LEFT, 200), "Hidden.", render_mode=3)
    lines = read_drawn_lines(builder.save(tmp_path / "a.pdf"), 1, ReadingOptions())
    assert [line.text for line in lines] == ["Shown."]


def test_page_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        read_drawn_lines(page_with(tmp_path / "a.pdf"), 2, ReadingOptions())
