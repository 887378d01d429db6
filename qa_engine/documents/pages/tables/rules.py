"""The rules of a page: drawings in, horizontal and vertical lines with their extents out. They tell where cells end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Rect

_THIN = 3.0
"""A filled box that is thinner than so many points is a rule: Word draws all borders so."""
_WHITE = (1.0, 1.0, 1.0)
_PALE = 0.6
"""The least part of red, green and blue in a colour that may be that of shading."""
_SAME = 2.0
"""Rules that are no farther apart than so many points are one, and one goes on behind a gap of no more: dashes."""
_REACH = 18.0
"""A rule this near to the text of a table, in points, may be a border of it."""
_COVERS = 0.6
"""A rule under this share of a cell separates it from the next."""
_GRID = 3
"""So many rules in each direction make a grid, and so do more uprights between two levels: one row."""
_BAND = 0.6
"""Shading over this share of the width of a table is that of a row."""


class Rule(NamedTuple):
    """A line: its place across (y of a horizontal, x of a vertical one), and where it begins and ends."""

    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Rules:
    """Lines and shaded boxes. Lines that touch in one direction are one."""

    horizontal: Sequence[Rule] = ()
    vertical: Sequence[Rule] = ()
    shades: Sequence[Rect] = field(default=())

    @classmethod
    def from_drawings(cls, drawings: Iterable[Mapping[str, Any]]) -> Rules:
        """The rules among the ``page.get_cdrawings()`` of a page.

        A thin box that is white, or pale as shading of the page is, is no rule: rows are shaded cell by cell.
        """
        horizontal: list[Rule] = []
        vertical: list[Rule] = []
        shades: list[Rect] = []
        pale: list[tuple[Rect, tuple[float, ...]]] = []
        colours = {_WHITE}
        for drawing in drawings:
            stroked = "s" in drawing["type"] and drawing.get("stroke_opacity") != 0
            filled = "f" in drawing["type"] and drawing.get("fill_opacity") != 0
            boxes = [box for item in drawing["items"] if (box := _box(item, stroked)) is not None]
            if filled and not stroked and not boxes:
                boxes = [Rect(*drawing["rect"])]
            colour = tuple(drawing.get("fill") or ())
            is_pale = filled and not stroked and bool(colour) and min(colour) > _PALE
            for x0, y0, x1, y1 in boxes:
                if is_pale and min(y1 - y0, x1 - x0) < _THIN:
                    pale.append((Rect(x0, y0, x1, y1), colour))
                elif y1 - y0 < _THIN:
                    horizontal.append(Rule((y0 + y1) / 2, x0, x1))
                elif x1 - x0 < _THIN:
                    vertical.append(Rule((x0 + x1) / 2, y0, y1))
                elif stroked:
                    horizontal += [Rule(y0, x0, x1), Rule(y1, x0, x1)]
                    vertical += [Rule(x0, y0, y1), Rule(x1, y0, y1)]
                elif filled:
                    shades.append(Rect(x0, y0, x1, y1))
                    colours.add(colour)
        for (x0, y0, x1, y1), colour in pale:
            if colour in colours:
                continue
            if y1 - y0 < x1 - x0:
                horizontal.append(Rule((y0 + y1) / 2, x0, x1))
            else:
                vertical.append(Rule((x0 + x1) / 2, y0, y1))
        return cls(_merged(horizontal), _merged(vertical), shades)

    def around(self, rect: Rect) -> Rules:
        """Those of a table whose text has this rectangle; of the shading, that of whole rows."""
        top, bottom = rect.y0 - _REACH, rect.y1 + _REACH
        horizontal = [r for r in self.horizontal if top < r.at < bottom and _shared(r, rect.x0, rect.x1) > 0]
        shades = [
            shade for shade in self.shades
            if top < shade.y0 and shade.y1 < bottom and shade.x0 < rect.x1 and shade.x1 > rect.x0
        ]  # fmt: skip
        left = min((r.start for r in horizontal), default=rect.x0) - _SAME
        right = max((r.end for r in horizontal), default=rect.x1) + _SAME
        left, right = min(left, rect.x0 - _REACH), max(right, rect.x1 + _REACH)
        vertical = [
            r for r in self.vertical if left < r.at < right and _shared(r, rect.y0, rect.y1) > _REACH / 3
        ]
        return Rules(horizontal, vertical, _bands(shades, _BAND * (rect.x1 - rect.x0)))

    def is_grid(self, rect: Rect) -> bool:
        """Whether rules alone make a table around the text in a rectangle."""
        inside = self.around(rect)
        levels = {rule.at for rule in inside.horizontal if inside.separates(rule.at, rect.x0, rect.x1)}
        uprights = {rule.at for rule in inside.vertical if inside.divides(rule.at, rect.y0, rect.y1)}
        return min(len(levels), len(uprights)) >= _GRID or (len(levels) == 2 and len(uprights) > _GRID)

    def separates(self, at: float, start: float, end: float) -> bool:
        """Whether a horizontal rule at this height separates what stands between two places in a row."""
        return _covered(self.horizontal, at, start, end) >= _COVERS * (end - start)

    def divides(self, at: float, start: float, end: float) -> bool:
        """Whether a vertical rule at this place stands between two heights."""
        return _covered(self.vertical, at, start, end) >= _COVERS * (end - start)


def _bands(shades: Sequence[Rect], width: float) -> list[Rect]:
    """Shaded cells beside each other as one, if that is wide enough."""
    bands: dict[tuple[int, int], list[Rect]] = {}
    for shade in shades:
        bands.setdefault((round(shade.y0), round(shade.y1)), []).append(shade)
    return [
        Rect(min(s.x0 for s in band), band[0].y0, max(s.x1 for s in band), band[0].y1)
        for band in bands.values()
        if sum(shade.x1 - shade.x0 for shade in band) > width
    ]


def _box(item: Sequence[Any], stroked: bool) -> Rect | None:
    """The box of a line, a rectangle or a quadrilateral; None of what is neither level nor upright."""
    if item[0] == "re":
        return Rect(*item[1])
    if item[0] == "l" and stroked:
        (x0, y0), (x1, y1) = item[1], item[2]
    elif item[0] == "qu":
        corners = item[1]
        (x0, y0), (x1, y1) = corners[0], corners[3]
    else:
        return None
    box = Rect(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    level = min(box.x1 - box.x0, box.y1 - box.y0) < _THIN / 2
    return box if level or item[0] == "qu" else None


def _merged(rules: Sequence[Rule]) -> list[Rule]:
    """Rules at one place made one where they touch; in order. The place is that of the first of them."""
    places: list[list[Rule]] = []
    for rule in sorted(rules):
        if places and rule.at - places[-1][0].at < _SAME:
            places[-1].append(rule)
        else:
            places.append([rule])
    merged: list[Rule] = []
    for place in places:
        at = place[0].at
        start, end = place[0].start, place[0].start
        for rule in sorted(place, key=lambda rule: rule.start):
            if rule.start > end + _SAME:
                merged.append(Rule(at, start, end))
                start = rule.start
            end = max(end, rule.end)
        merged.append(Rule(at, start, end))
    return [rule for rule in merged if rule.end - rule.start > _THIN]


def _shared(rule: Rule, start: float, end: float) -> float:
    return min(rule.end, end) - max(rule.start, start)


def _covered(rules: Sequence[Rule], at: float, start: float, end: float) -> float:
    return sum(max(_shared(rule, start, end), 0.0) for rule in rules if abs(rule.at - at) < _SAME)
