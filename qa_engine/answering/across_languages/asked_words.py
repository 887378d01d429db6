"""The words of a question as sentences in the other language hold them, by the dictionary."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.text.language import HAN, is_chinese
from qa_engine.text.tokenizer import tokenize

_TWO_WORDS = re.compile(r"[A-Za-z][a-z]{2}.*?[^A-Za-z][A-Za-z][a-z]{2}", re.DOTALL)
NAMING_WEIGHT = 0.25
"""A word of the question that is in the name of a document counts so much as another: it tells which document is meant, and
pulls towards the pages that repeat the name. Not nothing, as 劳动合同法 is about 劳动合同."""
_LESS_LIKELY = 0.05
"""By so much less counts each further translation."""
_FULL_TRUST = 0.5
"""From this share of the question's words on that the sentences hold together, shares of these words count in full."""


def is_across(question: str, text: str) -> bool:
    """Whether a text is in the other language. Figures and abbreviations, as in rows of Chinese tables, are in neither."""
    if not is_chinese(question):
        return is_chinese(text)
    return not is_chinese(text) and _TWO_WORDS.search(text) is not None


@dataclass(frozen=True)
class AskedWord:
    """A word of a question.

    Attributes:
        own: its terms, as the question writes it.
        translations: the terms of each of its translations, the likeliest first.
    """

    own: frozenset[str]
    translations: tuple[frozenset[str], ...] = ()

    def held(self, terms: Set[str]) -> float:
        """How far a text with these terms holds it, 0 to 1: all of it, or the share of a translation, the likeliest best."""
        if self.own and self.own <= terms:
            return 1.0
        shares = (
            len(one & terms) / len(one) / (1 + _LESS_LIKELY * place)
            for place, one in enumerate(self.translations)
        )
        return max(shares, default=0.0)


@dataclass(frozen=True)
class AskedWords:
    """The words of a question across languages: those with translations, then names, codes and numbers, which have none."""

    words: tuple[AskedWord, ...]

    @classmethod
    def of(cls, question: str, dictionary: Dictionary | None, texts: Iterable[str]) -> AskedWords:
        """The words of a question; none without a dictionary, and none if no text is in the other language."""
        if dictionary is None or not any(is_across(question, text) for text in texts):
            return cls(())
        return _asked_words(question, dictionary)

    @property
    def stems(self) -> frozenset[str]:
        """The terms of all translations."""
        return frozenset().union(*(one for word in self.words for one in word.translations))

    def held(self, terms: Set[str]) -> list[float]:
        """How far a text with these terms holds each of the words, see `AskedWord.held`."""
        return [word.held(terms) for word in self.words]

    def match(self, terms: Set[str]) -> float:
        """How well a label with these terms matches, 0 to 1, as `rows.AskedLabel.match` says it within a language."""
        covered = len(terms & self._all_terms) / len(terms) if terms else 0.0
        held = sum(self.held(terms)) / len(self.words) if self.words else 0.0
        return 1.25 * covered * held / (0.25 * covered + held) if covered and held else 0.0

    @property
    def _all_terms(self) -> frozenset[str]:
        return self.stems.union(*(word.own for word in self.words))


class HeldShares:
    """The shares of a question's words that sentences hold. The fewer of the sentences hold a word, the more it weighs."""

    def __init__(
        self, asked: AskedWords, texts: Sequence[str], across: Sequence[bool], naming: Set[str] = frozenset()
    ) -> None:
        """
        Args:
            asked: the words of the question.
            texts: the sentences.
            across: whether each of them is in the other language; the others do not count.
            naming: terms of the question that only name a document.
        """
        self._asked = asked
        self._held: dict[str, list[float]] = {"": [0.0] * len(asked.words)}
        compared = [self._of(text) for text, is_other in zip(texts, across, strict=True) if is_other]
        held = [sum(column) for column in zip(*compared, strict=True)]
        self._weights = [
            math.log((len(compared) + 1) / (count + 0.5)) * (NAMING_WEIGHT if word.own & naming else 1.0)
            if count
            else 0.0
            for word, count in zip(asked.words, held, strict=False)
        ]
        total = sum(self._weights)
        known = sum(count > 0 for count in held)
        trust = min(1.0, known / (_FULL_TRUST * len(asked.words))) if asked.words else 0.0
        self._scale = trust / total if total > 0 else 0.0

    def share(self, *texts: str) -> float:
        """The share, 0 to 1, of the words that several texts hold between them."""
        held = map(max, zip(*map(self._of, texts), strict=True))
        total: float = sum(weight * one for weight, one in zip(self._weights, held, strict=True))
        return self._scale * total

    def _of(self, text: str) -> list[float]:
        found = self._held.get(text)
        if found is None:
            found = self._held[text] = self._asked.held(frozenset(tokenize(text)))
        return found


@lru_cache(maxsize=64)
def _asked_words(question: str, dictionary: Dictionary) -> AskedWords:
    translated = dictionary.translate(question)
    chinese = is_chinese(question)
    words: dict[AskedWord, None] = {}
    left, end = "", 0
    for word in translated:
        translations = tuple(dict.fromkeys(frozenset(one.stems) for one in word.translations))
        own = frozenset() if chinese else frozenset(tokenize(word.word))
        words[AskedWord(own, translations)] = None
        left += f"{question[end : word.start]} "
        end = word.end
    left += question[end:]
    # Of a Chinese question only names, codes and numbers stand in other languages as they are.
    kept = [term for term in tokenize(left) if not chinese or not HAN.search(term)]
    words |= dict.fromkeys(AskedWord(frozenset((term,))) for term in kept)
    return AskedWords(tuple(words))
