"""The boxes that PyMuPDF's layout model finds, and how it is loaded."""

from __future__ import annotations

import subprocess
import sys

import pymupdf
from pdf_factory import LEFT, RIGHT, SOLAR_SYSTEM, PdfBuilder, wrap

from qa_engine.documents.blocks import Role
from qa_engine.documents.pages.parsers.layout_model import LayoutBox, find_boxes

LOADING = """
import sys
from qa_engine.documents.pages.parsers.layout_model import find_boxes, import_without_layout, limit_threads

assert "pymupdf" not in sys.modules, "something imports PyMuPDF at once"
import_without_layout()
assert "pymupdf" in sys.modules
assert "pymupdf.layout" not in sys.modules, "PyMuPDF brought its layout model"

import pymupdf

document = pymupdf.open()
page = document.new_page()
page.insert_text((72, 100), "A heading", fontsize=20)
page.insert_text((72, 140), "And a line of text below it, which is somewhat longer.")
limit_threads(1)
import onnxruntime

before = onnxruntime.InferenceSession
print(len(find_boxes(page)))
assert onnxruntime.InferenceSession is before, "the patch stays behind"
assert "pymupdf.layout" in sys.modules
import_without_layout()
assert sys.modules["pymupdf.layout"] is not None
print(len(find_boxes(page)))
"""


def boxes(builder: PdfBuilder) -> list[LayoutBox]:
    with pymupdf.open(stream=builder.document.tobytes(), filetype="pdf") as document:
        return find_boxes(document[0])


def test_model_is_loaded_when_it_is_wanted_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    assert first == second != "0"


def test_empty_page_has_no_boxes() -> None:
    assert boxes(PdfBuilder().page()) == []


def test_boxes_hold_the_text_in_points_and_only_tables_have_edges() -> None:
    builder = PdfBuilder().page()
    lines = wrap(" ".join(SOLAR_SYSTEM), RIGHT - LEFT)
    end = builder.lines(lines)
    (found,) = boxes(builder)
    assert (found.role, found.rows, found.columns) == (Role.BODY, [], [])
    assert abs(found.rect.x0 - LEFT) < 6
    assert abs(found.rect.x1 - RIGHT) < 30
    assert abs(found.rect.y1 - end + 15) < 12


def test_edges_of_a_table_lie_between_its_cells() -> None:
    builder = PdfBuilder().page()
    builder.lines(wrap(SOLAR_SYSTEM[0], RIGHT - LEFT))
    for row in range(5):
        for column in range(3):
            text = f"Column {column}" if not row else f"{row}{column}.5"
            builder.put(text, LEFT + 150 * column, 214 + 20 * row)
        builder.document[0].draw_line((LEFT, 200 + 20 * row), (RIGHT, 200 + 20 * row))
    builder.document[0].draw_line((LEFT, 300), (RIGHT, 300))
    (table,) = [box for box in boxes(builder) if box.role is Role.TABLE]
    assert table.rows == sorted(table.rows)
    assert len(table.rows) == 6
    assert all(abs(edge - 200 - 20 * n) < 4 for n, edge in enumerate(table.rows[1:5], 1))
    assert len(table.columns) == 4
    assert LEFT + 40 < table.columns[1] < LEFT + 150 < LEFT + 190 < table.columns[2] < LEFT + 300
    assert (table.rows[0], table.rows[-1]) == (table.rect.y0, table.rect.y1)
