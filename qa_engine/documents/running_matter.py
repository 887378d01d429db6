"""Finds running headers, running footers and page numbers, which belong to the page and not to the text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from qa_engine.documents.page_lines import Line

MARGIN = 0.12
"""Share of the page height, at the top and at the bottom, in which running matter stands."""
_LINES_AT_EDGE = 3
_MIN_REPEATS = 3
_PAGE_NUMBER = re.compile(
    r"[\s\-–—·•.|/]*(第|page|p\.?)?\s*(\d{1,4}|[ivxlc]{1,7})\s*(页|頁)?"
    r"\s*((/|of|共|，共|,共)\s*(第|共)?\s*\d{1,4}\s*(页|頁)?)?[\s\-–—·•.|/]*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_ALL_BLANKS = re.compile(r"\s+")


def find_running_matter(pages: Sequence[Sequence[Line]], heights: Sequence[float]) -> set[int]:
    """``id()`` of the lines that are headers, footers or page numbers.

    A line in the margin is running matter if it is a page number, or if the same words (digits apart) stand at the
    same height on at least three pages, or on every page of a shorter file.

    Args:
        pages: the lines of each page.
        heights: the height of each page in points.
    """
    found: set[int] = set()
    repeats: dict[tuple[str, int], list[Line]] = defaultdict(list)
    for lines, height in zip(pages, heights, strict=True):
        for line in _edge_lines(lines, height):
            if _PAGE_NUMBER.fullmatch(line.text):
                found.add(id(line))
            else:
                words = _DIGITS.sub("#", _ALL_BLANKS.sub("", line.text))
                repeats[words, round(line.y0 / 4)].append(line)
    enough = min(_MIN_REPEATS, max(len(pages), 2))
    for (words, row), lines in repeats.items():
        near = [line for shift in (-1, 1) for line in repeats.get((words, row + shift), [])]
        if len({line.page for line in [*lines, *near]}) >= enough:
            found.update(id(line) for line in lines)
    return found


def _edge_lines(lines: Sequence[Line], height: float) -> list[Line]:
    """The outermost lines of a page that stand in its margins."""
    by_height = sorted(lines, key=lambda line: line.y0)
    top = [line for line in by_height[:_LINES_AT_EDGE] if line.y1 < MARGIN * height]
    bottom = [line for line in by_height[-_LINES_AT_EDGE:] if line.y0 > (1 - MARGIN) * height]
    return [*top, *(line for line in bottom if line not in top)]
