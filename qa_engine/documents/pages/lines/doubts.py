"""Lines whose characters are not those that the page shows: the text of fonts without a proper map.

A page may be fine but for its digits, which a subset of another font has: they come out as rare Han characters, as private
ones that are left out, or as none at all. Such a line is found, and shown, and never quoted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from qa_engine.documents.pages.garbling import common_han
from qa_engine.text.language import HAN_RANGES

LOST, RARE, ODD_PAGE, UNSURE = (
    "characters without a meaning are left out",
    "rare characters may stand for digits",
    "its page reads like no language",
    "OCR is unsure of it",
)
_LOST = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff\x00-\x08\x0e-\x1f\x7f-\x9f]")
_BULLET = re.compile("^\\s*[\ue000-\uf8ff]+")
_LEAST_LOST, _LOST_SHARE = 2, 0.08
"""So many characters of a line, and this share of them, are lost."""
_LEAST, _SHARE, _RUN = 4, 0.35, 1.5
"""A font has so many rare Han characters, this share of all its Han characters, in runs of so many in the mean: digits
stand together. A font that a writer takes for the rare characters of names has one here, one there."""
_UNITS = "%％‰万亿千百元年月日个人股倍吨米件台户家次项页岁℃"
"""What stands behind digits."""


def lost_characters(raw: str) -> bool:
    """Whether so many characters of a line, bullets aside, have no meaning that what is left may say something else."""
    text = _BULLET.sub("", raw)
    lost = len(_LOST.findall(text))
    return lost >= _LEAST_LOST and lost > _LOST_SHARE * len(text)


def unmapped_fonts(blocks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The fonts of the blocks of a page, as PyMuPDF gives them, whose Han characters look like digits for a writer."""
    texts: dict[str, list[str]] = defaultdict(list)
    for block in blocks:
        for line in block["lines"]:
            for span in line["spans"]:
                if not span["text"].isascii():
                    texts[span["font"]].append(span["text"])
    return frozenset(font for font, parts in texts.items() if _is_unmapped(parts))


def _is_unmapped(texts: Sequence[str]) -> bool:
    runs = [run for text in texts for run in _patterns()[0].findall(text)]
    rare = sum(map(len, runs))
    if rare < _LEAST or rare < _RUN * len(runs):
        return False
    return rare >= _SHARE * sum(len(han) for text in texts for han in _HAN.findall(text))


def has_rare_number(text: str) -> bool:
    """Whether several rare Han characters stand before a unit, or between digits, as a number does."""
    return not text.isascii() and _patterns()[1].search(text) is not None


_HAN = re.compile(f"[{HAN_RANGES}]+")


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Runs of Han characters that are among the common ones of no language, and numbers that are made of these."""
    common = frozenset[str]().union(*common_han())
    rare = "".join(chr(code) for code in range(0x3400, 0xA000) if chr(code) not in common)
    run = f"[{_ranges(rare)}]"
    return re.compile(f"{run}+"), re.compile(rf"{run}{{2,}}[{_UNITS}]|\d[,.]?{run}{{2,}}|{run}+[.,]{run}+")


def _ranges(characters: str) -> str:
    """Ascending characters as the inside of a class of a regular expression."""
    parts, start, last = [], characters[0], characters[0]
    for character in characters[1:]:
        if ord(character) != ord(last) + 1:
            parts.append(f"{start}-{last}")
            start = character
        last = character
    return "".join([*parts, f"{start}-{last}"])


def line_doubt(raw: str, spans: Iterable[Mapping[str, Any]], fonts: frozenset[str]) -> str:
    """What is doubtful about a line with these spans, or nothing. ``fonts`` are those of its page without a proper map."""
    if raw.isascii() and raw.isprintable():
        return ""
    if lost_characters(raw):
        return LOST
    if fonts and any(span["font"] in fonts and _HAN.search(span["text"]) for span in spans):
        return RARE
    return RARE if has_rare_number(raw) else ""
