"""Removes spans and characters from the text of a page, and keeps account of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qa_engine.documents.blocks import LeftOutPlace, Rect
from qa_engine.documents.pages.visibility.painting import Box, Painting, PlacedLine

HIDDEN, STRUCK, WATERMARK, TURNED = "hidden", "struck", "watermark", "turned"
"""Why text of a page is left out."""
Word = tuple[float, float, float, float, str]
"""Rectangle and text of a word."""


@dataclass
class Shown:
    """What a page shows of its text layer.

    Attributes:
        textpage, blocks: the text page and its blocks of text, without what was removed. Lines of which only a part is
            left have the key ``cut``.
        left_out: why and what.
        places: of it.
        doubts: one clause each.
        words: that are left of lines of which something was removed.
        removed: places and texts of all words that these lines had.
        log: kinds and rectangles of all that is painted, if it had to be read.
    """

    textpage: Any = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    places: list[LeftOutPlace] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    removed: set[tuple[int, int, str]] = field(default_factory=set)
    log: list[tuple[str, Box]] | None = None

    def visible_words(self, words: Iterable[Sequence[Any]]) -> list[Word]:
        """Of the words of the page, each a rectangle and a text, those that it shows."""
        shown: list[Word] = [
            (x0, y0, x1, y1, text)
            for x0, y0, x1, y1, text, *_ in words
            if not self.removed or _key(x0, y0, text) not in self.removed
        ]
        return shown + self.words


class Removal:
    """What is to be removed from the blocks of a page, and why.

    Attributes:
        dropped: by the places of block, line and span: why, and which characters, or None for all.
    """

    def __init__(self, shown: Shown, painting: Painting) -> None:
        self._shown = shown
        self._painting = painting
        self.dropped: dict[tuple[int, int], dict[int, tuple[str, set[int] | None]]] = {}

    def drop(self, place: Sequence[int], characters: Iterable[int] | None, reason: str) -> None:
        """Removes a span, given by the places of its block, its line and itself, or some of its characters."""
        spans = self.dropped.setdefault((place[0], place[1]), {})
        reason, before = spans.get(place[2], (reason, set()))
        spans[place[2]] = (reason, None if characters is None or before is None else before | set(characters))

    def drop_line(self, line: PlacedLine, reason: str) -> None:
        """Removes a whole line."""
        for span in range(len(line.data["spans"])):
            self.drop((line.block, line.line, span), None, reason)

    def apply(self) -> bool:
        """Edits the blocks, and notes what was removed and what is left; returns whether a line lost a covered part."""
        partly = False
        words: dict[tuple[int, int], list[Sequence[Any]]] = {}
        for word in self._shown.textpage.extractWORDS():
            words.setdefault((word[5], word[6]), []).append(word)
        # Words are numbered by their blocks of text, as if nothing were drawn between them.
        texts = [index for index, block in enumerate(self._shown.blocks) if block["type"] == 0]
        for (block, number), spans in self.dropped.items():
            line = self._shown.blocks[block]["lines"][number]
            for x0, y0, _, _, text, *_ in words.get((texts.index(block), number), ()):
                self._shown.removed.add(_key(x0, y0, text))
            for place in self._edit(line, block, number, spans):
                self._shown.left_out.append((place.role, place.text))
                self._shown.places.append(place)
            some = any(reason == HIDDEN and numbers is not None for reason, numbers in spans.values())
            partly = partly or (some and "cut" in line)
        return partly

    def _edit(
        self, line: dict[str, Any], block: int, number: int, dropped: dict[int, tuple[str, set[int] | None]]
    ) -> list[LeftOutPlace]:
        """Edits one line, and returns why and which text was removed from where."""
        removed: list[LeftOutPlace] = []
        kept: list[Box] = []
        for index, span in enumerate(line["spans"]):
            reason, numbers = dropped.get(index, ("", set()))
            if reason and numbers is None:
                removed.append(LeftOutPlace(reason, span["text"], (Rect(*span["bbox"]),)))
                span["text"] = "" if reason == STRUCK else " "
            elif reason:
                characters = self._painting.characters(block, number)[index]
                runs = _runs(characters, numbers or set())
                removed += [LeftOutPlace(reason, text, (Rect(*box),)) for text, box, gone in runs if gone]
                kept += [box for text, box, gone in runs if not gone and text.strip()]
                gap = "" if reason == STRUCK else " "
                span["text"] = "".join(gap if gone else text for text, _, gone in runs)
                self._keep_words((text, box) for text, box, gone in runs if not gone)
            elif span["text"].strip():
                kept.append(span["bbox"])
                self._keep_words([(span["text"], span["bbox"])])
        if not any(character.isalnum() for span in line["spans"] for character in span["text"]):
            kept = []  # a full stop that was not covered is no sentence
        if kept:
            x0s, y0s, x1s, y1s = zip(*kept, strict=True)
            line["bbox"] = (min(x0s), min(y0s), max(x1s), max(y1s))
            line["cut"] = True
        else:
            line["spans"] = []
        merged: list[LeftOutPlace] = []
        for place in removed:
            if merged and merged[-1].role == place.role:
                last = merged.pop()
                place = LeftOutPlace(place.role, last.text + place.text, last.boxes + place.boxes)
            merged.append(place)
        return [one._replace(text=one.text.strip()) for one in merged if one.text.strip()]

    def _keep_words(self, runs: Iterable[tuple[str, Box]]) -> None:
        for text, box in runs:
            if text.strip():
                self._shown.words.append((*box, text.strip()))


def _runs(characters: Sequence[dict[str, Any]], dropped: set[int]) -> list[tuple[str, Box, bool]]:
    """Runs of characters that stay or go: text, rectangle, and whether it goes."""
    runs: list[tuple[str, Box, bool]] = []
    for index, character in enumerate(characters):
        gone, box = index in dropped, character["bbox"]
        if runs and runs[-1][2] == gone:
            text, (x0, y0, _, y1), _ = runs[-1]
            runs[-1] = (text + character["c"], (x0, y0, box[2], y1), gone)
        else:
            runs.append((character["c"], box, gone))
    return runs


def _key(x0: float, y0: float, text: str) -> tuple[int, int, str]:
    return round(x0), round(y0), text
