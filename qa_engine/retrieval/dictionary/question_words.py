"""The words of a question that a dictionary may have: Chinese ones as it has them, English phrases by their stems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_engine.retrieval.dictionary.vocabulary import Vocabulary
from qa_engine.text.language import HAN_RANGES
from qa_engine.text.tokenizer import fold, tokenize

_HAN_RUNS = re.compile(f"[〇{HAN_RANGES}\U00020000-\U0003ffff]+")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_GENITIVE = re.compile(r"['’].*")
_MERGED = 5
_LONGEST = 10
"""Words that are merged at most, and characters of the longest."""
_PHRASE = 3
_FUNCTION_TAGS = frozenset("u uj ul ug uv ud uz p c r rr rz rg y e o f q m zg k h".split())  # noqa: SIM905
"""jieba's tags of words that mean little on their own: particles, prepositions, pronouns, numerals, classifiers …"""
_FUNCTION_WORDS = frozenset(
    """是 有 在 为 请问 请 问 叫 叫做 称 称为 被称为 做 作 会 能 能够 可 可以 要 想 让 使 令 到 来 去 说 成
    成为 属于 进行 具有 含有 拥有 包括 以及 名 种 类 个 位 多 多少 多久 多长 多大 多高 几 几个 几天 几年
    怎样 怎么 怎么样 如何 什么 为什么 为何 何时 何地 何人 哪 哪个 哪些 哪里 哪位 哪年 谁 是否 有没有 有没
    没有 不 没 也 都 还 又 就 才 只 很 最 更 已 已经 曾 曾经 将 正在 一个 一种 一些 这 那 其 其中
    """.split()  # noqa: SIM905
)
"""Words that questions are made with, whatever their tag."""
_MEASURED = frozenset("大高长宽厚深远重久快")
"""What 多 asks for: 多高 is no height that a text would have to name."""
_ENGLISH_FUNCTION_WORDS = frozenset(("many", "much", "whose", "also", "us", "would", "may", "shall"))


@dataclass(frozen=True)
class QuestionWord:
    """A word of a question, as the question writes it, its place, and what the dictionary has for it.

    ``reading`` is the name of a person by its sounds, which no dictionary has.
    """

    text: str
    start: int
    end: int
    found: str = ""
    reading: str = ""


def chinese_words(question: str, vocabulary: Vocabulary) -> Iterator[QuestionWord]:
    """The Chinese words of a question that the dictionary has, and names of persons that it lacks, in their order."""
    for run in _HAN_RUNS.finditer(question):
        folded = fold(run[0])
        place = 0
        for word, found, reading in _words_of_run(folded, vocabulary):
            place = folded.index(word, place)
            start, end = run.start() + place, run.start() + place + len(word)
            place += len(word)
            written = question[start:end] if len(folded) == len(run[0]) else word
            yield QuestionWord(written, start, end, found, reading)


def _words_of_run(run: str, vocabulary: Vocabulary) -> Iterator[tuple[str, str, str]]:
    import rjieba

    tagged: list[tuple[str, str]] = rjieba.tag(run)
    words = [word for word, _ in tagged]
    asks = [word in _MEASURED and before.endswith("多") for before, word in pairwise(["", *words])]
    content = [
        tag not in _FUNCTION_TAGS and word not in _FUNCTION_WORDS and not asked
        for (word, tag), asked in zip(tagged, asks, strict=True)
    ]
    spans = {
        (first, last): "".join(words[first:last])
        for first in range(len(words))
        for last in range(first + 1, min(first + _MERGED, len(words)) + 1)
        if last == first + 1 or (content[first] or content[last - 1])
    }
    found = vocabulary.chinese([word for word in spans.values() if len(word) <= _LONGEST])
    first = 0
    while first < len(words):
        lasts = [last for last in range(first + 1, len(words) + 1) if spans.get((first, last)) in found]
        last = max(lasts, default=first + 1)
        word = spans[first, last]
        if last == first + 1 and not content[first]:
            pass
        elif word in found:
            yield word, found[word], ""
        elif reading := _reading(word, tagged[first][1], vocabulary):
            yield word, "", reading
        else:
            yield from _parts(word, vocabulary)
        first = last


def _parts(word: str, vocabulary: Vocabulary) -> Iterator[tuple[str, str, str]]:
    """The words of two and more characters that an unknown one is made of, the longest first from the left."""
    parts = [word[start:end] for start in range(len(word)) for end in range(start + 2, len(word) + 1)]
    found = vocabulary.chinese(parts)
    start = 0
    while start < len(word) - 1:
        known = [end for end in range(start + 2, len(word) + 1) if word[start:end] in found]
        if known:
            part = word[start : max(known)]
            yield part, found[part], ""
        start = max(known, default=start + 1)


def _reading(name: str, tag: str, vocabulary: Vocabulary) -> str:
    """A name of a Chinese person in pinyin, surname first; empty for anything else."""
    if tag != "nr" or not 2 <= len(name) <= 4:
        return ""
    readings = vocabulary.readings([name[:2], *name])
    for size in (2, 1):
        surname, given = readings.get(name[:size], ("", ""))[1], name[size:]
        if surname and given and all(readings.get(character, ("", ""))[0] for character in given):
            return f"{surname} {''.join(readings[character][0] for character in given).capitalize()}"
    return ""


def english_words(question: str, vocabulary: Vocabulary) -> Iterator[QuestionWord]:
    """The phrases of up to three English words that the dictionary has, the longest first from the left."""
    words = [
        (terms[0], match.start(), match.start() + len(word))
        for match in _LETTERS.finditer(question)
        for word in [_GENITIVE.sub("", match[0])]
        if word.lower() not in _ENGLISH_FUNCTION_WORDS and (terms := tokenize(word))
    ]
    stems = [stem for stem, _, _ in words]
    phrases = [
        " ".join(stems[first : first + size]) for first in range(len(stems)) for size in range(1, _PHRASE + 1)
    ]
    found = vocabulary.english(phrases)
    first = 0
    while first < len(words):
        size = next(
            (size for size in range(_PHRASE, 0, -1) if _phrase(stems, first, size) in found),
            0,
        )
        if size:
            start, end = words[first][1], words[first + size - 1][2]
            yield QuestionWord(question[start:end], start, end, found[_phrase(stems, first, size)])
        first += size or 1


def _phrase(stems: Sequence[str], first: int, size: int) -> str:
    return " ".join(stems[first : first + size]) if first + size <= len(stems) else ""
