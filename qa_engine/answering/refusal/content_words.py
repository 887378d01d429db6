"""The words of a question that say something, and how much of each a text holds, in its language or in the other one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.glossary.glossary import GlossaryTerm
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold, is_stop_word, tokenize

_CONTENT_TAGS = frozenset("nviajltzs")
"""First letters of jieba's tags of words that say something."""
_NO_CONTENT = re.compile(
    "什么|多少|几|怎|哪|为何|请问|知道|告诉|一共|总共|分别|可以|需要|规定|要求|截至|年底|年度|还有|达到|变化|情况|如何|是否"
    "|百分之|列出|多[大高长久远重]|^(?:时候|公司)$"
)
_ENGLISH = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_NO_ENGLISH_CONTENT = frozenset(
    """many much long often old far high large big first also one ones name named call called kind type give tell list
    describe use used using percent percentage amount happen happens please company""".split()  # noqa: SIM905
)
_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*")
_CODE = re.compile(r"[A-Z]{2,}[A-Za-z]*|[A-Za-z.-]*[0-9].*")
"""Of English words, what Chinese texts write in Latin letters as well: DNA, GPT-4; names are translated."""
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
NAME_RARITY = 5.0
"""The rarity of names, codes and numbers, about that of a word in one sentence out of 150."""


class ComparedText:
    """A text, prepared for looking up words in it."""

    def __init__(self, *parts: str) -> None:
        """``parts`` are the text itself and what else counts as its words, such as the titles above it."""
        self.folded = fold("\n".join(parts)).lower()
        self._parts = parts
        self._terms: frozenset[str] | None = None

    @property
    def terms(self) -> frozenset[str]:
        """The terms of BM25 in it. Made when they are asked for: Chinese words on Chinese texts need none."""
        if self._terms is None:
            self._terms = frozenset(term for part in self._parts for term in tokenize(part))
        return self._terms


@dataclass(frozen=True)
class ContentWord:
    """A word of a question that says something.

    Attributes:
        text: as the question writes it.
        start: where it begins in the question.
        terms: ways to write it, each as terms that a text holds; without any, a text holds the word itself or not.
        rarity: its weight among the words of the question.
        is_name: whether it is a name or a code that is written alike in both languages.
    """

    text: str
    start: int
    terms: tuple[tuple[str, ...], ...] = ()
    rarity: float = 1.0
    is_name: bool = False

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    def held_by(self, text: ComparedText) -> float:
        """How much of it a text holds, 0 to 1: of the way to write it that it holds most of, the share of the terms."""
        if not self.terms:
            return float(fold(self.text).lower() in text.folded)
        return max(sum(term in text.terms for term in one) / len(one) for one in self.terms)


def content_words(question: str, pair: str, between: Sequence[ContentWord] = ()) -> Sequence[ContentWord]:
    """The words of a question that say something, to be looked up in passages.

    Args:
        question: as it was asked.
        pair: the languages of question and passages, one of `qa_engine.answering.refusal.features.PAIRS`.
        between: its words for passages in the other language, see `words_between`.
    """
    if pair == "zh-zh":
        return chinese_words(question)
    return english_words(question) if pair == "en-en" else between


def chinese_words(question: str) -> tuple[ContentWord, ...]:
    """The words of a Chinese question that say something, each once, to be looked up in Chinese texts."""
    return tuple(ContentWord(word, start) for word, start in _chinese_words(question))


@lru_cache(maxsize=64)
def _chinese_words(question: str) -> tuple[tuple[str, int], ...]:
    """Cached: each sentence needs them."""
    import rjieba

    words: dict[str, int] = {}
    start = 0
    for word, tag in rjieba.tag(question):
        start = question.find(word, start)
        says = (len(word) > 1 and tag[0] in _CONTENT_TAGS) or tag == "eng" or tag[0] == "n"
        if says and not _NO_CONTENT.search(word):
            words.setdefault(word, start)
        start += len(word)
    return tuple(words.items())


def english_words(question: str) -> tuple[ContentWord, ...]:
    """The words of an English question that say something, each once, to be looked up in English texts by their stems."""
    words: dict[tuple[str, ...], ContentWord] = {}
    for match in _ENGLISH.finditer(question):
        word = match[0].lower()
        terms = tuple(dict.fromkeys(tokenize(match[0])))
        if terms and not is_stop_word(word) and word not in _NO_ENGLISH_CONTENT:
            words.setdefault(terms, ContentWord(match[0], match.start(), (terms,)))
    return tuple(words.values())


def words_between(
    question: str, translated: Sequence[TranslatedWord], glossary: Sequence[GlossaryTerm] = ()
) -> tuple[ContentWord, ...]:
    """The words of a question that say something, to be looked up in texts of the other language.

    Names and codes in Latin letters, and numbers, are among them: texts of the other language write these alike. A text
    holds a word if it holds a translation, or the word as it is.

    Args:
        question: in Chinese, or in English.
        translated: its words by a dictionary; those that no text of the collection holds have no translations.
        glossary: its terms that a glossary has; the dictionary leaves out what the glossary has in the other language.
    """
    chinese = is_chinese(question)
    words = [
        _word(word.word, word.start, [one.stems for one in word.translations], word.rarity)
        for word in translated
        if word.rarity > 0
    ]
    for term in glossary:
        others = [tuple(tokenize(word)) for word in term.words if is_chinese(word) != chinese]
        if others and term.term in question:
            words.append(_word(term.term, question.index(term.term), others, NAME_RARITY))
    words.extend(_names(question, words))
    words.extend(_numbers(question, words))
    return tuple(words)


def _word(text: str, start: int, ways: Sequence[tuple[str, ...]], rarity: float) -> ContentWord:
    as_it_is = tuple(tokenize(text))
    distinct = dict.fromkeys(tuple(dict.fromkeys(way)) for way in (*ways, as_it_is) if way)
    return ContentWord(text, start, tuple(distinct), rarity)


def _names(question: str, words: Sequence[ContentWord]) -> Iterator[ContentWord]:
    """The names and codes that are not among ``words``."""
    for match in _NAME.finditer(question):
        if is_chinese(question) or _CODE.fullmatch(match[0]):
            yield from _written_alike(match, words, is_name=True)


def _numbers(question: str, words: Sequence[ContentWord]) -> Iterator[ContentWord]:
    """The numbers that are not in ``words``."""
    for match in _NUMBER.finditer(question):
        yield from _written_alike(match, words, is_name=False)


def _written_alike(
    match: re.Match[str], words: Sequence[ContentWord], is_name: bool
) -> Iterator[ContentWord]:
    terms = tuple(dict.fromkeys(tokenize(match[0])))
    if terms and not any(word.start < match.end() and match.start() < word.end for word in words):
        yield ContentWord(match[0], match.start(), (terms,), NAME_RARITY, is_name)
