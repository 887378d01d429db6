"""Splits running text into sentences and joins them again, for Chinese, English and mixtures."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_engine.documents.sentences.ends import LIST_MARK, sentence_ends
from qa_engine.text.language import HAN

SPLITTER_VERSION = "sentencex-2"
"""Part of the identity of every ingested file: another version splits the file again."""
_MIN_CHARS = 6
"""Fewer characters are no sentence."""
_MAX_LABEL = 24
"""Numbers, list marks and labels have at most so many characters."""
_CLOSERS = "”’」』》〉】〕]）)\"'。，；：、！？.,;:!?…"
_OPENERS = "“‘「『《〈【〔[（(#§"
_LABEL = re.compile(
    r"(?:figure|fig\.?|table|chapter|section|algorithm|appendix|part|图|圖|表)\s?[\dA-Z]{1,3}(?:[.\-]\d{1,3})*$",
    re.I,
)
"""The label of a caption or a heading, which is no sentence."""
_ROOM = 0.8
"""The pieces are planned as this share of the limit, so that there are several marks to choose from."""
_MARKS = re.compile(
    r"(?P<entry>(?<!…)…+\s?(?:\d+|[ivxlc]+)(?=\s))"  # the page number that ends a line of a table of contents
    r"|(?P<semicolon>[；;])"
    r"|(?P<stop>[。！？][”’」』）)]*|[.!?][”’\"')]*(?=\s))"
    r"|(?P<comma>[，,][”’\"'）)」』]*(?=\s)|，|,(?=\D))"  # a closing mark stays with what it closes
    r"|(?P<pause>[、：]|:(?=\D))"
    r"|(?P<blank>\s)"
)
_RANKS = {"entry": 0, "semicolon": 1, "stop": 2, "comma": 3, "pause": 4, "blank": 5}
_TOKEN = r"A-Za-z0-9\u00c0-\u024f.,:%@/_+\-"
_GAP = re.compile(
    rf"(?:(?<![{_TOKEN}])|(?![{_TOKEN}]))(?<![“‘「『（《(\[])(?![，。；：、！？”’」』）》)\],.;:!?…%])"
)
_WHOLE = re.compile(r"《[^《》]{1,80}》|（[^（）]{1,60}）|\([^()]{1,60}\)")
"""Titles and remarks in brackets, which are cut only where there is no other place."""
_WIDE = re.compile("[\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
_STOP = re.compile(r"[.!?][\"'”’)\]]{0,3}$")
_EDGE_CHARS = 40


@dataclass(frozen=True)
class Sentence:
    """Characters ``start`` to ``end`` of a text, and the number of the paragraph, from 0."""

    start: int
    end: int
    paragraph: int


def split_sentences(text: str, max_chars: int = 400) -> list[Sentence]:
    """Sentences in order, without the white space around them.

    Paragraphs are the lines of the text; no sentence goes beyond its paragraph. Pieces of fewer than six characters,
    numbers and list marks are joined to the sentence after them, or else before them; closing brackets and quotation
    marks to the text in them. Longer sentences than ``max_chars`` (contents pages, formulas) are cut by `cut`.
    """
    sentences: list[Sentence] = []
    start = 0
    for number, paragraph in enumerate(text.split("\n")):
        for begin, end in _merge(paragraph, _pieces(paragraph)):
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
    begin = end - len(text[begin:end].lstrip())
    end = begin + len(text[begin:end].rstrip())
    return (begin, end) if begin < end else None


def _merge(text: str, pieces: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges with fragments joined to their neighbours."""
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
    """Whether a range is too short for a sentence, or is a number, a list mark or a label."""
    if end - begin < _MIN_CHARS:
        return True
    if end - begin > _MAX_LABEL:
        return False
    core = text[begin:end].strip(_CLOSERS + _OPENERS + " \t")
    digits = core.replace(",", "").replace(".", "")
    return not core or digits.isdecimal() or any(mark.match(core) for mark in (LIST_MARK, _LABEL))


def cut(text: str, begin: int, end: int, max_chars: int) -> list[tuple[int, int]]:
    """Cuts a range of characters into ranges of at most ``max_chars``, white space included.

    The places, from the best: behind an entry of a table of contents, a semicolon, a full stop, a comma, another pause, a
    blank; then any place that is in no number, word, title or remark. Among equals, that which makes the pieces most equal.
    """
    if end - begin <= max_chars:
        return [(begin, end)]
    whole = [match.span() for match in _WHOLE.finditer(text, begin, end)]
    pieces = []
    while end - begin > max_chars:
        size = (end - begin) / math.ceil((end - begin) / (_ROOM * max_chars))
        first, last = math.ceil(begin + size / 2), min(begin + max_chars, math.floor(begin + 1.5 * size))
        at = _best_mark(text, first, last, begin + size, whole)
        if at is None:
            at = _gap(text, begin, end, max_chars, whole)
        pieces.append((begin, at))
        begin = at
    pieces.append((begin, end))
    return pieces


def _best_mark(text: str, first: int, last: int, aim: float, whole: list[tuple[int, int]]) -> int | None:
    """The position behind the best mark that ends from ``first`` to ``last``."""
    best: tuple[int, float, int] | None = None
    for match in _MARKS.finditer(text, first - 1, last + 1):
        at = match.end()
        if first <= at <= last and match.lastgroup is not None and not _within(at, whole):
            mark = (_RANKS[match.lastgroup], abs(at - aim), at)
            best = mark if best is None else min(best, mark)
    return None if best is None else best[2]


def _gap(text: str, begin: int, end: int, max_chars: int, whole: list[tuple[int, int]]) -> int:
    """A place between words near the end of the first of equal pieces, or that end if there is none."""
    size = math.ceil((end - begin) / math.ceil((end - begin) / max_chars))
    gaps = [gap.start() for gap in _GAP.finditer(text, begin + size // 2 + 1, begin + max_chars + 1)]
    best = [gap for gap in gaps if gap <= begin + max_chars and not _within(gap, whole)] or gaps[:-1]
    return min(best, key=lambda gap: abs(gap - begin - size), default=begin + size)


def _within(at: int, whole: list[tuple[int, int]]) -> bool:
    """Whether a place is inside one of the ranges."""
    index = bisect_left(whole, (at, 0)) - 1
    return index >= 0 and at < whole[index][1]


def join_sentences(texts: Sequence[str], paragraphs: Sequence[int] | None = None) -> str:
    """Sentences as running text: a newline between paragraphs, no blank inside Chinese, one between other words.

    There is no blank behind a full-width mark nor before a Chinese word, except after the end of an English sentence.
    Quotation marks, digits and half-width marks count as Chinese if the letters next to them are Chinese.

    Args:
        texts: the sentences in reading order.
        paragraphs: the number of the paragraph of each; None if all are in one.
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
    # A quotation mark is full-width if the letters beside it are.
    wide_before = chinese_before and not (before[-1].isalnum() or before[-1].isascii())
    wide_after = chinese_after and not (after[0].isalnum() or after[0].isascii())
    return not (wide_before or wide_after or _WIDE.match(after))
