"""Word documents: their text as it is accepted, with sections, numbers, lists, tables, text boxes, notes and comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Content
from qa_engine.documents.renditions.formats.word.body import BodyReader
from qa_engine.documents.renditions.formats.word.numbering import Numbering
from qa_engine.documents.renditions.formats.word.parts import W, WordFile
from qa_engine.documents.renditions.formats.word.styles import read_styles
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import typeset
from qa_engine.text.one_line import one_line

_NOTES = (("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment"))
_MARGINS = ("header", "footer")
_MAX_LEFT_OUT = 120


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a Word document.

    Raises:
        DocumentError: it cannot be read.
    """
    return typeset(content_of_word(path))


def content_of_word(path: Path) -> Content:
    """What a Word document consists of: insertions are in, deletions, hidden text, headers and footers out.

    Footnotes and comments are behind the paragraph or table that they belong to, endnotes at the end.

    Raises:
        DocumentError: it cannot be read.
    """
    with WordFile(path) as file:
        notes = {
            (kind, note.get(f"{W}id") or ""): note
            for part, kind in _NOTES
            for root in file.parts(part)
            for note in root.iter(W + kind)
        }
        reader = BodyReader(read_styles(file.parts("styles")), Numbering(file.parts("numbering")), notes)
        body = file.body()
        content = Content(list(reader.elements(body)), *file.facts())
        content.left_out = [*reader.left_out, *_margins(file)]
        if next(body.iter(W + "altChunk"), None) is not None:
            content.doubts.append("files inside of it are not read")
    return content


def _margins(file: WordFile) -> Iterator[tuple[str, str]]:
    """The headers and footers of the pages, each once."""
    for kind in _MARGINS:
        found: dict[str, None] = {}
        root: Any
        for root in file.parts(kind):
            found[one_line("".join(part.text or "" for part in root.iter(W + "t")), _MAX_LEFT_OUT)] = None
        yield from ((kind, text) for text in found if text)
