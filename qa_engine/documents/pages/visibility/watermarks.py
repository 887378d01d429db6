"""Lines of text in, the watermarks among them out: slanted, pale and large behind other text, or pale and repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from qa_engine.documents.pages.visibility.painting import Box, PlacedLine, TextLine, holds, middle

SLANT = 0.1
"""Text of a scan that lies a little askew runs by less than this (6 degrees) off the axes."""
PALE, TRANSLUCENT = 0x808080, 200
"""Text whose channels are all of these bits, or of less opacity, may be a watermark."""
_LARGE = 1.6
"""Font size of a watermark, by that of most lines."""
_REPEATS = 4
WATERMARK_ANNOTATION = 25
"""Kind of annotation."""


def text_of(line: TextLine) -> str:
    """The text of a line."""
    return "".join(span["text"] for span in line["spans"]).strip()


def watermarks(
    page: Any, pale: Sequence[PlacedLine], lines: Sequence[PlacedLine], has_annotation: bool
) -> list[PlacedLine]:
    """Those of the lines along the page that are watermarks.

    A small pale caption is none, and neither is a large pale title: only what lies behind other lines, is repeated all
    over the page, or is an annotation of this kind.

    Args:
        page: a ``pymupdf.Page``.
        pale: lines in pale or translucent letters.
        lines: all lines.
        has_annotation: whether the page has annotations that are watermarks.
    """
    usual = median(_size(line.data) for line in lines) if pale else 0.0
    counts = Counter(text_of(line.data) for line in pale)
    places = {line[:2] for line in pale}
    dark = [line.data["bbox"] for line in lines if line[:2] not in places]
    behind = [
        line
        for line in pale
        if (counts[text_of(line.data)] >= _REPEATS or _size(line.data) >= _LARGE * usual)
        and any(_overlap(line.data["bbox"], box) for box in dark)
    ]
    repeated = {text for line in behind if counts[text := text_of(line.data)] >= _REPEATS}
    found = [line for line in pale if text_of(line.data) in repeated]
    found += [line for line in behind if line not in found and _size(line.data) >= _LARGE * usual]
    if has_annotation:
        found.extend(_annotated(page, lines))
    return found


def _annotated(page: Any, lines: Sequence[PlacedLine]) -> list[PlacedLine]:
    """Lines that a watermark annotation shows."""
    found: list[PlacedLine] = []
    for annotation in page.annots(types=(WATERMARK_ANNOTATION,)):
        texts = {text.strip() for text in annotation.get_textpage().extractText().splitlines()}
        found.extend(
            line
            for line in lines
            if text_of(line.data) in texts and holds(annotation.rect, *middle(line.data["bbox"]))
        )
    return found


def _size(line: TextLine) -> float:
    return max((float(span["size"]) for span in line["spans"]), default=0.0)


def _overlap(first: Box, second: Box) -> bool:
    """Whether two lines lie over each other by more than their margins."""
    high = min(first[3], second[3]) - max(first[1], second[1])
    if high <= 0:  # nearly always
        return False
    wide = min(first[2], second[2]) - max(first[0], second[0])
    return wide > 0.2 * min(first[2] - first[0], second[2] - second[0]) and high > 0.4 * min(
        first[3] - first[1], second[3] - second[1]
    )
