"""PyMuPDF's layout model: a page in, classified boxes out. Loaded on first use, with bounded threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qa_engine.documents.blocks import Role
from qa_engine.documents.reading_order import Rect

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
_MIN_SIDE = 2.0
_threads: int | None = None
_LAYOUT = "pymupdf.layout"


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
    """Imports PyMuPDF without its layout model, which costs half of the import and 55 MB, until it is wanted.

    For processes of our own: elsewhere, others may count on what ``import pymupdf`` brings.
    """
    if "pymupdf" in sys.modules:
        return
    sys.modules[_LAYOUT] = None  # type: ignore[assignment]
    try:
        import pymupdf  # noqa: F401
    finally:
        del sys.modules[_LAYOUT]


def limit_threads(threads: int) -> None:
    """Bounds the threads that the layout model computes a page with, if it is not loaded yet."""
    global _threads
    _threads = threads


def load_layout_model() -> None:
    """Loads the layout model unless that has happened.

    As PyMuPDF loads it, threads of onnxruntime spin while they wait: measured on two cores, 0.38 processor seconds a
    page instead of 0.26, at the same speed.
    """
    if _LAYOUT in sys.modules:
        return
    with _patient_sessions():
        import pymupdf.layout

        pymupdf.layout.activate()


def find_boxes(page: Any) -> list[LayoutBox]:
    """The parts of a page; text may lie outside of all of them.

    Args:
        page: a ``pymupdf.Page``.
    """
    load_layout_model()
    page.get_layout(return_raw=True)
    found = []
    for group in page.layout_information or ():
        rect = Rect(*(float(edge) for edge in group["group_bbox"][:4]))
        if rect.x1 - rect.x0 > _MIN_SIDE and rect.y1 - rect.y0 > _MIN_SIDE:
            rows, columns = _grid(group.get("table_grid"), rect)
            found.append(LayoutBox(_ROLES.get(group["class_name"], Role.BODY), rect, rows, columns))
    return found


def _grid(grid: Any, rect: Rect) -> tuple[list[float], list[float]]:
    if not grid:
        return [], []
    rows = [rect.y0, *(float(y) + rect.y0 for y in grid.h_lines), rect.y1]
    columns = [rect.x0, *(float(x) + rect.x0 for x in grid.v_lines), rect.x1]
    return sorted(rows), sorted(columns)


@contextmanager
def _patient_sessions() -> Iterator[None]:
    """Inside, sessions of onnxruntime are made with bounded threads, which do not spin while they wait."""
    import onnxruntime

    original = onnxruntime.InferenceSession

    class Patient(original):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            settings = options.get("sess_options") or onnxruntime.SessionOptions()
            settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
            if _threads is not None:
                settings.intra_op_num_threads = _threads
                settings.inter_op_num_threads = 1
            options["sess_options"] = settings
            super().__init__(*arguments, **options)

    onnxruntime.InferenceSession = Patient
    try:
        yield
    finally:
        onnxruntime.InferenceSession = original
