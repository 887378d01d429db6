"""Text of a page in, the part out that nobody sees: invisible, tiny, of the colour of the ground, or covered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qa_engine.documents.pages.visibility.painting import (
    COVERS,
    TEXTS,
    Box,
    Painting,
    PlacedLine,
    Span,
    difference,
    holds,
    middle,
    overlap,
)

TINY = 1.0
"""Font size in points below which nobody reads."""
FAINT = 13
"""Opacity (0 to 255) below which text does not show."""
_CLIPPING = 64
"""Flag of characters that are the outline of a picture or a gradient, as in render mode 7: these show."""
_CONTRAST = 40
_MOST = 0.9
"""From this share of invisible characters on, a page with images is a scan with its OCR."""
_SAMPLES = 7
_LEAST_HIGH = 0.4
"""What covers less of the height of a line is a part of a drawing."""
_LEAST_COVERED = 0.6
"""Text that lies under a fill by less than this share of its height only has margins there."""
_SCAN = 0.5
"""An image of this share of the page over its text is a scan, and the text its OCR, whatever is painted first."""


class Place(NamedTuple):
    """Where a span is among the blocks of a page, the span, and where its ink is."""

    block: int
    line: int
    span: int
    data: Span
    box: Box


class Fill(NamedTuple):
    """A filled area and its colour."""

    box: Box
    color: int


def hidden_spans(
    suspects: Sequence[Place], fills: Sequence[Fill], lines: Sequence[PlacedLine], painting: Painting
) -> list[Place]:
    """Those of the suspect spans that do not show.

    Args:
        suspects: spans that are tiny, faint, light, or of the colour of a fill around them.
        fills: the filled areas of the page.
        lines: all lines of the page.
        painting: of the page.
    """
    hidden, faint = [], []
    for place in suspects:
        span = place.data
        if span["size"] < TINY:
            hidden.append(place)
        elif span["alpha"] < FAINT:
            if not span["char_flags"] & _CLIPPING:
                faint.append(place)
        elif _is_of_ground(place, fills, painting):
            hidden.append(place)
    return hidden + _without_ink(faint, lines, painting)


def _is_of_ground(place: Place, fills: Sequence[Fill], painting: Painting) -> bool:
    span, box = place.data, place.box
    x, y = middle(box)
    around = [fill.color for fill in fills if holds(fill.box, x, y)]
    if around and all(difference(color, span["color"]) >= _CONTRAST for color in around):
        return False
    return painting.is_flat(box, span["color"])


def _without_ink(faint: Sequence[Place], lines: Sequence[PlacedLine], painting: Painting) -> list[Place]:
    """Invisible spans without a picture behind them that they may be the text of.

    A page with images of which all text is invisible is a scan with its OCR. Otherwise what is behind must not be blank,
    for a hidden sentence may stand on the background image of a letter; and without an image, ink that is not that of
    other text are letters drawn as outlines.
    """
    if not faint:
        return []
    invisible = {place[:2] for place in faint}
    others = [line.data["bbox"] for line in lines if line[:2] not in invisible]
    count = sum(len(place.data["text"].strip()) for place in faint)
    visible = [span for line in lines for span in line.data["spans"] if span["alpha"] >= FAINT]
    scan = count >= _MOST * (count + sum(len(span["text"].strip()) for span in visible))
    hidden = []
    for place in faint:
        box = place.box
        x, y = middle(box)
        if any(holds(image, x, y) for _, image in painting.images):
            shows = scan or not painting.is_flat(box)
        else:
            shows = not any(overlap(box, other) for other in others) and not painting.is_flat(box)
        if not shows:
            hidden.append(place)
    return hidden


def covered_characters(
    lines: Iterable[PlacedLine], images: bool, painting: Painting
) -> tuple[list[tuple[int, int, int, list[int]]], bool]:
    """The characters that lie under what was painted after them.

    A character is covered if a filled area or an image comes after it and its place shows no ink, or only that of text
    that came even later: so a highlight does not cover, and a correction on white paint covers what it corrects.

    Args:
        lines: their places and themselves; those that a fill or an image touches.
        images: whether images without a mask may lie on text.
        painting: of the page.

    Returns:
        Block, line, span and the numbers of the covered characters; and whether text lies under an image that shows more
        than one colour, so that the text may show or not.
    """
    area = painting.page.rect.width * painting.page.rect.height
    found, unsure = [], False
    for block, number, line in lines:
        box = line["bbox"]
        covers = [
            (index, cover)
            for index, cover in painting.near(box, COVERS)
            if "image" not in painting.log[index][0] or _share(cover, area) < _SCAN
        ]
        later = [(index, cover) for index, cover in covers if _lies_on_text(index, cover, box, painting)]
        near = [(index, cover) for index, cover in later if _may_hide(index, cover, box, painting)]
        if not near:
            unsure = unsure or (images and any("image" in painting.log[index][0] for index, _ in later))
            continue
        for span, characters in enumerate(painting.characters(block, number)):
            size = line["spans"][span]["size"]
            below = [n for n, c in enumerate(characters) if _is_below(c, size, near)]
            # A span is painted at once: a few characters tell about all. Those with the same ones above seem to show.
            some = [n for n in below if characters[n]["c"].isalnum()]
            some = some[:: max(1, len(some) // _SAMPLES)]
            hidden = sum(_is_covered(characters[n], size, near, painting) for n in some)
            covered = below if 2 * hidden > len(some) else []
            if any(not characters[index]["c"].isspace() for index in covered):
                found.append((block, number, span, covered))
    return found, unsure


def part_below(cover: Box, line: Box) -> Box:
    """The part of a line under a cover, without its margins. It may be empty."""
    inset = 0.15 * (line[3] - line[1])
    x0, x1 = max(line[0], cover[0]), min(line[2], cover[2])
    edge = min(1.0, (x1 - x0) / 4)
    return x0 + edge, max(line[1] + inset, cover[1]), x1 - edge, min(line[3] - inset, cover[3])


def _lies_on_text(index: int, cover: Box, line: Box, painting: Painting) -> bool:
    """Whether text of a line was painted before a cover, and lies under it."""
    part = part_below(cover, line)
    if part[0] >= part[2] or part[3] - part[1] < _LEAST_HIGH * (line[3] - line[1]):
        return False
    least = min(_LEAST_COVERED * (line[3] - line[1]), (part[2] - part[0]) / 2)
    return any(
        other < index and min(box[2], part[2]) - max(box[0], part[0]) > least
        for other, box in painting.near(part, TEXTS)
    )


def _may_hide(index: int, cover: Box, line: Box, painting: Painting) -> bool:
    """Whether the part of a line under a cover shows no ink, or that of text that came later. Spares reading characters."""
    part = part_below(cover, line)
    return any(other > index for other, _ in painting.near(part, TEXTS)) or painting.is_flat(part)


def sunk_characters(
    parts: Iterable[tuple[PlacedLine, int, Fill]], painting: Painting
) -> list[tuple[int, int, int, list[int]]]:
    """Of spans that lie on a fill of their own colour, the characters there: block, line, span and their numbers."""
    found = []
    for line, index, fill in parts:
        span = line.data["spans"][index]
        part = part_below(fill.box, span["bbox"])
        if part[0] < part[2] and part[1] < part[3] and painting.is_flat(part):
            characters = painting.characters(line.block, line.line)[index]
            numbers = [n for n, c in enumerate(characters) if holds(fill.box, *middle(c["bbox"]))]
            found.append((line.block, line.line, index, numbers))
    return found


def _is_below(character: dict[str, Any], size: float, covers: Sequence[tuple[int, Box]]) -> bool:
    x, y = middle(character["bbox"])[0], character["origin"][1] - 0.35 * size
    return any(holds(box, x, y) for _, box in covers)


def _is_covered(
    character: dict[str, Any], size: float, covers: Sequence[tuple[int, Box]], painting: Painting
) -> bool:
    """Whether the last of the covers over a character hides it."""
    x0, _, x1, _ = character["bbox"]
    base = character["origin"][1]
    last = max(index for index, box in covers if holds(box, (x0 + x1) / 2, base - 0.35 * size))
    painted = painting.painted_at(character)
    if painted is None or last < painted:
        return False
    edge = 0.15 * (x1 - x0)
    ink = (x0 + edge, base - 0.72 * size, x1 - edge, base - 0.02 * size)
    return painting.is_flat(ink) or any(index > last for index, _ in painting.near(ink, TEXTS))


def _share(box: Box, area: float) -> float:
    return abs((box[2] - box[0]) * (box[3] - box[1])) / max(area, 1.0)
