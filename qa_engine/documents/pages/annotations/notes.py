"""The notes that readers leave on a page: sticky notes, replies, and comments on marked text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qa_engine.documents.blocks import Block, Line, Role
from qa_engine.documents.pages.annotations.attachments import ATTACHMENT, file_name
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.text.one_line import one_line

_COPIES = frozenset({"Highlight", "Underline", "Squiggly", "StrikeOut", "Stamp"})
"""Marks whose comment may be a copy of the text that they mark or paint, which some programs make unasked."""
_NOTES = _COPIES | {
    "Text",
    "Caret",
    "Ink",
    "Square",
    "Circle",
    "Line",
    "Polygon",
    "PolyLine",
    "FileAttachment",
}
"""Annotations with a comment that a click shows."""
_PAINTED, _CALLOUT = "FreeText", "FreeTextCallout"
"""Text that is painted on the page, such as what people write into a form; with a line to a place it is a comment."""
_CALLED_NOTE = re.compile(r"\W?(\w{0,6}(批注|批語|批语|备注|備註|注[:：])|(note|comment|remark)s?\b)", re.I)
_HIDDEN = 2 | 32
_MAX_AUTHOR = 40
_SIZE = 10.0


def take_notes(page: Any, number: int) -> tuple[list[Block], list[tuple[str, str]]]:
    """The notes on a ``pymupdf.Page`` with this number (from 1), replies after what they answer.

    The first line of each begins with 批注 or Note, and its author, so that it is not taken for the text of the page.
    Comments that are painted, with a line to what they are about, are hidden on the page in memory.

    Returns:
        A block for each paragraph of a note, at the place of its mark on the page as it is shown; and role and name of each
        file attached to the page.
    """
    found: list[tuple[tuple[float, float, int], Any]] = []
    places: dict[int, tuple[float, float]] = {}
    files: list[tuple[str, str]] = []
    page_text: str | None = None
    for index, annotation in enumerate(_annotations(page)):
        reply_to = _get(annotation, "IRT")
        is_reply = bool(reply_to.m_internal)
        # Acrobat hides the marks of replies, and shows their text with the first note.
        hidden = (_number(reply_to, "F") if is_reply else annotation.flags) & _HIDDEN
        if hidden or _get(annotation, "StateModel").m_internal:
            continue
        kind = annotation.type[1]
        if kind == "FileAttachment":
            files.append((ATTACHMENT, file_name(_get(annotation, "FS"))))
        text = annotation.info["content"].strip()
        if not text:
            continue
        if kind in _COPIES:
            if page_text is None:
                page_text = _squeezed(page.get_text())
            if _squeezed(text) in page_text:
                continue
        if kind == _PAINTED:
            annotation.set_flags(annotation.flags | _HIDDEN)
        rect = annotation.rect
        place = places.get(_xref(reply_to), (rect.y0, rect.x0)) if is_reply else (rect.y0, rect.x0)
        places[annotation.xref] = place
        found.append(((*place, index), annotation))
    blocks: list[Block] = []
    for _, annotation in sorted(found, key=lambda item: item[0]):
        blocks.extend(Block(Role.NOTE, [line]) for line in _lines(annotation, page, number))
    return blocks, files


def _annotations(page: Any) -> Iterator[Any]:
    annotation = page.first_annot
    while annotation:
        painted = annotation.type[1] == _PAINTED and _intent(annotation) == _CALLOUT
        if painted or annotation.type[1] in _NOTES:
            yield annotation
        annotation = annotation.next


def _lines(annotation: Any, page: Any, number: int) -> Iterator[Line]:
    """A line for each paragraph of a note."""
    paragraphs = [text for part in annotation.info["content"].splitlines() if (text := clean(part))]
    author = one_line(clean(annotation.info["title"]), _MAX_AUTHOR)
    rect = annotation.rect * page.rotation_matrix
    for index, text in enumerate(paragraphs):
        if index == 0 and (author or not _CALLED_NOTE.match(text)):
            chinese = count_han("".join(paragraphs)) > 0
            by = (f"（{author}）" if chinese else f" ({author})") if author else ""
            text = f"批注{by}：{text}" if chinese else f"Note{by}: {text}"
        yield Line(text, number, rect.x0, rect.y0, rect.x1, rect.y1, _SIZE, 0)


def _squeezed(text: str) -> str:
    return "".join(clean(text).split()).casefold()


def _get(annotation: Any, key: str) -> Any:
    from pymupdf import mupdf

    return mupdf.pdf_dict_gets(mupdf.pdf_annot_obj(annotation.this), key)


def _intent(annotation: Any) -> str:
    from pymupdf import mupdf

    return str(mupdf.pdf_to_name(_get(annotation, "IT")))


def _number(item: Any, key: str) -> int:
    from pymupdf import mupdf

    return int(mupdf.pdf_to_int(mupdf.pdf_dict_gets(item, key)))


def _xref(item: Any) -> int:
    from pymupdf import mupdf

    return int(mupdf.pdf_to_num(item))
