"""The ink of characters on the pages of a PDF, and how a mark lies over it.

Everything here comes from the PDF itself, by characters and pixels; nothing of what the package reads goes into it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pymupdf
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
_DARK = 128
"""Ink is darker than this, of 255."""
_FIGURE = 3
_SKIPPED = 3
"""Characters of the page between two of a sentence that its text may leave out, such as the mark of a note."""

_NAME = re.compile("[^；;：:]*[：:]")
"""The name of a column in the text of a row."""


class Character(NamedTuple):
    """A character of a page as it is shown: what it is without differences of width, and its rectangle in points.

    The rectangle is as high as the font size, where `pymupdf` can tell.
    """

    text: str
    rect: Any


@dataclass(frozen=True)
class Verdict:
    """How a mark lies over the ink of a page.

    Attributes:
        ink: pixels of ink of the cited characters.
        covered: how many of them are under the mark.
        marked: pixels of ink under the mark, without its padding.
        foreign: how many of them belong to other characters.
    """

    ink: int
    covered: int
    marked: int
    foreign: int

    @property
    def holds(self) -> bool:
        """Whether all ink of the cited characters is under the mark, and hardly any of others."""
        return (
            self.ink > 0
            and self.ink - self.covered <= 0.002 * self.ink
            and self.foreign <= 0.01 * self.marked
        )


def characters_of(page: Any) -> list[Character]:
    """The characters of a ``pymupdf.Page``, in the order of the file, without blanks."""
    small = pymupdf.TOOLS.set_small_glyph_heights()
    pymupdf.TOOLS.set_small_glyph_heights(True)
    try:
        blocks = page.get_text("rawdict", flags=pymupdf.TEXT_PRESERVE_WHITESPACE)["blocks"]
    finally:
        pymupdf.TOOLS.set_small_glyph_heights(small)
    return [
        Character(plain, pymupdf.Rect(one["bbox"]) * page.rotation_matrix)
        for block in blocks
        for line in block.get("lines", ())
        for span in line["spans"]
        for one in span["chars"]
        for plain in folded(one["c"])
    ]


def folded(text: str) -> str:
    """A text without blanks and without differences of width."""
    return "".join(unicodedata.normalize("NFKC", text).split()).replace("\u00ad", "")


def places_of(text: str, pages: Sequence[Sequence[Character]]) -> list[list[set[int]]]:
    """Where a sentence stands on pages that follow one another: for each place, the characters of each page.

    Characters in between that the text leaves out, such as the mark of a note, are not among them. A sentence may begin on
    one page and end on the next.
    """
    wanted = folded(text)
    whole = [_found(wanted, page) for page in pages]
    found = [
        [place if at == number else set[int]() for at in range(len(pages))]
        for number, places in enumerate(whole)
        for place in places
    ]
    if found or len(pages) < 2:
        return found
    for cut in sorted(range(1, len(wanted)), key=lambda at: abs(at - len(wanted) / 2)):
        parts = [_found(part, page) for part, page in zip((wanted[:cut], wanted[cut:]), pages, strict=False)]
        if all(parts):
            # The first part ends its page, and the second begins the next one.
            return [[max(parts[0], key=max), min(parts[1], key=min)]]
    return []


def _found(wanted: str, page: Sequence[Character]) -> list[set[int]]:
    text = "".join(one.text for one in page)
    if not wanted:
        return []
    if places := [match.start() for match in re.finditer(f"(?={re.escape(wanted)})", text)]:
        return [set(range(start, start + len(wanted))) for start in places]
    gap = f"(?:.{{0,{_SKIPPED}}}?)"
    match = re.search(gap.join(f"({re.escape(one)})" for one in wanted), text) if len(wanted) <= 99 else None
    return [{match.start(group) for group in range(1, len(wanted) + 1)}] if match is not None else []


def verdict(
    page: Any, characters: Sequence[Character], cited: set[int], mark: Mask, padding: float = 1.0
) -> Verdict:
    """How a mark lies over the ink of the cited characters.

    Args:
        page: the ``pymupdf.Page``.
        characters: its characters.
        cited: the numbers of those that are cited.
        mark: the pixels of the page that are marked; its width is that of the page.
        padding: points that a mark may reach beyond the boxes that it stands for.
    """
    height, width = mark.shape
    zoom = pymupdf.Matrix(width / page.rect.width, height / page.rect.height)
    drawn = page.get_pixmap(matrix=zoom, colorspace=pymupdf.csGRAY, alpha=False)
    grey = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)[:, : drawn.width]
    ink = np.zeros(mark.shape, bool)
    rows, columns = min(height, drawn.height), min(width, drawn.width)
    ink[:rows, :columns] = grey[:rows, :columns] < _DARK
    own, others = np.zeros(mark.shape, bool), np.zeros(mark.shape, bool)
    for number, character in enumerate(characters):
        place = character.rect * zoom
        target = own if number in cited else others
        target[
            max(round(place.y0), 0) : max(round(place.y1), 0),
            max(round(place.x0), 0) : max(round(place.x1), 0),
        ] = True
    inner = _shrunk(mark, round(padding * width / page.rect.width) + 1)
    of_cited = ink & own & ~others
    return Verdict(
        int(of_cited.sum()),
        int((of_cited & mark).sum()),
        int((ink & inner).sum()),
        int((ink & inner & others & ~own).sum()),
    )


def _shrunk(mask: Mask, pixels: int) -> Mask:
    """A mask without the pixels near its edge."""
    result = mask.copy()
    for _ in range(pixels):
        inner = result.copy()
        inner[1:] &= result[:-1]
        inner[:-1] &= result[1:]
        inner[:, 1:] &= result[:, :-1]
        inner[:, :-1] &= result[:, 1:]
        inner[0], inner[-1], inner[:, 0], inner[:, -1] = False, False, False, False
        result = inner
    return result


def row_holds(page: Any, text: str, mark: Mask) -> bool:
    """Whether a mark lies over a row of a table: over all its figures, and over no word that the row does not say.

    The text of a row names its columns and orders its cells anew, so it is compared word by word. A figure counts that is a
    cell by itself, has three characters and more, and stands on the page once.

    Args:
        page: the ``pymupdf.Page``.
        text: of the row.
        mark: the pixels of the page that are marked.
    """
    height, width = mark.shape
    zoom = pymupdf.Matrix(width / page.rect.width, height / page.rect.height)
    said = folded(text)
    cells = {folded(cell) for cell in re.split("[；;]", _NAME.sub("；", text))}
    words: list[tuple[str, bool]] = []
    for *place, word, _block, _line, _number in page.get_text("words"):
        rect = pymupdf.Rect(place) * page.rotation_matrix * zoom
        row, column = round((rect.y0 + rect.y1) / 2), round((rect.x0 + rect.x1) / 2)
        inside = 0 <= row < height and 0 <= column < width and bool(mark[row, column])
        words.append((folded(word), inside))
    inside_words = [word for word, inside in words if inside]
    often = Counter(word for word, _ in words)
    figures = [
        inside
        for word, inside in words
        if often[word] == 1 and len(word) >= _FIGURE and word[0].isdigit() and word in cells
    ]
    return bool(inside_words) and all(word in said for word in inside_words) and all(figures)
