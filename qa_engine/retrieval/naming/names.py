"""Finds names of documents in a question, with a dictionary: as long as the question is, however many names there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from qa_engine.documents.identity.organisations import squeezed

_MAX_UNITS = 32
_COMPANY = re.compile(r"(?P<name>[\u4e00-\u9fff]{4,}?)(?:集团|控股)?(?:股份|有限责任)?(?:有限公司|公司|集团)")
_PLACE = re.compile(
    "(?:北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|"
    "陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|深圳|广州|苏州|杭州|南京|成都|武汉|西安|青岛|宁波|厦门|大连|无锡|"
    "长沙|郑州|沈阳|济南|合肥|福州|东莞|佛山|珠海|常州|中国)[省市]?"
)
_FOUR = re.compile(r"[\u4e00-\u9fff]{4}")
_POSSESSIVE = re.compile(r"['’]s\b", re.I)
_QUOTED = frozenset({"《》", "“”", "「」", "〈〉", '""'})
_LEADING = re.compile(r"^[\s,，、:：;；的之]+")
_COMMON = frozenset(
    """target block gap visa apple square match shell unity ball best snap chase discover progressive southern general
    report annual manual guide contract""".split()  # noqa: SIM905
)
"""Names that are words as well: they count only with a capital."""


class _Unit(NamedTuple):
    """A Han character, or a run of letters and digits, with its place in the text."""

    text: str
    start: int
    end: int


class FoundName(NamedTuple):
    """A name in a text: its place, and the documents that have it."""

    start: int
    end: int
    documents: frozenset[str]


class NameDictionary:
    """The names of documents. Immutable."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """Takes names, as they are written, with the document that each is of."""
        documents: dict[str, set[str]] = {}
        for name, document in names:
            key = squeezed(name)
            if (len(key) >= 2 and not key.isdecimal()) or len(key) >= 4:
                documents.setdefault(key, set()).add(document)
        self._documents: Mapping[str, frozenset[str]] = {
            key: frozenset(ids) for key, ids in documents.items()
        }

    def find(self, text: str) -> list[FoundName]:
        """The names in a text from left to right, the longest at each place; none overlaps another."""
        units = _units(text)
        found: list[FoundName] = []
        start = 0
        while start < len(units):
            name = self._longest(units, start, text)
            if name is None:
                start += 1
                continue
            found.append(name)
            while start < len(units) and units[start].end <= name.end:
                start += 1
        return found

    def _longest(self, units: Sequence[_Unit], start: int, text: str) -> FoundName | None:
        key, best = "", None
        for unit in units[start : start + _MAX_UNITS]:
            key += unit.text
            documents = self._documents.get(key)
            if documents is None or (key in _COMMON and not text[units[start].start].isupper()):
                continue
            first, end = units[start].start, unit.end
            if text[first - 1 : first] + text[end : end + 1] in _QUOTED and first:
                first, end = first - 1, end + 1
            elif possessive := _POSSESSIVE.match(text, end):
                end = possessive.end()
            best = FoundName(first, end, documents)
        return best


def chinese_variants(organisation: str) -> Iterator[str]:
    """What people call a Chinese company besides its full name, by its place, its brand and its trade.

    A brand is what the dictionary of the tokenizer does not have, so that it is nothing else in a question: of
    常州砾湖精密制造有限公司 it is 砾湖. Variants are 砾湖, 常州砾湖 and so on; without a brand, the first two words.
    """
    match = _COMPANY.fullmatch(organisation)
    if match is None:
        return
    import rjieba

    words = rjieba.cut(match["name"], False)
    place = words.pop(0) if len(words) > 1 and _PLACE.fullmatch(words[0]) else ""
    brand = "".join(takewhile(lambda word: len(word) == 1, words))
    if len(brand) >= 2:
        yield brand
        yield from (f"{brand}{form}" for form in ("集团", "股份", "公司"))
        rest = words[len(brand) :]
        yield from (f"{place}{brand}", *(f"{brand}{word}" for word in rest[:1]))
    elif words and len(words[0]) >= 2:
        yield f"{place}{words[0]}" if place else "".join(words[:2])


def initials(name: str) -> str:
    """The first characters of the two words of a Chinese name of four, such as 海陶 of 海河陶瓷; empty if there are none.

    What the dictionary of the tokenizer has is another word.
    """
    if not _FOUR.fullmatch(name):
        return ""
    import rjieba

    words = rjieba.cut(name, False)
    short = "".join(word[0] for word in words)
    return short if len(words) == 2 == len(words[0]) and len(rjieba.cut(short, False)) == 2 else ""


def without(text: str, names: Sequence[FoundName]) -> str:
    """A text without some names; the text itself if hardly anything would be left."""
    rest, end = "", 0
    for name in names:
        rest += text[end : name.start].rstrip() + " "
        end = name.end
        end += len(_match.group()) if (_match := _LEADING.match(text[end:])) else 0
    rest = " ".join((rest + text[end:]).split())
    return rest if len(squeezed(rest)) >= 4 else text


def _units(text: str) -> list[_Unit]:
    units: list[_Unit] = []
    for place, character in enumerate(text):
        folded = unicodedata.normalize("NFKC", character).casefold()
        if not folded.isalnum():
            continue
        last = units[-1] if units else None
        joins = (
            last is not None
            and last.end == place
            and not _stands_alone(folded)
            and not _stands_alone(last.text)
        )
        if joins and last is not None:
            units[-1] = _Unit(last.text + folded, last.start, place + 1)
        else:
            units.append(_Unit(folded, place, place + 1))
    return units


def _stands_alone(character: str) -> bool:
    return "\u3040" <= character[0] <= "\u9fff" or character[0] >= "\uac00"
