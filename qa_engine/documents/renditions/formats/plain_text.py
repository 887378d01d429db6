"""Text files: a paragraph each line, or each group of lines that were wrapped; headings by their numbers and places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from qa_engine.documents.blocks import Role
from qa_engine.documents.files import read_all
from qa_engine.documents.pages.block_roles import LIST_ITEM, NUMBERED_HEADING, numbering_rank
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Content, Element
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.documents.renditions.typesetting import typeset

_WRAPPED_LINES = 4
"""A file has so many lines at least from which it can be seen that its lines were wrapped."""
_FULL = 0.8
"""A line is full if it has this share of the characters of the longest ones."""
_END = re.compile(r"[。！？!?.;；:：…”’」』）)\]]$")
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_INDENTS = " \u3000"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_NO_HEADING = re.compile(r"[。！？!?；;，,、：:…—]$|[。！？；]|[.!?]\s|\.$|://|[=<>{}|]")
"""Signs of what is a sentence, a pair of a key and its value, or no prose at all."""
_CHINESE_RANKS = range(5)
"""The ranks of 第一编 to （一）, by `numbering_rank`."""
_HEADING_WIDTH = 60
"""A heading is no wider, in Latin letters; a Han character is as wide as two."""
_LONGER = 2
"""The paragraph below a heading without a number is at least so many times as wide."""


class Paragraph(NamedTuple):
    """A paragraph, and whether an empty line, or the beginning of the file, is before it."""

    text: str
    apart: bool


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a text file.

    Raises:
        DocumentError: it cannot be read, or has no text.
    """
    text, doubts = decoded(read_all(path))
    return typeset(Content(list(elements(list(paragraphs(text)))), doubts=doubts))


def elements(found: Sequence[Paragraph]) -> Iterator[Element]:
    """The paragraphs of a text with their roles.

    A heading is what has the number of one (第一章, 一、, 1.2) and is no entry of a list, and a short line that stands
    alone above a paragraph.

    Args:
        found: by `paragraphs`.
    """
    for place, one in enumerate(found):
        before = found[place - 1] if place else None
        following = found[place + 1] if place + 1 < len(found) else None
        if following is not None and _is_heading(one, before, following):
            yield Element(Role.HEADING, one.text)
        elif LIST_ITEM.match(one.text) and not one.text.startswith("第"):
            yield Element(Role.LIST, one.text, 1)
        else:
            yield Element(Role.BODY, one.text)


def _is_heading(one: Paragraph, before: Paragraph | None, following: Paragraph) -> bool:
    width = _width(one.text)
    if width > _HEADING_WIDTH or _NO_HEADING.search(one.text):
        return False
    if NUMBERED_HEADING.fullmatch(one.text):
        return True
    rank = numbering_rank(one.text)
    if rank is not None:
        siblings = [other for other in (before, following) if other is not None]
        return rank in _CHINESE_RANKS and all(numbering_rank(other.text) != rank for other in siblings)
    alone = one.apart and following.apart and "：" not in one.text and not LIST_ITEM.match(one.text)
    prose = _END.search(following.text) is not None and _width(following.text) >= _LONGER * width
    return alone and prose and any(character.isalpha() for character in one.text)


def _width(text: str) -> int:
    return len(text) + len(_HAN.findall(text))


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a text: its lines, or, if its lines were wrapped at a width, what is between empty lines."""
    lines = [_NOT_SHOWN.sub("", line).expandtabs(4).rstrip() for line in text.split("\n")]
    filled = [line for line in lines if line.strip()]
    width = _wrapped_at(filled)
    usual = Counter(map(_indent, filled)).most_common(1)[0][0] if filled else 0
    current: list[str] = []
    apart, empty = True, True
    for line in lines:
        if not line.strip() or width is None or not current or _begins(line, current, width, usual):
            if current:
                yield Paragraph(_joined(current), apart)
            current = []
        if line.strip():
            if not current:
                apart = empty
            current.append(line)
        empty = not line.strip()
    if current:
        yield Paragraph(_joined(current), apart)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(_INDENTS))


def _begins(line: str, current: Sequence[str], width: int, usual: int) -> bool:
    """Whether a line of wrapped text begins a paragraph; ``usual`` is how far most lines are indented."""
    if LIST_ITEM.match(line.lstrip(_INDENTS)) or len(current[-1]) < _FULL * width:
        return True
    in_entry = LIST_ITEM.match(current[0].lstrip(_INDENTS)) is not None
    return _indent(line) > usual and not in_entry


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
        tight = _CHINESE.match(text[-1]) or _CHINESE.match(following[0])
        text += following if tight else f" {following}"
    return text
