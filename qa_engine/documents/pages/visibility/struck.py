"""Thin lines and lines of text in, the struck characters out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from qa_engine.documents.pages.visibility.painting import Box, Painting, PlacedLine, holds, middle

THIN = 4.0
"""A drawn line of more points is none through text. The rectangle of a line is as high as twice its width."""
_BAND = 4
_LEAST, _MOST = 0.12, 0.5
"""Height of the middle of a strike over the baseline, by the font size. Underlines and fraction bars lie below the
characters that they touch, rules between rows above them."""
_THICK = 0.3
"""Height of the rectangle of a strike, by the font size, at most."""
_WORD = re.compile(r"[^\W\d_\u2e80-\uffff]+")
_STOPS = frozenset(".,;:!?。，；：！？")
_COVERED = 0.75
"""Share of a strike that has characters: a rule of a table or a chart goes on beside the text."""


def struck_characters(
    rules: Sequence[Box], lines: Iterable[PlacedLine], painting: Painting
) -> list[tuple[int, int, int, list[int]]]:
    """Block, line, span and the numbers of the characters that a thin line crosses out.

    Args:
        rules: rectangles of thin horizontal lines and thin filled boxes.
        lines: the lines of text that run from left to right, with the places of their blocks and of themselves.
        painting: of the page.
    """
    heights = defaultdict[int, list[tuple[float, float, PlacedLine]]](list)
    for place in lines:
        _, y0, _, y1 = place.data["bbox"]
        high = y1 - y0
        for band in range(int(y1 - 0.8 * high) // _BAND, int(y1 - 0.15 * high) // _BAND + 1):
            heights[band].append((y1 - 0.8 * high, y1 - 0.15 * high, place))
    struck: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    for rule in rules:
        x0, y0, x1, y1 = rule
        y = (y0 + y1) / 2
        near = heights.get(int(y) // _BAND)
        if near is None:
            continue
        crossed = [
            (line, index, span)
            for top, bottom, line in near
            if top < y < bottom
            for index, span in enumerate(line.data["spans"])
            if span["bbox"][0] < x1 and x0 < span["bbox"][2] and _is_strike(span, span["size"], rule)
        ]
        # Spans first: most rules that touch one go on beside it, and characters take time to read.
        if _shared(rule, [span["bbox"] for _, _, span in crossed]) < _COVERED * (x1 - x0):
            continue
        if any(holds(note, (x0 + x1) / 2, y) for note in painting.notes):
            continue
        found = [
            ((line.block, line.line, index), number, character)
            for line, index, span in crossed
            for number, character in enumerate(painting.characters(line.block, line.line)[index])
            # The characters of a span may stand at other heights: the numerator behind a bracket, for one.
            if x0 < middle(character["bbox"])[0] < x1 and _is_strike(character, span["size"], rule)
        ]
        shared = _shared(rule, [character["bbox"] for _, _, character in found])
        if shared >= _COVERED * (x1 - x0) and any(character["c"].isalnum() for _, _, character in found):
            for key, number, _ in found:
                struck[key].add(number)
    return [
        (*key, sorted(_with_words(painting.characters(*key[:2])[key[2]], numbers)))
        for key, numbers in struck.items()
    ]


def _with_words(characters: Sequence[dict[str, Any]], struck: set[int]) -> set[int]:
    """Struck characters with the rest of the Latin words of which they are half, and marks that are all that is left."""
    text = "".join(character["c"] for character in characters)
    whole = set(struck)
    for word in _WORD.finditer(text):
        numbers = range(*word.span())
        if struck.intersection(numbers) and 2 * len(struck.intersection(numbers)) >= len(numbers):
            whole.update(numbers)
    left = {
        number for number, character in enumerate(text) if number not in whole and not character.isspace()
    }
    return whole | left if all(text[number] in _STOPS for number in left) else whole


def _shared(rule: Box, boxes: Sequence[Box]) -> float:
    """The length of a rule that has text."""
    return sum(max(min(box[2], rule[2]) - max(box[0], rule[0]), 0.0) for box in boxes)


def _is_strike(text: dict[str, Any], size: float, rule: Box) -> bool:
    """Whether a rule lies at the height of a strike through a span or a character of this font size."""
    _, y0, _, y1 = rule
    high = text["origin"][1] - (y0 + y1) / 2
    return bool(_LEAST * size < high < _MOST * size and y1 - y0 <= _THICK * size)
