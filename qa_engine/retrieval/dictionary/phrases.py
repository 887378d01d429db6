"""The phrases of an English text with the Chinese words for them, for those who read no English."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_engine.retrieval.dictionary.question_words import english_words
from qa_engine.retrieval.dictionary.vocabulary import Vocabulary
from qa_engine.text.tokenizer import is_stop_word

_MOST_WORDS = 40
"""A phrase for which the table has so many words, the most that it keeps, is too common to tell anything."""
_LESS_BY_SENSE, _LESS_IF_SHORT = 0.5, 2.0
"""What a Chinese word loses against the logarithm (to 10) of its frequency for each sense that it has before the phrase, and
if it is a single character."""
_WORDS = re.compile(r"[A-Za-z]+")
_ARTICLE = re.compile(r"^(?:a|an|the) ")
_INFLECTIONS = (("s", ("",)), ("es", ("",)), ("ies", ("y",)), ("ed", ("", "e")), ("ing", ("", "e")))
_SHORTEST_STEM = 3


@dataclass(frozen=True)
class Phrase:
    """A phrase of an English text.

    Attributes:
        text: as it stands there.
        start: where it begins.
        chinese: the Chinese words for it, the best first; at least one.
        ambiguity: 0 to 1, how many words the dictionary has for it.
    """

    text: str
    start: int
    chinese: tuple[str, ...]
    ambiguity: float


def chinese_of(text: str, vocabulary: Vocabulary) -> Iterator[Phrase]:
    """The phrases of a text that the dictionary has, in their order, the longest first where they overlap."""
    found = [
        (one, one.found.split("\n"))
        for one in english_words(text, vocabulary)
        if not any(map(is_stop_word, _WORDS.findall(one.text)))
    ]
    senses = vocabulary.chinese([word for _, words in found for word in words])
    for one, words in found:
        if ranked := _ranked(one.text, words, senses):
            yield Phrase(one.text, one.start, ranked, min(1.0, len(words) / _MOST_WORDS))


def _ranked(phrase: str, words: Sequence[str], senses: dict[str, str]) -> tuple[str, ...]:
    """Words that mean a phrase, and not only something with the same stems; the common ones that mean it first, first."""
    import rjieba

    written = _senses_of(phrase.lower())
    worths = {}
    for word in words:
        texts = [line.partition("\t")[0].lower() for line in senses.get(word, "").split("\n")]
        place = next((place for place, text in enumerate(texts) if _ARTICLE.sub("", text) in written), None)
        # jieba knows few terms of several words, such as 点积 for dot product; what else it lacks is rare.
        if place is not None and (rjieba.has_word(word) or " " in phrase):
            frequency = math.log10(rjieba.suggest_freq(word) + 1)
            worths[word] = frequency - _LESS_BY_SENSE * place - (_LESS_IF_SHORT if len(word) == 1 else 0.0)
    return tuple(sorted(worths, key=lambda word: -worths[word]))


def _senses_of(phrase: str) -> set[str]:
    """How the dictionary may write a phrase, without articles: train, to train for trains; to train alone for trained."""
    senses = {phrase, f"to {phrase}"}
    for ending, others in _INFLECTIONS:
        stem = phrase.removesuffix(ending)
        if stem == phrase or len(stem) < _SHORTEST_STEM:
            continue
        bases = {stem + other for other in others} | ({stem[:-1]} if stem[-1] == stem[-2] else set())
        senses.update(f"to {base}" for base in bases)
        if ending.endswith("s"):
            senses.update(bases)
    return senses
