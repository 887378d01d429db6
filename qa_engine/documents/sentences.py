"""Running text in, sentences as character ranges out, for Chinese, English and mixtures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_engine.documents.long_sentences import cut
from qa_engine.documents.sentence_ends import HAN, LIST_MARK, is_chinese, sentence_ends

__all__ = ["SPLITTER_VERSION", "Sentence", "is_chinese", "join_sentences", "split_sentences"]

SPLITTER_VERSION = "sentencex-2"
"""Part of the identity of every ingested file: another version splits the file again."""
_MIN_CHARS = 6
_CLOSERS = "”’」』》〉】〕]）)\"'。，；：、！？.,;:!?…"
_OPENERS = "“‘「『《〈【〔[（(#§"
_LABEL = re.compile(
    r"(?:figure|fig\.?|table|chapter|section|algorithm|appendix|part|图|圖|表)\s?[\dA-Z]{1,3}(?:[.\-]\d{1,3})*$",
    re.I,
)
"""The label of a caption or a heading."""


@dataclass(frozen=True)
class Sentence:
    """Characters ``start`` to ``end`` of the text; ``paragraph`` counts from 0."""

    start: int
    end: int
    paragraph: int


def split_sentences(text: str, max_chars: int = 400) -> list[Sentence]:
    """Sentences in order, without the white space around them.

    Paragraphs are the lines of the text; no sentence goes beyond its paragraph. Pieces of fewer than six characters,
    numbers and list marks are joined to the sentence after them, or else before them; closing brackets and quotation
    marks to what they close. What is longer than ``max_chars`` (contents pages, formulas) is cut at the best mark.
    """
    sentences: list[Sentence] = []
    start = 0
    for number, paragraph in enumerate(text.split("\n")):
        for begin, end in _merged(paragraph, _pieces(paragraph)):
            for piece in cut(paragraph, begin, end, max_chars):
                trimmed = _trimmed(paragraph, *piece)
                if trimmed is not None:
                    sentences.append(Sentence(start + trimmed[0], start + trimmed[1], number))
        start += len(paragraph) + 1
    return sentences


def _pieces(paragraph: str) -> Iterator[tuple[int, int]]:
    begin = 0
    ends = sentence_ends(paragraph) if len(paragraph) > _MIN_CHARS else []
    for end in (*ends, len(paragraph)):
        trimmed = _trimmed(paragraph, begin, end)
        if trimmed is not None:
            yield trimmed
        begin = max(begin, end)


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """The range without the white space at its ends; None if nothing is left."""
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return (begin, end) if begin < end else None


def _merged(text: str, pieces: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Joins fragments to their neighbours."""
    merged: list[tuple[int, int]] = []
    pending = False
    for begin, end in pieces:
        fragment = _is_fragment(text, begin, end)
        if merged and (pending or (fragment and text[begin] in _CLOSERS)):
            merged[-1] = (merged[-1][0], end)
            pending = pending and _is_fragment(text, *merged[-1])
        else:
            merged.append((begin, end))
            pending = fragment
    if pending and len(merged) > 1:
        _, end = merged.pop()
        merged[-1] = (merged[-1][0], end)
    return merged


def _is_fragment(text: str, begin: int, end: int) -> bool:
    if end - begin < _MIN_CHARS:
        return True
    if end - begin > 24:
        return False
    core = text[begin:end].strip(_CLOSERS + _OPENERS + " \t")
    digits = core.replace(",", "").replace(".", "")
    return not core or digits.isdecimal() or any(mark.match(core) for mark in (LIST_MARK, _LABEL))


_WIDE = re.compile("[\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
_STOP = re.compile(r"[.!?][\"'”’)\]]{0,3}$")
_EDGE_CHARS = 40


def join_sentences(texts: Sequence[str], paragraphs: Sequence[int] | None = None) -> str:
    """Sentences as running text: a newline between paragraphs, no blank inside Chinese, one between other words.

    Behind a full-width mark and before a Chinese word there is no blank, except after the end of an English sentence.
    Quotation marks, digits and half-width marks count as Chinese if the letters next to them are.

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
            elif not (before and text) or _is_blank_between(before[-_EDGE_CHARS:], text[:_EDGE_CHARS]):
                joined.append(" ")
        joined.append(text)
    return "".join(joined)


def _is_blank_between(before: str, after: str) -> bool:
    last = next((char for char in reversed(before) if char.isalpha()), "")
    first = next((char for char in after if char.isalpha()), "")
    chinese_before, chinese_after = HAN.match(last) is not None, HAN.match(first) is not None
    if _WIDE.match(before[-1]) or (chinese_before and chinese_after):
        return False
    if _STOP.search(before) and last and not chinese_before:
        return _WIDE.match(after) is None or HAN.match(after) is not None
    # A quotation mark is as wide as the letters beside it.
    wide_before = chinese_before and not (before[-1].isalnum() or before[-1].isascii())
    wide_after = chinese_after and not (after[0].isalnum() or after[0].isascii())
    return not (wide_before or wide_after or _WIDE.match(after))


def chinese_size(text: str, latin_ratio: float) -> float:
    """Characters of a text, those of other scripts at what they are worth.

    Args:
        text: of one script, or mostly.
        latin_ratio: how many characters of other scripts count as one Chinese one.
    """
    return len(text) / (1 if is_chinese(text) else latin_ratio)
