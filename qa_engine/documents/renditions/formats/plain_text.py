"""Text files: a paragraph each line, or each group of lines that were wrapped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from qa_engine.documents.blocks import Role
from qa_engine.documents.files import read_all
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Content, Element
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.documents.renditions.typesetting import typeset
from qa_engine.text.language import is_chinese

_WRAPPED_LINES = 4
"""A file has so many lines at least from which it can be seen that its lines were wrapped."""
_FULL = 0.8
"""A line is full if it has this share of the characters of the longest ones."""
_END = re.compile(r"[。！？!?.;；:：…”’」』）)\]]$")
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a text file.

    Raises:
        DocumentError: it cannot be read, or has no text.
    """
    text, doubts = decoded(read_all(path))
    elements = [Element(Role.BODY, paragraph) for paragraph in paragraphs(text)]
    return typeset(Content(elements, doubts=doubts))


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a text: its lines, or, if its lines were wrapped at a width, what is between empty lines."""
    lines = [_NOT_SHOWN.sub("", line).expandtabs(4).rstrip() for line in text.split("\n")]
    width = _wrapped_at([line for line in lines if line.strip()])
    current: list[str] = []
    for line in lines:
        begins = not line.strip() or width is None or not current or line[:1] in " \u3000"
        if begins or len(current[-1]) < _FULL * (width or 0):
            if current:
                yield _joined(current)
            current = []
        if line.strip():
            current.append(line)
    if current:
        yield _joined(current)


def _wrapped_at(lines: list[str]) -> int | None:
    """The width at which lines were wrapped, in characters; None if each line is a paragraph."""
    if len(lines) < _WRAPPED_LINES:
        return None
    lengths = sorted(len(line) for line in lines)
    longest = lengths[int(0.95 * (len(lengths) - 1))]
    full = [line for line in lines if len(line) >= _FULL * longest]
    open_ended = sum(1 for line in full if not _END.search(line))
    usual = 20 <= longest <= 120 and median(lengths) >= 0.5 * longest
    return longest if usual and len(full) >= _WRAPPED_LINES and open_ended >= 0.4 * len(full) else None


def _joined(lines: list[str]) -> str:
    text = lines[0].strip()
    for line in lines[1:]:
        following = line.strip()
        tight = is_chinese(text[-1:]) or is_chinese(following[:1])
        text += following if tight else f" {following}"
    return text
