"""A PDF page in, its lines of text with their places out: the text layer, cleaned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Line, Mark
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.documents.pages.lines.doubts import line_doubt, unmapped_fonts
from qa_engine.documents.pages.lines.letter_spacing import (
    Word,
    has_letter_spacing,
    without_letter_spacing,
)
from qa_engine.documents.pages.lines.superscripts import SourceLine, with_loose_marks
from qa_engine.documents.pages.visibility.examination import read_shown_text
from qa_engine.documents.pages.visibility.removal import Shown

_PART = re.compile(r"\S+(?: {1,2}\S+)*")
_LABELLED = re.compile(r"[^\s:：]{2,12}[:：] ?\S")
"""A label with its value, among parts with three blanks and more between them."""
_BOLD = 16
_CUT_MARKS = "。！？；!?;….”’\"'）)」』】]"
_INSIGNIFICANT = dict.fromkeys(map(ord, f" {_CUT_MARKS}"))
CUT = re.compile(r"[。！？；!?;…]+[”’\"'）)」』】\]]* ?|\.[”’\"')\]]* ")
"""Marks inside a line at which a sentence may end."""


Direction = tuple[int, int]


class TurnedLine(NamedTuple):
    """A line that does not run from left to right: its direction, and whether its characters stand upright."""

    direction: Direction
    upright: bool
    line: Line


@dataclass
class PageLines:
    """The text layer of a page.

    Attributes:
        lines: those that run from left to right, in pieces where there are wide gaps, in the order of the file.
        raw: the text with every character of the file, to examine whether it is garbled.
        direction: of most of the text, as a unit vector: (1, 0) is from left to right, or upright.
        turned: the lines that run in another direction.
        shown: what the page shows of its text layer, and what was left out of it.
    """

    lines: list[Line] = field(default_factory=list)
    raw: str = ""
    direction: Direction = (1, 0)
    turned: list[TurnedLine] = field(default_factory=list)
    shown: Shown = field(default_factory=Shown)


def read_page_lines(page: Any, number: int) -> PageLines:
    """The lines of a ``pymupdf.Page`` with this number (from 1) that run from left to right, as far as it shows them."""
    import pymupdf

    shown = read_shown_text(page, pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP)
    textpage = shown.textpage
    words: dict[tuple[int, int], list[tuple[float, str]]] | None = None
    spaced: dict[tuple[int, int], list[Word]] | None = None
    result = PageLines(shown=shown)
    raws: list[str] = []
    directions = Counter[Direction]()
    fonts = unmapped_fonts(shown.blocks)
    last: SourceLine | None = None
    for index, block in enumerate(shown.blocks):
        for line_number, line in enumerate(block["lines"]):
            if not line["spans"]:
                continue
            raws.append("".join([span["text"] for span in line["spans"]]))
            direction, upright = _direction(line), bool(line["wmode"])
            directions[(1, 0) if upright else direction] += len(raws[-1].strip())
            if direction != (1, 0):
                turned = _line(line, raws[-1], number, index, fonts)
                if turned is not None:
                    result.turned.append(TurnedLine(direction, upright, turned))
                continue
            source = SourceLine(line, raws[-1])
            if last is not None and (numerator := source.numerator(last)):
                result.lines[-1].text += numerator
                last.read += numerator
            before = last if last is not None and source.goes_on(last) else None
            text = source.text(before)
            if has_letter_spacing(text) and "cut" not in line:
                spaced = spaced if spaced is not None else _spaced_words(textpage)
                text = without_letter_spacing(text, spaced.get((index, line_number), ()), source.size)
            found = _line(line, text, number, index, fonts)
            if found is None:
                continue
            last = source
            found.marks = tuple(source.marks)
            source.read = text if before is None else before.read + text
            ends = [match.end() for match in CUT.finditer(found.text) if match.end() < len(found.text)]
            if ends and "cut" not in line:
                words = words if words is not None else _words(textpage)
                found.cuts = _cuts(
                    found.text,
                    ends,
                    words.get((index, line_number), ()),
                    _left_out(text, source.marks),
                )
            if before is None:
                result.lines.extend(_labelled_parts(found, raws[-1]) or [found])
            else:
                result.lines[-1] = _joined(result.lines[-1], found, clean(source.read))
    result.lines = with_loose_marks(result.lines)
    result.raw = "\n".join(raws)
    if directions:
        result.direction = directions.most_common(1)[0][0]
    return result


def _labelled_parts(line: Line, raw: str) -> list[Line]:
    """A line that holds several labels with values, set apart by many blanks, as one piece for each; else nothing.

    Word processors write such lines: 公司代码：600201 and, far to the right, 公司简称：…. The places follow from the blanks.
    """
    found = list(_PART.finditer(raw)) if "   " in raw.strip() else []
    if len(found) < 2 or not all(_LABELLED.match(match[0]) for match in found):
        return []
    weights = [2 if count_han(character) or character in "：（）" else 1 for character in raw]
    scale = (line.x1 - line.x0) / max(sum(weights), 1)
    parts = []
    for match in found:
        x0, x1 = (line.x0 + scale * sum(weights[:at]) for at in match.span())
        parts.append(replace(line, text=clean(match[0]), x0=x0, x1=x1, cuts=(), marks=()))
    return parts


def _direction(line: dict[str, Any]) -> Direction:
    return round(line["dir"][0]), round(line["dir"][1])


def _left_out(text: str, marks: Sequence[Mark]) -> list[tuple[int, int]]:
    """Before how many characters of a text that are read, how many of the marks of notes are not."""
    return [(_significant(text[: mark.position]), _significant(mark.text)) for mark in marks if not mark.read]


def _significant(text: str) -> int:
    """How many characters of a text are neither blanks nor marks at which words are divided."""
    return len(text.translate(_INSIGNIFICANT))


def _joined(line: Line, rest: Line, text: str) -> Line:
    """A line with the rest of it behind it, as one with this text."""
    shift = len(text) - len(rest.text)
    cuts = (*line.cuts, *((end + shift, x) for end, x in rest.cuts))
    x0, y0, x1, y1 = (
        min(line.x0, rest.x0),
        min(line.y0, rest.y0),
        max(line.x1, rest.x1),
        max(line.y1, rest.y1),
    )
    return replace(
        line,
        text=text,
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        size=max(line.size, rest.size),
        cuts=cuts,
        marks=(*line.marks, *rest.marks),
        doubt=line.doubt or rest.doubt,
    )


def _line(
    line: dict[str, Any], raw: str, page: int, block: int, fonts: frozenset[str] = frozenset()
) -> Line | None:
    text = clean(raw)
    if not text:
        return None
    sizes: dict[float, int] = {}
    bold = total = 0
    for span in line["spans"]:
        length = len(span["text"].strip())
        size = round(span["size"], 1)
        sizes[size] = sizes.get(size, 0) + length
        total += length
        if span["flags"] & _BOLD or _is_bold(span["font"]):
            bold += length
    x0, y0, x1, y1 = line["bbox"]
    size = max(sizes, key=sizes.__getitem__) if len(sizes) > 1 else size
    return Line(
        text,
        page,
        x0,
        y0,
        x1,
        y1,
        size,
        block,
        bold=2 * bold > total,
        doubt=line_doubt(raw, line["spans"], fonts),
    )


@lru_cache(maxsize=4096)
def _is_bold(font: str) -> bool:
    return "bold" in font.lower()


def _words(textpage: Any) -> dict[tuple[int, int], list[tuple[float, str]]]:
    """For each line (by its block and its number), the left edges and the texts of its words, split at every mark.

    To look for one mark takes half as long as to read the words: so only for those that the page has.
    """
    words: dict[tuple[int, int], list[tuple[float, str]]] = {}
    page = textpage.extractTEXT()
    marks = "".join(mark for mark in _CUT_MARKS if mark in page)
    for x0, _, _, _, text, block, line, _ in textpage.extractWORDS(delimiters=marks):
        words.setdefault((block, line), []).append((x0, text))
    return words


def _spaced_words(textpage: Any) -> dict[tuple[int, int], list[Word]]:
    """For each line, its words as only blanks divide them."""
    words: dict[tuple[int, int], list[Word]] = {}
    for x0, _, x1, _, text, block, line, _ in textpage.extractWORDS():
        words.setdefault((block, line), []).append(Word(text, x0, x1))
    return words


def _cuts(
    text: str, ends: Sequence[int], words: Sequence[tuple[float, str]], left_out: Sequence[tuple[int, int]]
) -> tuple[tuple[int, float], ...]:
    """For each of ``ends`` the left edge of the word that begins there, where it is known."""
    cuts = []
    index = characters = 0
    for end in ends:
        before = _significant(text[:end])
        before += sum(count for position, count in left_out if position <= before)
        while index < len(words) and characters < before:
            characters += len(words[index][1])
            index += 1
        if characters == before and index < len(words):
            cuts.append((end, words[index][0]))
    return tuple(cuts)
