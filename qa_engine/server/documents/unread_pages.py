"""Why nothing of a page is in the index: its text is looked at again, without recognising any."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import is_document
from qa_engine.server.documents.originals import Original
from qa_engine.server.documents.page_images import PageImages
from qa_engine.server.problems import ProblemError
from qa_engine.text.one_line import one_line

_MAX_LINES, _MAX_CHARS = 10, 120
Reason = Literal[
    "out_of_range", "awaits_ocr", "no_text", "garbled", "damaged", "blank", "left_out", "unknown"
]


class UnreadPage(BaseModel):
    """Why nothing of a page is in the index.

    Attributes:
        reason: `out_of_range`: the file has fewer pages; `awaits_ocr`: it is an image, and OCR was missing when the file
            was read; `no_text`: it is an image, and nothing was recognised; `garbled`, `damaged`: its text cannot be read;
            `blank`: it is empty; `left_out`: it has text, such as headers and footers, and none that makes sentences;
            `unknown`: the page cannot be looked at again.
        lines: of `left_out`, the first lines.
    """

    reason: Reason
    lines: list[str] = []


async def why_unread(
    images: PageImages, original: Original | None, record: FileRecord, number: int
) -> UnreadPage:
    """Why nothing of a page is in the index.

    Args:
        images: reads the page, in a process of its own.
        original: the file; None if it is not there.
        record: what is known of it.
        number: of the page, from 1.
    """
    if number > record.pages:
        return UnreadPage(reason="out_of_range")
    if original is None or is_document(record.path):
        return UnreadPage(reason="unknown")
    try:
        unread, lines = await images.text(original, number)
    except ProblemError as problem:
        if problem.code not in {"page_not_drawn", "gone"}:
            raise
        return UnreadPage(reason="unknown")
    if unread == "no_text":
        return UnreadPage(reason="awaits_ocr" if record.awaits_ocr else "no_text")
    if unread is not None:
        return UnreadPage(reason="garbled" if unread == "garbled" else "damaged")
    shown = [line for text in lines if (line := one_line(text, _MAX_CHARS))]
    return UnreadPage(reason="left_out" if shown else "blank", lines=shown[:_MAX_LINES])
