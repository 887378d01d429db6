"""The automatic numbers of paragraphs, such as 第一章, 1.2 or a bullet: they are no text in the file, and counted here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from qa_engine.documents.renditions.formats.word.parts import W
from qa_engine.documents.renditions.formats.word.styles import is_on, number, value

BULLET = "•"
_LEVELS = 9
_PLACE = re.compile(r"%([1-9])")
_CHINESE = frozenset(
    {"chineseCounting", "chineseCountingThousand", "taiwaneseCounting", "taiwaneseCountingThousand"}
    | {"japaneseCounting", "ideographDigital", "taiwaneseDigital", "koreanCounting"}
)
_LEGAL = frozenset({"chineseLegalSimplified", "ideographLegalTraditional", "japaneseLegal"})
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")),
    *((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)


class Level(NamedTuple):
    """One level of a numbering: the first number, its form, the text around it, and the style that has it."""

    start: int = 1
    form: str = "decimal"
    text: str = ""
    style: str = ""
    decimal: bool = False
    """Whether the numbers of all levels are decimal in its text."""
    restarts: bool = True
    gap: str = " "


@dataclass
class _List:
    abstract: str
    levels: dict[int, Level]
    starts: dict[int, int]
    """The numbers with which the list begins anew."""
    used: bool = False


class Numbering:
    """Counts the numbered paragraphs of a document, in their order."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, list[int | None]] = {}
        for root in roots:
            abstracts = {
                one.get(f"{W}abstractNumId") or "": _levels(one) for one in root.iter(f"{W}abstractNum")
            }
            for one in root.iter(f"{W}num"):
                abstract = value(one, "abstractNumId") or ""
                levels, starts = dict(abstracts.get(abstract, {})), {}
                for override in one.iter(f"{W}lvlOverride"):
                    place = number(override.get(f"{W}ilvl")) or 0
                    levels.update(_levels(override))
                    start = number(value(override, "startOverride"))
                    if start is not None:
                        starts[place] = start
                self._lists[one.get(f"{W}numId") or ""] = _List(abstract, levels, starts)

    def level_of_style(self, list_id: str, style: str) -> int:
        """The level of a numbering that a style has."""
        found = self._lists.get(list_id)
        levels = found.levels.items() if found is not None else ()
        return next((place for place, level in levels if style and level.style == style), 0)

    def label(self, list_id: str, place: int) -> str:
        """Counts a paragraph.

        Args:
            list_id: the id of its numbering.
            place: its level, from 0.

        Returns:
            Its number with what belongs to it, and with the blank behind it; empty if it has none.
        """
        found = self._lists.get(list_id)
        if found is None or place not in found.levels or place >= _LEVELS:
            return ""
        counts = self._counts.setdefault(found.abstract, [None] * _LEVELS)
        if not found.used:
            found.used = True
            for one in found.starts:
                counts[one] = None
        last = counts[place]
        first = found.starts.get(place, found.levels[place].start)
        counts[place] = first if last is None else last + 1
        for deeper in range(place + 1, _LEVELS):
            if deeper not in found.levels or found.levels[deeper].restarts:
                counts[deeper] = None
        level = found.levels[place]
        if level.form == "bullet":
            return f"{BULLET} "

        def shown(match: re.Match[str]) -> str:
            other = int(match[1]) - 1
            form = found.levels.get(other, Level())
            count = counts[other]
            return formatted(
                form.start if count is None else count, "decimal" if level.decimal else form.form
            )

        text = _PLACE.sub(shown, level.text).strip()
        return text + level.gap if text else ""


def _levels(root: Any) -> dict[int, Level]:
    levels = {}
    for one in root.iter(f"{W}lvl"):
        start = number(value(one, "start"))
        levels[number(one.get(f"{W}ilvl")) or 0] = Level(
            1 if start is None else start,
            value(one, "numFmt") or "decimal",
            value(one, "lvlText") or "",
            value(one, "pStyle") or "",
            bool(is_on(one, "isLgl")),
            value(one, "lvlRestart") != "0",
            "" if value(one, "suff") == "nothing" else " ",
        )
    return levels


def formatted(count: int, form: str) -> str:
    """A number in a form of Word, such as ``chineseCounting``; decimal in those that are not known.

    Args:
        count: the number.
        form: as ``w:numFmt`` names it.
    """
    if form == "none":
        return ""
    if form in {"upperRoman", "lowerRoman"} and 0 < count < 4000:
        return _roman(count) if form == "upperRoman" else _roman(count).lower()
    if form in {"upperLetter", "lowerLetter"} and count > 0:
        letter = chr(ord("A") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letter if form == "upperLetter" else letter.lower()
    if form in _CHINESE or form in _LEGAL:
        import cn2an

        text = str(cn2an.an2cn(count, "up" if form in _LEGAL else "low"))
        return text[1:] if text[:2] == "一十" else text
    if form.startswith("decimalEnclosedCircle") and 0 < count <= 20:
        return chr(0x2460 + count - 1)
    if form == "ideographTraditional" and 0 < count <= len(_STEMS):
        return _STEMS[count - 1]
    if form == "ideographZodiac" and 0 < count <= len(_BRANCHES):
        return _BRANCHES[count - 1]
    return f"{count:02d}" if form == "decimalZero" else str(count)


def _roman(count: int) -> str:
    text = ""
    for worth, letters in _ROMAN:
        text += letters * (count // worth)
        count %= worth
    return text
