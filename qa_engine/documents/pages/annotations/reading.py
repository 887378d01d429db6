"""Reads what stands on a page beside its text, before the text is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from qa_engine.documents.blocks import Block
from qa_engine.documents.pages.annotations.form_fields import FormField, take_fields
from qa_engine.documents.pages.annotations.notes import take_notes
from qa_engine.text.one_line import first_line


@dataclass
class Annotations:
    """What stands on a page beside its text, at its places on the page as it is shown.

    Attributes:
        fields: of a form.
        notes: of readers, a block for each paragraph.
        files: role and name of each file that is attached to the page.
        doubts: what could not be read.
    """

    fields: list[FormField] = field(default_factory=list)
    notes: list[Block] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def move(self, rotation: tuple[float, float, float, float, float, float] | None) -> None:
        """Moves all into the space of the blocks of the page: ``rotation`` is the matrix from there, or None."""
        import pymupdf

        if rotation is None:
            return
        inverse = ~pymupdf.Matrix(*rotation)
        self.fields = [item.at(pymupdf.Rect(item.rect) * inverse) for item in self.fields]
        for line in (line for block in self.notes for line in block.lines):
            line.x0, line.y0, line.x1, line.y1 = pymupdf.Rect(line.x0, line.y0, line.x1, line.y1) * inverse


def read_annotations(page: Any, number: int) -> Annotations:
    """The annotations of a ``pymupdf.Page`` with this number (from 1). Damaged ones are a doubt.

    Values of fields and comments with a line to a place are painted on the page; they are hidden there, in memory. A page
    that has nothing but links takes 0.05 ms.
    """
    import pymupdf

    result = Annotations()
    kinds = {kind for _, kind, _ in page.annot_xrefs()} - {pymupdf.PDF_ANNOT_LINK, pymupdf.PDF_ANNOT_POPUP}

    def read(what: str, task: Callable[[], None]) -> None:
        try:
            task()
        except (RuntimeError, ValueError, TypeError, AttributeError, pymupdf.mupdf.FzErrorBase) as error:
            result.doubts.append(f"its {what} cannot be read ({first_line(error) or type(error).__name__})")

    def read_fields() -> None:
        result.fields = take_fields(page)

    def read_notes() -> None:
        result.notes, result.files = take_notes(page, number)

    if pymupdf.PDF_ANNOT_WIDGET in kinds:
        read("form", read_fields)
    if kinds - {pymupdf.PDF_ANNOT_WIDGET}:
        read("notes", read_notes)
    return result
