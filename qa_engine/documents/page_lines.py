"""A PDF page in, its lines of text with their places out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

_CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\u2060\ufeff]")
_BLANKS = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f]+")
_LEADER = re.compile(r"(?:[ ]?[.·․…⋯]){5,}[ ]?")
"""The dots that lead to a page number in a table of contents."""
_SAME_BASELINE = 0.5


@dataclass
class Line:
    """One line of text on a page.

    Attributes:
        text: without control characters, runs of blanks made one.
        page: from 1.
        x0, y0, x1, y1: rectangle in points, from the top left corner.
        size: font size in points of most of its characters.
        block: number of its block on the page, in the order of the file.
    """

    text: str
    page: int
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    block: int


def read_page_lines(page: Any, number: int) -> list[Line]:
    """The lines of a PyMuPDF page, in the order of the file.

    Text that does not run in the main direction of the page (stamps along the margin) is left out.

    Args:
        page: a ``pymupdf.Page``.
        number: its number, from 1.
    """
    import pymupdf

    flags = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
    blocks = [block for block in page.get_text("dict", flags=flags)["blocks"] if block["type"] == 0]
    directions = Counter[tuple[int, int]]()
    for block in blocks:
        for line in block["lines"]:
            directions[_direction(line)] += sum(len(span["text"]) for span in line["spans"])
    if not directions:
        return []
    main = directions.most_common(1)[0][0]
    lines: list[Line] = []
    for index, block in enumerate(blocks):
        kept = [_line(line, number, index) for line in block["lines"] if _direction(line) == main]
        lines.extend(_join_baselines([line for line in kept if line is not None]))
    return lines


def _direction(line: dict[str, Any]) -> tuple[int, int]:
    return round(line["dir"][0]), round(line["dir"][1])


def _line(line: dict[str, Any], page: int, block: int) -> Line | None:
    raw = _CONTROL.sub("", "".join(span["text"] for span in line["spans"]))
    text = _LEADER.sub(" … ", _BLANKS.sub(" ", raw)).strip()
    if not text:
        return None
    sizes = Counter[float]()
    for span in line["spans"]:
        sizes[round(span["size"], 1)] += len(span["text"].strip())
    x0, y0, x1, y1 = line["bbox"]
    return Line(text, page, x0, y0, x1, y1, size=sizes.most_common(1)[0][0], block=block)


def _join_baselines(lines: list[Line]) -> list[Line]:
    """PyMuPDF cuts a line at wide gaps; pieces on one baseline, left to right, are one line again."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is not None and line.x0 >= last.x1 - 1 and _overlap(last, line) > _SAME_BASELINE:
            last.text = f"{last.text} {line.text}"
            last.x1, last.y0, last.y1 = line.x1, min(last.y0, line.y0), max(last.y1, line.y1)
            if len(line.text) > len(last.text) / 2:
                last.size = line.size
        else:
            joined.append(line)
    return joined


def _overlap(a: Line, b: Line) -> float:
    shared = min(a.y1, b.y1) - max(a.y0, b.y0)
    return shared / max(min(a.y1 - a.y0, b.y1 - b.y0), 0.1)
