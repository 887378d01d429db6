"""Running text in, sentences as character ranges out, for Chinese, English and mixtures."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sentencex

SPLITTER_VERSION = "sentencex-1"
"""Part of the identity of every ingested file: another version splits the file again."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_CHINESE_SHARE = 0.1
_MIN_CHARS = 6
_CLAUSE_END = re.compile(r"[；;，、：。]|[,:](?!\d)|(?<=[^\d])\.\s|\s")


@dataclass(frozen=True)
class Sentence:
    """Characters ``start`` to ``end`` of the text; ``paragraph`` counts from 0."""

    start: int
    end: int
    paragraph: int


def is_chinese(text: str) -> bool:
    """Whether enough of the letters are Han characters for Chinese sentence rules."""
    return len(_HAN.findall(text)) > _CHINESE_SHARE * len(text)


def split_sentences(text: str, max_chars: int = 400) -> list[Sentence]:
    """Sentences in order, without the white space around them.

    Paragraphs are the lines of the text; no sentence goes beyond its paragraph. Pieces of fewer than six characters
    (a number of a list, a closing bracket) are joined to the sentence after them, or else before them. What is longer
    than ``max_chars`` (contents pages, formulas) is cut at the last clause mark before the limit.
    """
    sentences: list[Sentence] = []
    start = 0
    for number, paragraph in enumerate(text.split("\n")):
        pieces = _trimmed(text, _merged(_segments(paragraph, start)))
        for begin, end in pieces:
            sentences.extend(Sentence(a, b, number) for a, b in _cut(text, begin, end, max_chars))
        start += len(paragraph) + 1
    return sentences


def _segments(paragraph: str, offset: int) -> list[tuple[int, int]]:
    if not paragraph.strip():
        return []
    language = "zh" if is_chinese(paragraph) else "en"
    boundaries = sentencex.get_sentence_boundaries(language, paragraph)
    return [(offset + item["start_index"], offset + item["end_index"]) for item in boundaries]


def _merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in pieces:
        if merged and (merged[-1][1] - merged[-1][0] < _MIN_CHARS):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    if len(merged) > 1 and merged[-1][1] - merged[-1][0] < _MIN_CHARS:
        last = merged.pop()
        merged[-1] = (merged[-1][0], last[1])
    return merged


def _trimmed(text: str, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept = []
    for begin, end in pieces:
        while begin < end and text[begin].isspace():
            begin += 1
        while end > begin and text[end - 1].isspace():
            end -= 1
        if begin < end:
            kept.append((begin, end))
    return kept


def _cut(text: str, begin: int, end: int, max_chars: int) -> list[tuple[int, int]]:
    pieces = []
    while end - begin > max_chars:
        window = text[begin : begin + max_chars + 1]  # a comma before a digit is no mark
        ends = (mark.end() for mark in _CLAUSE_END.finditer(window))
        marks = [end for end in ends if max_chars // 2 < end <= max_chars]
        size = marks[-1] if marks else max_chars
        pieces.append((begin, begin + size))
        begin += size
    pieces.append((begin, end))
    return _trimmed(text, pieces)


_WIDE_EDGE = re.compile("[\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")


def join_sentences(texts: list[str], paragraphs: list[int] | None = None) -> str:
    """Sentences as running text: a newline between paragraphs, no blank next to Chinese, one between other words.

    Args:
        texts: the sentences in reading order.
        paragraphs: the paragraph of each; all in one paragraph if None.
    """
    joined: list[str] = []
    for index, text in enumerate(texts):
        if index:
            before = texts[index - 1]
            if paragraphs is not None and paragraphs[index] != paragraphs[index - 1]:
                joined.append("\n")
            elif not (before and text and (_WIDE_EDGE.match(before[-1]) or _WIDE_EDGE.match(text[0]))):
                joined.append(" ")
        joined.append(text)
    return "".join(joined)
