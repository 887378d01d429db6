"""Words of a question in the other language: Chinese ones in English, English ones in Chinese."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from qa_engine.config import RetrievalConfig
from qa_engine.errors import ModelUnavailableError, StorageError
from qa_engine.forks import RenewedLock
from qa_engine.retrieval.dictionary.phrases import Phrase, chinese_of
from qa_engine.retrieval.dictionary.question_words import QuestionWord, chinese_words, english_words
from qa_engine.retrieval.dictionary.table import PREPARE_AGAIN, prepare_table
from qa_engine.retrieval.dictionary.vocabulary import Vocabulary
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import tokenize

logger = logging.getLogger("qa_engine.retrieval")

_CACHED_QUESTIONS = 64


@dataclass(frozen=True)
class Translation:
    """One way to write a word in the other language.

    Attributes:
        text: as the dictionary writes it, to be shown.
        stems: the terms that BM25 knows it by; a sentence that holds one of n counts as 1/n of the word.
    """

    text: str
    stems: tuple[str, ...]

    @property
    def weight(self) -> float:
        """What each of the stems counts."""
        return 1 / len(self.stems)


@dataclass(frozen=True)
class TranslatedWord:
    """A word of a question, and what it may be in the other language.

    Attributes:
        word: as the question writes it.
        translations: the ways to write it, the likeliest first; at least one, unless no document holds any of them.
        start: where it begins in the question.
        end: where it ends.
        is_name: whether it is the name of a person that the dictionary does not hold, written by its sounds.
        times: how often it counts in BM25.
        rarity: how rare it is in a collection, as BM25 weighs terms; 0 before it was looked up.
    """

    word: str
    translations: tuple[Translation, ...]
    start: int
    end: int
    is_name: bool = False
    times: int = 1
    rarity: float = 0.0

    def as_often_as_written(self) -> TranslatedWord:
        """The same word, which counts in BM25 as often as it does in its own language.

        A Chinese word has several terms, its pairs of characters among them. Where documents are in both languages,
        English sentences would be behind all Chinese ones: MRR@10 of 62 Chinese questions that English text answers was
        .226 with BM25 alone, and .542 in this way; that of 64 which Chinese text answers, .941 and .921.
        """
        return replace(self, times=max(1, len(tokenize(self.word))))

    @property
    def weights(self) -> dict[str, float]:
        """Each stem with what it counts, in the translation in which it counts most."""
        weights: dict[str, float] = {}
        for translation in self.translations:
            for stem in translation.stems:
                weights[stem] = max(translation.weight, weights.get(stem, 0.0))
        return weights

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            "word": self.word,
            "translations": [translation.text for translation in self.translations],
            "is_name": self.is_name,
        }


class Dictionary:
    """CC-CEDICT in both directions. Thread-safe; opened, and made if need be, when the first question comes.

    Without its table it translates nothing, and says so once in the log.

    Example:
        >>> Dictionary().translate("公司的年假")[1].translations[0].text
        'annual leave'
    """

    def __init__(self) -> None:
        self._vocabulary: Vocabulary | None = None
        self._failed = False
        self._lock = RenewedLock()
        self._translated = lru_cache(maxsize=_CACHED_QUESTIONS)(self._translate)

    def translate(self, question: str, without: Sequence[str] = ()) -> tuple[TranslatedWord, ...]:
        """The words of a question that have translations, in their order; nothing for function and question words.

        Words of letters in a Chinese question, and all numbers, stay as they are. Neighbouring words are one if the
        dictionary has them as one; a word that it lacks is cut into words of two or more characters that it has.

        Args:
            question: in Chinese, or in English.
            without: parts of the question whose words are left out, as their translation is known.
        """
        try:
            words = self._translated(question)
        except (StorageError, ModelUnavailableError, sqlite3.Error) as error:
            self._fail(error)
            return ()
        known = [match.span() for part in without for match in re.finditer(re.escape(part), question)]
        return tuple(
            word for word in words if all(word.end <= start or end <= word.start for start, end in known)
        )

    def phrases(self, text: str) -> tuple[Phrase, ...]:
        """The phrases of an English text that the dictionary has, each with the Chinese words for it, in their order."""
        try:
            return () if self._failed else tuple(chinese_of(text, self._opened()))
        except (StorageError, ModelUnavailableError, sqlite3.Error) as error:
            self._fail(error)
            return ()

    def _fail(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            reason: object = error
            if isinstance(error, sqlite3.Error):
                reason = f"it is damaged ({error}): run {PREPARE_AGAIN}"
            logger.warning("Words are not translated, as the dictionary cannot be used: %s", reason)

    def _translate(self, question: str) -> tuple[TranslatedWord, ...]:
        if self._failed:
            return ()
        vocabulary = self._opened()
        if is_chinese(question):
            return tuple(map(_from_chinese, chinese_words(question, vocabulary)))
        return tuple(map(_from_english, english_words(question, vocabulary)))

    def _opened(self) -> Vocabulary:
        with self._lock:
            if self._vocabulary is None:
                self._vocabulary = Vocabulary(prepare_table())
            return self._vocabulary


def _from_chinese(word: QuestionWord) -> TranslatedWord:
    if word.reading:
        name = Translation(word.reading, tuple(dict.fromkeys(tokenize(word.reading))))
        return TranslatedWord(word.text, (name,), word.start, word.end, is_name=True)
    rows = (line.partition("\t") for line in word.found.split("\n"))
    translations = tuple(Translation(text, tuple(stems.split())) for text, _, stems in rows)
    return TranslatedWord(word.text, translations, word.start, word.end)


def _from_english(word: QuestionWord) -> TranslatedWord:
    translations = (Translation(text, chinese_terms(text)) for text in word.found.split("\n"))
    return TranslatedWord(word.text, tuple(one for one in translations if one.stems), word.start, word.end)


def chinese_terms(word: str) -> tuple[str, ...]:
    """The terms that BM25 knows a Chinese word by: itself, or the pairs of characters that a longer one is made of."""
    if len(word) <= 2:
        return (word,)
    return tuple(dict.fromkeys(word[place : place + 2] for place in range(len(word) - 1)))


def build_dictionary(config: RetrievalConfig) -> Dictionary | None:
    """The dictionary of the configuration; None if it is off."""
    return Dictionary() if config.dictionary else None
