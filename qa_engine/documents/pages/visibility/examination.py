"""The text layer of a page in, the text that the page shows out: what nobody sees, struck text and watermarks removed.

Reading a page takes 2 to 10 ms, and nearly all pages have nothing to remove. So what is read anyway is examined first
(size, colour, opacity and direction of spans; drawn areas and lines, which cost 1% when they are collected with the text);
order of painting, characters and pixels are asked for only where this gives reason to.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from qa_engine.documents.pages.visibility.actual_text import differing_glyphs
from qa_engine.documents.pages.visibility.drawn_images import may_draw_image
from qa_engine.documents.pages.visibility.hidden import (
    FAINT,
    TINY,
    Fill,
    Place,
    covered_characters,
    hidden_spans,
    part_below,
    sunk_characters,
)
from qa_engine.documents.pages.visibility.painting import (
    Box,
    Painting,
    PlacedLine,
    difference,
    holds,
    ink_box,
    middle,
    overlap,
)
from qa_engine.documents.pages.visibility.removal import HIDDEN, STRUCK, TURNED, WATERMARK, Removal, Shown
from qa_engine.documents.pages.visibility.struck import THIN, struck_characters
from qa_engine.documents.pages.visibility.watermarks import (
    PALE,
    SLANT,
    TRANSLUCENT,
    WATERMARK_ANNOTATION,
    text_of,
    watermarks,
)

_LIGHT = 0xE0E0E0
"""Text whose channels are all of these bits may be white on white."""
_OPAQUE = 250
_HIGHLIGHT = 8
"""Kind of annotation."""
_COLORFUL = 40
_BAND, _LOWEST = 16, 20_000
_SHARED = 0.3
"""Share of the height of a line that a fill lies on it at least, in both directions."""
_ALIKE = 24
"""A fill hides text from whose colour it differs by less than this."""
_MOST = 0.5


@dataclass
class _Findings:
    """What the blocks of a page give reason to look at.

    Attributes:
        lines: those along the page.
        slanted: those that run neither along nor across it.
        suspects: spans that may not show.
        pale: lines that may be watermarks.
        rules: thin lines and boxes.
        fills: filled areas, with the places of their blocks.
        sunk: lines, the numbers of spans in them, and fills of the colour of these under them.
    """

    lines: list[PlacedLine] = field(default_factory=list)
    slanted: list[PlacedLine] = field(default_factory=list)
    suspects: list[Place] = field(default_factory=list)
    pale: list[PlacedLine] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)
    fills: list[tuple[int, Fill]] = field(default_factory=list)
    sunk: list[tuple[PlacedLine, int, Fill]] = field(default_factory=list)


def read_shown_text(page: Any, flags: int) -> Shown:
    """The text layer of a ``pymupdf.Page``, read with these flags, without what the page does not show."""
    import pymupdf

    # The lines stay as they are without these flags, on all pages that were tried: drawings that break a line come after it.
    flags |= pymupdf.TEXT_COLLECT_VECTORS | pymupdf.TEXT_LAZY_VECTORS
    textpage = page.get_textpage(flags=flags)
    shown = Shown(textpage, textpage.extractDICT()["blocks"])
    contents = _contents(page)
    if b"/ActualText" in contents:
        glyphs = differing_glyphs(page, contents, textpage.extractTEXT(), flags)
        if glyphs is not None:
            shown = Shown(glyphs[0], glyphs[0].extractDICT()["blocks"], [(HIDDEN, glyphs[1])])
    try:
        _examine(page, flags, contents, shown)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, pymupdf.mupdf.FzErrorBase) as error:
        shown.doubts.append(f"text that does not show may be among its text ({type(error).__name__})")
    shown.blocks = [block for block in shown.blocks if block["type"] == 0]
    return shown


def _contents(page: Any) -> bytes:
    try:
        return bytes(page.read_contents())
    except (RuntimeError, ValueError):
        return b""


def _examine(page: Any, flags: int, contents: bytes, shown: Shown) -> None:
    """Removes from the blocks what the page does not show."""
    found = _findings(shown.blocks)
    painting = Painting(page, shown.textpage)
    removal = Removal(shown, painting)
    annotations = {kind for _, kind, _ in page.annot_xrefs()}
    covered = _beside_fills(found, painting, _HIGHLIGHT in annotations)
    if covered:
        covered = _under_fills(flags, covered, painting)
    images_cover = may_draw_image(page, contents)
    if images_cover:
        images = [image for _, image in painting.images]
        covered += [
            line for line in found.lines if any(holds(box, *middle(line.data["bbox"])) for box in images)
        ]
    if found.slanted:
        _remove_slanted(found, removal)
    if found.pale or WATERMARK_ANNOTATION in annotations:
        for line in watermarks(page, found.pale, found.lines, WATERMARK_ANNOTATION in annotations):
            removal.drop_line(line, WATERMARK)
    if found.suspects:
        fills = [fill for _, fill in found.fills]
        for place in hidden_spans(found.suspects, fills, found.lines, painting):
            removal.drop(place[:3], None, HIDDEN)
    if covered:
        parts, unsure = covered_characters(covered, images_cover, painting)
        for part in parts:
            removal.drop(part[:3], part[3], HIDDEN)
        if unsure:
            shown.doubts.append("text lies under an image and may not show")
    for part in sunk_characters(found.sunk, painting):
        removal.drop(part[:3], part[3], HIDDEN)
    if found.rules:
        for part in struck_characters(found.rules, found.lines, painting):
            removal.drop(part[:3], part[3], STRUCK)
    if removal.dropped:
        before = sum(len(text_of(line.data)) for line in found.lines)
        if removal.apply():
            shown.doubts.append("a part of a line is covered and left out")
        if sum(len(text) for reason, text in shown.left_out if reason == HIDDEN) > _MOST * before:
            shown.doubts.append("most of its text does not show and is left out")
    shown.log = painting.__dict__.get("log")


def _findings(blocks: Sequence[dict[str, Any]]) -> _Findings:
    found = _Findings()
    for index, block in enumerate(blocks):
        if block["type"] == 0:
            for number, line in enumerate(block["lines"]):
                x, y = line["dir"]
                if abs(x) > SLANT and abs(y) > SLANT:
                    found.slanted.append(PlacedLine(index, number, line))
                    continue
                placed = PlacedLine(index, number, line)
                if x > SLANT:
                    found.lines.append(placed)
                for place, span in enumerate(line["spans"]):
                    if span["color"] & PALE == PALE or span["alpha"] < TRANSLUCENT or span["size"] < TINY:
                        _note(found, placed, place, span)
        elif block["type"] == 3:
            box = block["bbox"]
            if box[2] - box[0] < THIN:
                continue
            if box[3] - box[1] < THIN:
                if block["isrect"]:
                    found.rules.append(box)
            elif not block["stroked"] and block["alpha"] >= _OPAQUE:
                found.fills.append((index, Fill(box, block["color"])))
    return found


def _note(found: _Findings, line: PlacedLine, place: int, span: dict[str, Any]) -> None:
    """Notes a span that is light, faint or tiny, and its line if it may be a watermark."""
    if not span["text"].strip():
        return
    along = line.data["dir"][0] > SLANT
    if span["color"] & _LIGHT == _LIGHT or span["alpha"] < FAINT or span["size"] < TINY:
        box = ink_box(span) if along else span["bbox"]
        found.suspects.append(Place(line.block, line.line, place, span, box))
    if along and span["alpha"] >= FAINT and (not found.pale or found.pale[-1] is not line):
        found.pale.append(line)


def _beside_fills(found: _Findings, painting: Painting, highlighted: bool) -> list[PlacedLine]:
    """The lines over which an area may be filled after them. Notes spans on a fill of their own colour."""
    if not found.fills:
        return []
    across = sorted((sum(line.data["bbox"][1::2]) / 2, n, line) for n, line in enumerate(found.lines))
    heights = [y for y, _, _ in across]
    later = {}
    for index, fill in found.fills:
        x0, y0, x1, y1 = fill.box
        for _, n, line in across[bisect_left(heights, y0) : bisect_left(heights, y1)]:
            left, _, right, _ = line.data["bbox"]
            if left >= x1 or x0 >= right:
                continue
            over = index > line.block and n not in later and not (highlighted and _is_colorful(fill.color))
            if over and not any(holds(note, *middle(fill.box)) for note in painting.notes):
                later[n] = line
            if fill.color & _LIGHT != _LIGHT:
                found.sunk.extend(
                    (line, place, fill)
                    for place, span in enumerate(line.data["spans"])
                    if difference(span["color"], fill.color) < _ALIKE and span["text"].strip()
                )
    return list(later.values())


def _under_fills(flags: int, lines: list[PlacedLine], painting: Painting) -> list[PlacedLine]:
    """Those of the lines that a fill may hide, by the exact order of painting.

    Drawings that are collected after the line that they break are too late in it; read again, each breaks its line.
    """
    import pymupdf

    texts: dict[int, list[Box]] = {}
    covers: list[tuple[Box, dict[int, int]]] = []
    textpage = painting.page.get_textpage(flags=flags & ~pymupdf.TEXT_LAZY_VECTORS)
    for block in textpage.extractDICT()["blocks"]:
        x0, y0, x1, y1 = block["bbox"]
        bands = range(max(int(y0), 0) // _BAND, min(int(y1), _LOWEST) // _BAND + 1)
        if block["type"] == 0:
            for line in block["lines"]:
                for band in bands:
                    texts.setdefault(band, []).append(line["bbox"])
        elif block["type"] == 3 and not block["stroked"] and block["alpha"] >= _OPAQUE:
            near = [box for band in bands for box in texts.get(band, ())]
            if any(
                min(x1, box[2]) - max(x0, box[0]) > min(_SHARED * (box[3] - box[1]), (x1 - x0) / 2)
                and min(y1, box[3]) - max(y0, box[1]) > _SHARED * (box[3] - box[1])
                for box in near
            ):
                covers.append((block["bbox"], {band: len(texts.get(band, ())) for band in bands}))
    return [
        line for line in lines if any(_hides(line.data["bbox"], *cover, texts, painting) for cover in covers)
    ]


def _hides(
    line: Box, cover: Box, before: dict[int, int], texts: dict[int, list[Box]], painting: Painting
) -> bool:
    """Whether what shows where a fill lies on a line is no ink, or may be that of text which came after the fill.

    ``before`` is how many of the ``texts`` of each band came before the fill.
    """
    if not overlap(line, cover):
        return False
    part = part_below(cover, line)
    later = (box for band, count in before.items() for box in texts.get(band, ())[count:])
    return any(overlap(box, part) for box in later) or painting.is_flat(part)


@lru_cache(maxsize=4096)
def _is_colorful(color: int) -> bool:
    """Whether a colour is no grey. Where readers have highlighted text, such fills are theirs: to ask each takes time."""
    channels = color.to_bytes(4, "big")[1:]
    return max(channels) - min(channels) >= _COLORFUL


def _remove_slanted(found: _Findings, removal: Removal) -> None:
    """Removes slanted lines, unless they are most of the page: then the page itself lies askew."""
    texts = [text_of(line.data) for line in found.slanted]
    if len(set(texts)) == len(texts) and sum(map(len, texts)) > _MOST * sum(
        len(text_of(line.data)) for line in [*found.lines, *found.slanted]
    ):
        return
    for line, text in zip(found.slanted, texts, strict=True):
        span = line.data["spans"][0]
        pale = span["color"] & PALE == PALE or span["alpha"] < TRANSLUCENT
        removal.drop_line(line, WATERMARK if pale or texts.count(text) > 1 else TURNED)
