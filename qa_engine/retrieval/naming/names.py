"""Finds names of documents in a question, with a dictionary: as long as the question is, however many names there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from qa_engine.documents.identity.organisations import squeezed

_MAX_UNITS = 32
_POSSESSIVE = re.compile(r"['’]s\b", re.I)
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
            possessive = _POSSESSIVE.match(text, unit.end)
            best = FoundName(units[start].start, possessive.end() if possessive else unit.end, documents)
        return best


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
