"""Finds the terms of glossaries in a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

from qa_engine.config import RetrievalConfig
from qa_engine.errors import ConfigurationError
from qa_engine.retrieval.glossary.files import STATEMENT, GlossaryEntry, read_glossary
from qa_engine.text.language import HAN
from qa_engine.text.tokenizer import HAN_CLASS, fold

SHIPPED = ("financial.csv", "contracts.csv", "data_sheets.csv", "everyday.csv")
_UNITS = re.compile(rf"(?P<han>[{HAN_CLASS}])|[^\W{HAN_CLASS}_]+(?:['’]s\b)?")
"""What terms are compared by: single Han characters, which have no borders between words, and whole words of letters."""
_TRANSLATIONS = 2
_BORDER = re.compile(r"[^\s&/–.·-]")
"""What does not stand between two words of one term."""


@dataclass(frozen=True)
class GlossaryTerm:
    """A term of a glossary that a question holds.

    Attributes:
        term: as it stands in the question.
        words: what is searched for beside the question.
        statements: kinds of the statements in which these words stand, the likeliest first.
        titles: titles of these statements.
        literal: whether documents write the term as well, by its row, so that the question alone finds much.
    """

    term: str
    words: tuple[str, ...]
    statements: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    literal: bool = False

    def in_languages(self, chinese: bool, other: bool) -> GlossaryTerm:
        """The same term with the words and titles in Chinese, those in other languages, both or none."""

        def kept(words: Iterable[str]) -> tuple[str, ...]:
            return tuple(word for word in words if (chinese if HAN.search(word) else other))

        return replace(self, words=kept(self.words), titles=kept(self.titles))

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


class Glossary:
    """Entries of glossaries by their names. Two entries with the same name are one, with the words of the first in front.

    Names are compared as `fold` leaves them, without case and the plural of words of letters. Of names that overlap in a
    question the first counts, and of those that begin together the longest. Thread-safe.

    Example:
        >>> glossary = Glossary([GlossaryEntry(("毛利率", "gross margin"), ("毛利", "营业成本"))])
        >>> [(found.term, found.words) for found in glossary.terms("What are the Gross Margins?")]
        [('Gross Margins', ('毛利', '营业成本'))]
    """

    def __init__(self, entries: Sequence[GlossaryEntry]) -> None:
        self._titles = {
            name[1:]: entry.words for entry in entries for name in entry.names if name.startswith(STATEMENT)
        }
        self._names: dict[str, dict[tuple[str, ...], list[GlossaryEntry]]] = {}
        for entry in entries:
            for name in entry.names:
                units = tuple(unit for unit, _, _ in _units(name))
                if units and not name.startswith(STATEMENT):
                    self._names.setdefault(units[0], {}).setdefault(units, []).append(entry)

    def terms(self, question: str) -> list[GlossaryTerm]:
        """The terms in a question, each once, in their order."""
        units = _units(question)
        texts = tuple(unit for unit, _, _ in units)
        found: dict[tuple[str, ...], GlossaryTerm] = {}
        place = 0
        while place < len(units):
            names = self._names.get(texts[place], {})
            held = (name for name in names if texts[place : place + len(name)] == name)
            longest = max(held, key=len, default=None)
            if longest is None:
                place += 1
                continue
            last = place + len(longest) - 1
            text = question[units[place][1] : units[last][2]]
            found.setdefault(longest, self._term(text, longest, names[longest]))
            place = last + 1
        return list(found.values())

    def _term(self, text: str, name: tuple[str, ...], entries: Sequence[GlossaryEntry]) -> GlossaryTerm:
        statements = tuple(dict.fromkeys(kind for entry in entries for kind in entry.statements))
        words = tuple(
            dict.fromkeys(word for entry in entries for word in (*entry.words, *_translations(text, entry)))
        )
        titles = tuple(title for kind in statements for title in self._titles.get(kind, ()))
        own = (word for entry in entries for word in entry.words)
        literal = any(tuple(unit for unit, _, _ in _units(word)) == name for word in own)
        return GlossaryTerm(text, words, statements, titles, literal)


def _translations(term: str, entry: GlossaryEntry) -> list[str]:
    """The first names of an entry in the other language: a key figure such as a margin may stand under its own name."""
    chinese = HAN.search(term) is None
    return [name for name in entry.names if (HAN.search(name) is not None) == chinese][:_TRANSLATIONS]


@lru_cache(maxsize=64)
def _units(text: str) -> tuple[tuple[str, int, int], ...]:
    """What a text is compared by, with the places in the text as it is given. Cached: a question comes several times."""
    units: list[tuple[str, int, int]] = []
    for match in _UNITS.finditer(text):
        if units and _BORDER.search(text, units[-1][2], match.start()):
            units.append(("", match.start(), match.start()))
        # Folding may change lengths, so each unit is folded on its own.
        word = fold(match[0]).lower()
        units.append((word if match["han"] else _singular(word), match.start(), match.end()))
    return tuple(units)


def _singular(word: str) -> str:
    """An English word in lower case without the endings of the plural and of the genitive.

    The stems of BM25 would be too coarse: there "region" is "regional", "season" "seasonal" and "liquid" "liquidity".
    """
    word = word.replace("’", "'").removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui" else word


def build_glossary(config: RetrievalConfig) -> Glossary | None:
    """The glossary of the configuration: the user's files, then those that come with qa_engine; None without any.

    Raises:
        ConfigurationError: a file cannot be read, or a row of it is wrong.
    """
    entries = [entry for path in config.glossary for entry in read_glossary(path)]
    if config.shipped_glossary:
        for name in SHIPPED:
            with as_file(files("qa_engine.retrieval.glossary") / "shipped" / name) as path:
                entries += read_glossary(path)
    known = {name for entry in entries for name in entry.names if name.startswith(STATEMENT)}
    for entry in entries:
        if unknown := [
            kind for kind in entry.statements if config.shipped_glossary and STATEMENT + kind not in known
        ]:
            raise ConfigurationError(
                f"The glossary entry {entry.names[0]!r} names the statement {STATEMENT}{unknown[0]}, which has no titles: "
                f"choose one of {', '.join(sorted(known))}, or add a row for it."
            )
    return Glossary(entries) if entries else None
