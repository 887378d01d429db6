"""PyMuPDF's layout model: a page in, its parts with roles, places and the grids of tables out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from qa_engine.documents.blocks import Rect, Role
from qa_engine.documents.pages.parsers.layout_images import use_faster_arithmetic
from qa_engine.documents.pages.parsers.layout_sessions import sessions_with_threads
from qa_engine.models.runtime.onnx_runtime import telemetry_disabled

_ROLES = {
    "text": Role.BODY,
    "title": Role.HEADING,
    "section-header": Role.HEADING,
    "list-item": Role.LIST,
    "table": Role.TABLE,
    "caption": Role.CAPTION,
    "footnote": Role.FOOTNOTE,
    "formula": Role.FORMULA,
    "picture": Role.FIGURE,
    "page-header": Role.HEADER,
    "page-footer": Role.FOOTER,
}
_LAYOUT = "pymupdf.layout"
_MIN_SIDE = 2.0
"""Boxes that are narrower or lower than so many points are lines and not text."""
_threads: int | None = None
"""How many threads the layout model has, in processes of our own."""


@dataclass(frozen=True)
class LayoutBox:
    """A part of a page.

    Attributes:
        role: what it is.
        rect: where it is, in points.
        rows, columns: for a table, the edges of its rows and of its columns, in points; empty if they are not known.
    """

    role: Role
    rect: Rect
    rows: Sequence[float] = ()
    columns: Sequence[float] = ()


def import_without_layout() -> None:
    """Imports PyMuPDF without its layout model, which takes half of the time of the import and 55 MB.

    `find_boxes` loads it with the first page that needs it. Only for processes of our own: in others, somebody may need
    what ``import pymupdf`` brings.
    """
    if "pymupdf" in sys.modules:
        return
    sys.modules[_LAYOUT] = None  # type: ignore[assignment]
    try:
        import pymupdf  # noqa: F401
    finally:
        del sys.modules[_LAYOUT]


def limit_threads(threads: int) -> None:
    """Bounds the threads that the layout model computes a page with, and lets them sleep while they wait.

    Only for processes of our own, before the model is loaded: elsewhere the model runs as PyMuPDF loads it. Its threads
    spin while they wait then: measured on two cores, 0.38 processor seconds a page instead of 0.26, at the same speed.
    """
    global _threads
    _threads = threads


def _load_model() -> None:
    """Loads the layout model unless that has happened."""
    if _LAYOUT in sys.modules:
        return
    with telemetry_disabled(), nullcontext() if _threads is None else sessions_with_threads(_threads):
        import pymupdf.layout
    pymupdf.layout.activate()
    if _threads is not None:
        use_faster_arithmetic()
        _leave_out_styles()


def _leave_out_styles() -> None:
    """Has the layout model read pages without looking for underlined text and for letters printed twice to look bold.

    For that, MuPDF compares each letter with all others and with all rules of the page. Measured on 126 pages of filings:
    14 milliseconds of processor time a page less, and on 6 of them another role for a line or two, no worse than before; on
    nine reports and papers with a reference, the same similarity to it.
    """
    from pymupdf.layout import pymupdf_util_base

    read = pymupdf_util_base.create_stext_page

    def without_styles(page: Any, flags: int) -> Any:
        import pymupdf

        return read(page, flags & ~pymupdf.TEXT_COLLECT_STYLES)

    pymupdf_util_base.create_stext_page = without_styles


def find_boxes(page: Any) -> list[LayoutBox]:
    """The parts of a ``pymupdf.Page`` as the layout model sees them; text may lie outside of all of them."""
    _load_model()
    page.get_layout(return_raw=True)
    boxes = []
    for group in page.layout_information or ():
        rect = Rect(*(float(edge) for edge in group["group_bbox"][:4]))
        if rect.x1 - rect.x0 > _MIN_SIDE and rect.y1 - rect.y0 > _MIN_SIDE:
            rows, columns = _grid(group.get("table_grid"), rect)
            boxes.append(LayoutBox(_ROLES.get(group["class_name"], Role.BODY), rect, rows, columns))
    return boxes


def _grid(grid: Any, rect: Rect) -> tuple[list[float], list[float]]:
    if not grid:
        return [], []
    rows = [rect.y0, *(float(y) + rect.y0 for y in grid.h_lines), rect.y1]
    columns = [rect.x0, *(float(x) + rect.x0 for x in grid.v_lines), rect.x1]
    return sorted(rows), sorted(columns)
