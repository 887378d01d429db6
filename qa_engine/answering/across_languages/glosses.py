"""The Chinese of the key terms of a quote in another language: whether it is the right place, for those who cannot read it.

No translation: the words are those of the dictionary, and stand beside the quote, marked as what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.dictionary.phrases import Phrase
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import tokenize

_MOST_TERMS = 6
_TOO_AMBIGUOUS = 0.35
"""A phrase for which the dictionary has so many words is glossed only if the question asks for it."""
_NOUNS = ("n", "vn")
"""Tags of jieba, or what they begin with."""
_OF_VERBS = ("ing", "ed")
"""Endings of words that the dictionary has as verbs: sampling water is no 品味."""
_SHORTEST = 4
_JOINED = re.compile(r"[-–./@_~0-9]")
"""Characters beside a phrase that is a part of a compound, an address or a code."""
_SENTENCE_ENDS = ".!?:;”\"'•·\n"
_LETTERS = re.compile(r"[A-Za-z]{3}")
_ASKED = 10.0
_RARE = 100
"""A Chinese word that is rarer than this in jieba's corpus is hardly what is meant."""
_MOST_OTHERS = 3
"""Terms at most that the question does not have: each is a guess among the senses of the dictionary."""
_LINE = "〔词典释义，非译文：{}〕"


@dataclass(frozen=True)
class TermGloss:
    """A term of a quote, and a Chinese word that the dictionary has for it.

    Attributes:
        term: as the quote has it.
        chinese: the word, that of the question if it is one of those.
    """

    term: str
    chinese: str


def gloss_line(glosses: Iterable[TermGloss]) -> str:
    """The line with these glosses, which says that it is no translation; empty without any."""
    terms = "；".join(f"{gloss.term} {gloss.chinese}" for gloss in glosses)
    return _LINE.format(terms) if terms else ""


def term_glosses(question: str, quotes: Sequence[str], dictionary: Dictionary | None) -> list[TermGloss]:
    """The terms of quotes that are not Chinese with their glosses, in the order of the quotes; few at most.

    Those first that the question has, then those that say most: long phrases, nouns, words that the dictionary has few
    words for.

    Args:
        question: as it was asked, in either language.
        quotes: the quoted texts; Chinese ones are passed over.
        dictionary: has the words; None, or one that cannot be opened, for no gloss.
    """
    foreign = [quote for quote in quotes if not is_chinese(quote) and _LETTERS.search(quote)]
    if dictionary is None or not foreign:
        return []
    own = _Asked.of(question, dictionary)
    found: dict[str, tuple[float, TermGloss]] = {}
    for quote in foreign:
        for phrase in dictionary.phrases(quote):
            worth, chinese = _worth(phrase, own, quote)
            key = " ".join(tokenize(phrase.text))
            if chinese and key not in found and all(one.chinese != chinese for _, one in found.values()):
                found[key] = worth, TermGloss(phrase.text, chinese)
    best = sorted(found, key=lambda key: -found[key][0])
    asked = [key for key in best if found[key][0] >= _ASKED]
    kept = [*asked, *best[len(asked) : len(asked) + _MOST_OTHERS]][:_MOST_TERMS]
    return [gloss for key, (_, gloss) in found.items() if key in kept]


@dataclass(frozen=True)
class _Asked:
    """The words of a question: of a Chinese one as they are, of an English one by their stems."""

    words: frozenset[str]
    terms: frozenset[str]

    @classmethod
    def of(cls, question: str, dictionary: Dictionary) -> _Asked:
        words = (one.word for one in dictionary.translate(question)) if is_chinese(question) else ()
        return cls(frozenset(words), frozenset(tokenize(question)))


def _worth(phrase: Phrase, asked: _Asked, quote: str) -> tuple[float, str]:
    """What it is worth to gloss a phrase, and by which word; an empty one for none."""
    import rjieba

    own = next((word for word in phrase.chinese if word in asked.words), "")
    held = asked.terms.issuperset(tokenize(phrase.text))
    chinese = own or phrase.chinese[0]
    tag = rjieba.tag(chinese)[-1][1]
    worth = len(phrase.text.split()) - phrase.ambiguity
    if (own or (held and not asked.words)) and not _is_name(phrase, quote):
        return worth + _ASKED, chinese
    tells = (
        phrase.ambiguity <= _TOO_AMBIGUOUS
        and not phrase.text.lower().endswith(_OF_VERBS)
        and len(chinese) > 1
        and tag.startswith(_NOUNS)
        and (" " in phrase.text or rjieba.suggest_freq(chinese) >= _RARE)
    )
    end = phrase.start + len(phrase.text)
    is_part = _JOINED.search(quote[max(0, phrase.start - 1) : phrase.start] + quote[end : end + 1])
    # A name stays as it is, and so does what the question has in the same letters.
    stays = held or len(phrase.text) < _SHORTEST or phrase.text != phrase.text.lower()
    return (worth, chinese) if tells and not stays and not is_part else (0.0, "")


def _is_name(phrase: Phrase, quote: str) -> bool:
    """Whether a phrase with a capital has a number behind it, or stands inside of a sentence: Llama 2 is no 骆马."""
    before, behind = quote[: phrase.start].rstrip(), quote[phrase.start + len(phrase.text) :]
    numbered = re.match(r"[ -]?[0-9]", behind) is not None
    return phrase.text[:1].isupper() and (numbered or (before != "" and before[-1] not in _SENTENCE_ENDS))
