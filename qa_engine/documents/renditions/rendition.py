"""A file as pages of a PDF, with what stands on them if that is known better than the PDF says it."""

from __future__ import annotations

from dataclasses import dataclass

from qa_engine.documents.blocks import Page


@dataclass(frozen=True)
class Rendition:
    """A file as pages.

    Attributes:
        pdf: the pages that people are shown, as the bytes of a PDF without a password.
        pages: what stands on each of them, from the first to the last: blocks with their roles, in reading order, and the
            rectangles of their lines. None if it is to be read from the PDF, as of any other PDF.
    """

    pdf: bytes
    pages: list[Page] | None = None
