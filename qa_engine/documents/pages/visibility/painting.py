"""How a page is painted: in which order, and with which colours at a place. Computed when asked for: few pages need it."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Rect

Span = dict[str, Any]
"""A span of PyMuPDF's dictionaries of text."""
TextLine = dict[str, Any]
"""A line of PyMuPDF's dictionaries of text."""
Box = tuple[float, float, float, float]

TEXTS = frozenset({"fill-text", "stroke-text"})
COVERS = frozenset({"fill-path", "fill-shade", "fill-image", "fill-imgmask"})
"""Kinds of what is painted."""
_BAND = 16
_ZOOM = 3
_FLAT = 20
"""Pixels whose channels (0 to 255) differ by no more than this look alike."""
_GROUND = 0.75
"""A colour of this share of the pixels is that of the ground."""
_NOTES = (0, 8, 9, 10, 14, 17, 18)
"""Kinds of annotations: note, highlight, underline, squiggly line, caret, attached file, sound."""


class PlacedLine(NamedTuple):
    """Where a line is among the blocks of a page, and the line."""

    block: int
    line: int
    data: TextLine


class Painting:
    """What is painted on a page.

    Attributes:
        page: a ``pymupdf.Page``.
        textpage: its text with characters, as `read_page_lines` reads it.
    """

    def __init__(self, page: Any, textpage: Any) -> None:
        self.page = page
        self._textpage = textpage

    @cached_property
    def log(self) -> list[tuple[str, Box]]:
        """Kind and rectangle of everything that is painted, in order; empty where the page cannot be walked."""
        return list(self.page.get_bboxlog())

    @cached_property
    def images(self) -> list[tuple[int, Rect]]:
        """The place in `log` and the rectangle of each image."""
        return [
            (index, Rect(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
            for index, (kind, (x0, y0, x1, y1)) in enumerate(self.log)
            if "image" in kind or kind == "fill-imgmask"
        ]

    @cached_property
    def notes(self) -> list[Box]:
        """The rectangles of annotations that let text show, as highlights do, and of the symbols of others."""
        import pymupdf

        value = self.page.parent.xref_get_key
        found, upright = [], None
        for xref, kind, _ in self.page.annot_xrefs():
            edges = value(xref, "Rect")[1].strip("[]").split() if kind in _NOTES else ()
            if len(edges) == 4:
                upright = self.page.transformation_matrix if upright is None else upright
                found.append(tuple((pymupdf.Rect([float(edge) for edge in edges]) * upright).normalize()))
        return found

    def characters(self, block: int, line: int) -> list[list[dict[str, Any]]]:
        """The characters of each span of a line, by the places of its block and of itself in the text page."""
        return [span["chars"] for span in self._characters[block]["lines"][line]["spans"]]

    @cached_property
    def _characters(self) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = self._textpage.extractRAWDICT()["blocks"]
        return blocks

    def near(self, box: Box, kinds: frozenset[str]) -> list[tuple[int, Box]]:
        """The places in `log` and the rectangles of what is painted over a rectangle: `TEXTS` or `COVERS`."""
        x0, y0, x1, y1 = box
        bands = self._bands[kinds]
        return list(
            {
                index: other
                for band in range(int(y0) // _BAND, int(y1) // _BAND + 1)
                for index, other in bands.get(band, ())
                if other[0] < x1 and x0 < other[2] and other[1] < y1 and y0 < other[3]
            }.items()
        )

    @cached_property
    def _bands(self) -> dict[frozenset[str], dict[int, list[tuple[int, Box]]]]:
        bands: dict[frozenset[str], dict[int, list[tuple[int, Box]]]] = {TEXTS: {}, COVERS: {}}
        bottom = int(self.page.rect.height) // _BAND
        for index, (kind, box) in enumerate(self.log):
            kinds = TEXTS if kind in TEXTS else COVERS if kind in COVERS else None
            if kinds is not None:
                for band in range(max(int(box[1]) // _BAND, 0), min(int(box[3]) // _BAND, bottom) + 1):
                    bands[kinds].setdefault(band, []).append((index, box))
        return bands

    def painted_at(self, character: dict[str, Any]) -> int | None:
        """When a character was painted, as a place in `log`.

        Of several at one place, the first one that is asked for is the first one painted; where the text page has fewer of
        them, it is the last one. Their codes are not compared: one glyph may stand for a character and for its radical.
        """
        x, y = character["origin"]
        key = (round(x), round(y))
        places = self._places.get(key)
        if not places:
            return None
        if len(places) > self._counts[key]:
            return places[-1]
        self._asked[key] += 1
        return places[min(self._asked[key], len(places)) - 1]

    @cached_property
    def _asked(self) -> Counter[tuple[int, int]]:
        return Counter()

    @cached_property
    def _counts(self) -> Counter[tuple[int, int]]:
        blocks = [block for block in self._characters if block["type"] == 0]
        lines = [line for block in blocks for line in block["lines"]]
        return Counter(
            (round(character["origin"][0]), round(character["origin"][1]))
            for line in lines
            for span in line["spans"]
            for character in span["chars"]
        )

    @cached_property
    def _places(self) -> dict[tuple[int, int], list[int]]:
        places: dict[tuple[int, int], list[int]] = defaultdict(list)
        for span in self.page.get_texttrace():
            for _, _, (x, y), _ in span["chars"]:
                places[round(x), round(y)].append(span["seqno"])
        return places

    def is_flat(self, box: Box, color: int | None = None) -> bool:
        """Whether a place shows one colour only; with ``color`` also, whether this is the colour of its ground."""
        counts = self._colors(box)
        if not counts:
            return False
        ranges = [max(values) - min(values) for values in zip(*counts, strict=True)]
        if max(ranges) <= _FLAT:
            return True
        if color is None:
            return False
        same = sum(
            n for pixel, n in counts.items() if difference(int.from_bytes(pixel, "big"), color) <= _FLAT
        )
        return same >= _GROUND * sum(counts.values())

    def _colors(self, box: Box) -> dict[bytes, int]:
        """How many pixels of each colour a place has."""
        import pymupdf

        pixmap = self._shown.get_pixmap(
            matrix=pymupdf.Matrix(_ZOOM, _ZOOM), colorspace=pymupdf.csRGB, alpha=False, clip=pymupdf.Rect(box)
        )
        colors: dict[bytes, int] = pixmap.color_count(colors=True) if pixmap.width and pixmap.height else {}
        return colors

    @cached_property
    def _shown(self) -> Any:
        rotation = self.page.rotation
        self.page.set_rotation(0)
        try:
            return self.page.get_displaylist()
        finally:
            self.page.set_rotation(rotation)


@lru_cache(maxsize=4096)
def difference(first: int, second: int) -> int:
    """By how much two colours (0xRRGGBB) differ in the channel in which they differ most, 0 to 255."""
    return max(abs((first >> shift & 255) - (second >> shift & 255)) for shift in (0, 8, 16))


def ink_box(span: Span) -> Box:
    """Where the characters of a span have their ink: from the baseline to the height of capitals."""
    (_, y), size = span["origin"], span["size"]
    return span["bbox"][0], y - 0.72 * size, span["bbox"][2], y - 0.02 * size


def holds(box: Box, x: float, y: float) -> bool:
    """Whether a point lies in a rectangle."""
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def overlap(first: Box, second: Box) -> bool:
    """Whether two rectangles share an area."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def middle(box: Box) -> tuple[float, float]:
    """The middle of a rectangle."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
