"""Where the characters of a text came to stand when it was set: the text and the glyphs on the page in, its lines out."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple
from unicodedata import normalize

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.lines.text_layer import CUT

_LIGATURES = frozenset("ﬀﬁﬂﬃﬄﬅﬆ")
_MAX_COMPARED = 2_000
"""Characters up to which a text is compared with its glyphs, if their numbers differ."""


class Glyph(NamedTuple):
    """A visible character on a page: its edges in points, the number of its line, its page (from 1) and its font size."""

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    line: int
    page: int
    size: float


def lines_of(text: str, glyphs: Sequence[Glyph], block: int) -> list[Line]:
    """A text in the lines in which it was set. The lines say exactly what the text says, whatever the glyphs say.

    Fonts lack some characters, and join others, so the glyphs are only counted, or compared with the text.

    Args:
        text: that was set; its line breaks become blanks.
        glyphs: in the order in which they are read, without blanks.
        block: the number of the block that the lines are of.
    """
    text = text.replace("\n", " ").strip()
    if not text or not glyphs:
        return []
    # MuPDF gives a ligature as its letters.
    letters = [
        (place, letter)
        for place, character in enumerate(text)
        if not character.isspace()
        for letter in (normalize("NFKC", character) if character in _LIGATURES else character)
    ]
    visible = [place for place, _ in letters]
    owners = _owners([letter for _, letter in letters], [glyph.text for glyph in glyphs])
    lines: list[Line] = []
    start = first = 0
    for index in range(len(visible)):
        last = index + 1 == len(visible)
        here = glyphs[owners[index]]
        if not last and _same_line(glyphs[owners[index + 1]], here):
            continue
        end = len(text) if last else visible[index + 1]
        own = [glyphs[owners[i]] for i in range(first, index + 1)]
        lines.append(
            _line(text[start:end], own, [visible[i] - start for i in range(first, index + 1)], block)
        )
        start, first = end, index + 1
    return lines


def _same_line(one: Glyph, other: Glyph) -> bool:
    return one.page == other.page and abs(one.y0 - other.y0) < 0.5 * max(other.y1 - other.y0, 1.0)


def _line(text: str, glyphs: Sequence[Glyph], places: Sequence[int], block: int) -> Line:
    """One line; ``places`` are those of the glyphs in its text."""
    left = dict(zip(places, (glyph.x0 for glyph in glyphs), strict=True))
    cuts = []
    for match in CUT.finditer(text):
        following = next((place for place in places if place >= match.end()), None)
        if following is not None:
            cuts.append((match.end(), left[following]))
    return Line(
        text,
        glyphs[0].page,
        min(glyph.x0 for glyph in glyphs),
        min(glyph.y0 for glyph in glyphs),
        max(glyph.x1 for glyph in glyphs),
        max(glyph.y1 for glyph in glyphs),
        max(glyph.size for glyph in glyphs),
        block,
        cuts=tuple(cuts),
    )


def _owners(characters: Sequence[str], glyphs: Sequence[str]) -> list[int]:
    """For each character of the text the index of its glyph."""
    if len(characters) == len(glyphs):
        return list(range(len(glyphs)))
    if max(len(characters), len(glyphs)) > _MAX_COMPARED:
        return _spread(0, len(characters), 0, len(glyphs))
    matcher = SequenceMatcher(None, list(characters), list(glyphs), autojunk=False)
    owners: list[int] = []
    at = 0
    for match in matcher.get_matching_blocks():
        owners += _spread(len(owners), match.a, at, match.b)
        owners += range(match.b, match.b + match.size)
        at = match.b + match.size
    return [min(owner, len(glyphs) - 1) for owner in owners]


def _spread(start: int, end: int, first: int, last: int) -> list[int]:
    """Indices from ``first`` to ``last`` (exclusive), evenly for the characters from ``start`` to ``end`` (exclusive)."""
    count, room = end - start, max(last - first, 1)
    return [first + number * room // count for number in range(count)]
