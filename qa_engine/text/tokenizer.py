"""Text in, BM25 terms out: Chinese words and bigrams, stemmed English without stop words, codes, numbers and dates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from threading import local
from typing import Any

from qa_engine.text.number_terms import number_terms

TOKENIZER_VERSION = "rjieba-bigram-stem-fold-2"
"""Stored with an index as its ``analyser``: a question is tokenized as the index was, or refused."""

HAN_CLASS = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""Han characters of a folded text, for a character class; see `qa_engine.text.language.HAN_RANGES`."""
_KANA, _HANGUL = "\u3041-\u3096\u30a1-\u30fa\u30fc", "\uac00-\ud7a3"
_LETTER = rf"(?:(?![{HAN_CLASS}{_KANA}{_HANGUL}])[^\W\d_])"
_WORD = rf"(?:(?![{HAN_CLASS}{_KANA}{_HANGUL}])[^\W_])"
_JOINT = r"(?:[-/_&]|(?<=[0-9])[,:](?=[0-9])|(?<![^\W_]{2})\.|\.(?=[0-9]))"
_RUNS = re.compile(
    rf"(?P<han>[{HAN_CLASS}]+)|(?P<syllables>[{_KANA}]+|[{_HANGUL}]+)"
    # GB/T 19001 and Llama 2 are one run, so that they match GB/T19001 and Llama2.
    rf"|(?P<word>(?:{_LETTER}+(?:[-/&]{_LETTER}+)*[ ](?=[0-9]))?{_WORD}+(?:{_JOINT}{_WORD}+)*)"
)
_PIECES = re.compile(rf"[0-9]+(?:,[0-9]{{3}})+(?:\.[0-9]+)?(?!{_WORD})|(?:{_WORD}|(?<=[0-9])\.(?=[0-9]))+")
_PARTS = re.compile(r"[^\W\d_]+|[0-9]+(?:\.[0-9]+)*")
_CAMEL = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[A-Z][a-z])")
_MARKS = re.compile("[\u0300-\u036f]")
"""Accents. The marks of kana are others: without them は and ば would be one."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_MAX_CODE = 40
"""Characters of the longest code that is a term: what is longer is a path or a chain of numbers."""
_STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further had has have having he her here hers
    him his how i if in into is it its itself just me more most my no nor not of off on once only or other our ours
    out over own s same she should so some such t than that the their theirs them then there these they this those
    through to too under until up very was we were what when where which while who whom why will with would you
    your yours""".split()  # noqa: SIM905 - a list would take a line a word
)
_CHINESE_STOP_WORDS = frozenset("的了是在和与及或也都就而着被把对等其之吗呢吧啊呀么这那个")
"""Single characters that mean nothing on their own; inside pairs and words they stay."""
_QUESTION_WORDS = frozenset(
    "什么 怎么 怎样 哪些 哪个 哪里 哪一 多少 如何 为什么 为什 为何 何时 是否 请问 是什".split()  # noqa: SIM905
)
"""Words, and pairs cut from them, that ask and are not what is asked about."""
_IGNORED = _CHINESE_STOP_WORDS | _QUESTION_WORDS
_HAN_RUN = re.compile(f"[{HAN_CLASS}]+")
_DIGIT = re.compile("[0-9]")


def tokenize(text: str) -> list[str]:
    """The BM25 terms of a text, each as often as it occurs.

    Full-width forms, ligatures, accents, case, and traditional and simplified characters are folded first. A run of Han
    characters gives its words in jieba's search mode and its overlapping pairs of characters: a word that the dictionary
    lacks, or that is cut wrongly, is still found by its pairs. Kana and Hangul give their pairs. Words of letters are
    stemmed. Compounds and codes (self-attention, GB/T 19001-2016, LlamaIndex) give their pieces, and the whole without the
    characters that join them. Numbers, dates and measures also give the terms of `number_terms`.

    Example:
        >>> tokenize("The towers of 西湖")
        ['tower', '西湖', '西湖']
    """
    return list(_terms(text))


@lru_cache(maxsize=512)
def _terms(text: str) -> tuple[str, ...]:
    """`tokenize`. Cached: several stages compare a question with the same passages, sentences and labels."""
    folded = fold(text)
    terms: list[str] = []
    for run in _RUNS.finditer(folded):
        if run["han"]:
            terms.extend(_han_terms(run["han"]))
        elif run["syllables"]:
            terms.extend(_pairs(run["syllables"]))
        else:
            terms.extend(_word_terms(run["word"]))
    terms.extend(number_terms(folded.lower()))
    return tuple(terms)


def is_stop_word(word: str) -> bool:
    """Whether an English word means nothing on its own."""
    return word.lower() in _STOP_WORDS


def fold(text: str) -> str:
    """A text in one form of several: NFKC, without accents and invisible characters, in simplified Chinese; case stays.

    The length may change: a ligature, for example, becomes several characters.
    """
    visible = _INVISIBLE.sub("", text)
    if visible.isascii():
        return visible
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", visible))
    return str(_of_thread.simplifier.convert(unicodedata.normalize("NFC", bare)))


def held_terms(text: str, terms: frozenset[str]) -> frozenset[str]:
    """Those of some terms that a text has, as `tokenize` would say, in about a fourth of its time.

    Example:
        >>> sorted(held_terms("The towers of 西湖", frozenset(["tower", "西湖", "杭州"])))
        ['tower', '西湖']
    """
    pairs, words, others = _by_script(terms)
    plain = folded(text)
    # A pair is a term wherever it stands; a word may be cut otherwise, or be a part of a longer one.
    held = {pair for pair in pairs if pair in plain}
    if any(word in plain for word in words):
        held.update(words.intersection(_cut("\n".join(_HAN_RUN.findall(plain)))))
    if others:
        for run in _RUNS.finditer(plain):
            if not run["han"]:
                found = _pairs(run["syllables"]) if run["syllables"] else _word_terms(run["word"])
                held.update(others.intersection(found))
        if any(map(_DIGIT.search, others)):
            held.update(others.intersection(number_terms(plain.lower())))
    return frozenset(held)


@lru_cache(maxsize=64)
def _by_script(terms: frozenset[str]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Pairs of Han characters, other words of Han characters, and other terms. Stop words are none of them."""
    han = {term for term in terms if _HAN_RUN.fullmatch(term)}
    pairs = {term for term in han if len(term) == 2}
    return frozenset(pairs - _IGNORED), frozenset(han - pairs - _IGNORED), frozenset(terms - han)


@lru_cache(maxsize=64)
def folded(passage: str) -> str:
    """`fold`, cached: several stages of a question fold the same passages."""
    return fold(passage)


def _han_terms(run: str) -> list[str]:
    if len(run) == 1:
        return [] if run in _IGNORED else [run]
    return [term for term in [*_cut(run), *_pairs(run)] if term not in _IGNORED]


def han_words(run: str) -> list[str]:
    """The words of a folded run of Han characters in jieba's search mode, without stop words and question words."""
    return [word for word in _cut(run) if word not in _IGNORED]


def _cut(runs: str) -> list[str]:
    """The words of Han characters in jieba's search mode; several runs are separated by line breaks."""
    import rjieba

    return rjieba.cut_for_search(runs)


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@lru_cache(maxsize=65_536)
def _word_terms(run: str) -> tuple[str, ...]:
    """The terms of words, numbers and codes that are joined without blanks."""
    return tuple(_terms_of_word(run))


def _terms_of_word(run: str) -> Iterator[str]:
    pieces = [piece.replace(",", "") for piece in _PIECES.findall(run)]
    for piece in pieces:
        yield from _piece_terms(piece)
    if run.partition(" ")[0].lower() in _STOP_WORDS:
        return  # in 2003
    whole = "".join(pieces[:1])
    for count in range(2, len(pieces) + 1):
        whole += pieces[count - 1]
        if len(whole) > _MAX_CODE:
            return
        # Of a code the beginnings count as well: GB/T 19001 is found without its year. Sentences that a missing
        # blank runs together, and thousands of numbers in a table, are neither.
        is_code = count == len(pieces) or not whole.isalpha()
        if is_code and not _is_number(whole):
            yield from _piece_terms(whole)[:1]


def _piece_terms(piece: str) -> Sequence[str]:
    """The terms of one word, number or code: the whole, then its parts."""
    lower = piece.lower()
    if lower in _STOP_WORDS:
        return []
    if _is_number(lower):
        return [lower]
    if not lower.isalpha():
        parts = [part for part in _PARTS.findall(lower) if len(part) > 1 and part not in _STOP_WORDS]
        return [lower, *parts]
    parts = _CAMEL.sub(lambda end: f"{end[0]} ", piece).lower().split()
    part_stems = [_stem(part) for part in parts if len(part) > 1 and part not in _STOP_WORDS]
    return [_stem(lower), *(part_stems if len(parts) > 1 else [])]


def _is_number(piece: str) -> bool:
    return piece.replace(".", "").isdecimal()


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_of_thread.stemmer.stemWord(word))


class _Libraries(local):
    """What a thread has for itself, loaded when it is first needed."""

    @cached_property
    def stemmer(self) -> Any:
        import Stemmer

        return Stemmer.Stemmer("english")

    @cached_property
    def simplifier(self) -> Any:
        import opencc

        return opencc.OpenCC("t2s")


_of_thread = _Libraries()
