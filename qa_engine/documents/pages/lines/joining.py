"""Joins pieces to lines, and lines to running text: nothing between Chinese, a blank in English, hyphens removed or kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from qa_engine.documents.blocks import Line, Rect

_SAME_BASELINE = 0.5
"""Pieces that overlap by this share of their height stand in one row."""
_CJK = "\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\u2018-\u201d\u2026"
_CJK_EDGE = re.compile(f"[{_CJK}]")
_LATIN_QUOTE = re.compile("[\u2018-\u201d\u2026]")
_HAN = re.compile("[\u3400-\u9fff]$")
_EVEN = 0.3
_LETTERS = "A-Za-z\u00c0-\u024f"
_WORD = re.compile(f"[{_LETTERS}]++(?:-[{_LETTERS}]++)*+")
_HYPHEN_END = re.compile(f"(?<![{_LETTERS}-])({_WORD.pattern})-$")
_TIGHT_END = re.compile(r"\w[-–/]$")
"""A hyphen, dash or stroke without a blank before it has none after it."""
_OPENERS, _CLOSERS = tuple("(["), tuple(")]")
_NUMBERED = re.compile(f"[{_CJK}]\\d+\0[{_CJK}]|[{_CJK}]\0\\d")
_WORD_GAP = 0.6
"""Han characters and digits with a gap of less than so many font sizes belong together."""
_SUSPENDED = frozenset({"and", "or"})
"""Before these words, a hyphen stands for the rest of a word, as in pre- and post-training."""
_NO_URL = re.compile(r"[^!-~]")
_URL_STARTS = ("http://", "https://", "www.")


_T = TypeVar("_T")


def grouped(items: Iterable[_T], belongs: Callable[[list[_T], _T], bool]) -> list[list[_T]]:
    """Items in order, each in the group of the items before it if it belongs there, else in a new one."""
    groups: list[list[_T]] = []
    for item in items:
        if groups and belongs(groups[-1], item):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def rows_of(pieces: Iterable[Line]) -> list[list[Line]]:
    """Pieces by baseline from top to bottom, in a row from left to right."""

    def in_row(row: list[Line], piece: Line) -> bool:
        return any(baseline_overlap(other, piece) > _SAME_BASELINE for other in row[-3:])

    downwards = sorted(pieces, key=lambda piece: ((piece.y0 + piece.y1) / 2, piece.x0))
    return [sorted(row, key=lambda piece: piece.x0) for row in grouped(downwards, in_row)]


def bounds(lines: Sequence[Line]) -> Rect:
    """The rectangle around lines."""
    if len(lines) == 1:
        (line,) = lines
        return Rect(line.x0, line.y0, line.x1, line.y1)
    return Rect(
        min(line.x0 for line in lines),
        min(line.y0 for line in lines),
        max(line.x1 for line in lines),
        max(line.y1 for line in lines),
    )


def join_pieces(row: list[Line]) -> Line:
    """One line out of the pieces of a row, with blanks between them, but none in a spread title (合 同 书)."""
    longest = max(row, key=lambda piece: len(piece.text))
    text, cuts = "", list[tuple[int, float]]()
    spread = len(longest.text) == 1 and _is_spread(row)
    for number, piece in enumerate(row):
        if text and not spread:
            text += "" if _is_one_number(text, row[number - 1], piece) else " "
            cuts.append((len(text), piece.x0))
        cuts.extend((len(text) + end, x) for end, x in piece.cuts)
        text += piece.text
    return Line(
        text,
        row[0].page,
        *bounds(row),
        longest.size,
        row[0].block,
        longest.bold,
        tuple(cuts),
        doubt=doubt_of(row),
    )


def doubt_of(lines: Iterable[Line]) -> str:
    """The first doubt of some lines, or nothing."""
    return next((line.doubt for line in lines if line.doubt), "")


def _is_one_number(text: str, last: Line, piece: Line) -> bool:
    """Whether 第1 and 章, or 第 and 1, are pieces only because a file has two fonts for them."""
    near = piece.x0 - last.x1 < _WORD_GAP * piece.size
    return near and _NUMBERED.search(f"{text[-4:]}\0{piece.text[:1]}") is not None


def _is_spread(row: Sequence[Line]) -> bool:
    """Whether single Chinese characters stand at even distances."""
    distances = [right.x0 - left.x0 for left, right in pairwise(row)]
    even = len(row) > 1 and max(distances) - min(distances) < _EVEN * max(piece.size for piece in row)
    return even and all(_HAN.match(piece.text) for piece in row)


def baseline_overlap(first: Line, second: Line) -> float:
    """The share, 0 to 1, of the height of the lower of two lines that is beside the other; below 0 if none is."""
    shared = min(first.y1, second.y1) - max(first.y0, second.y0)
    return shared / max(min(first.y1 - first.y0, second.y1 - second.y0), 0.1)


def word_counts(texts: Iterable[str]) -> Counter[str]:
    """How often each Latin word stands in the lines of a file: tells hyphens of words from those of line breaks."""
    return Counter(word.lower() for text in texts for word in _WORD.findall(text))


def line_end(text: str, following: str, words: Counter[str]) -> str:
    """A line as it stands in running text: with a blank behind it, without its hyphen, or as it is.

    Args:
        text: the line.
        following: the line after it.
        words: `word_counts` of the file; a hyphen at the end of a line is kept if the file has the word more often with
            it than without.
    """
    if text.endswith("\u00ad"):
        return text[:-1]
    if _breaks_url(text) and not (text[-1] == "." and not following[0].islower()):
        return text
    hyphen = _HYPHEN_END.search(text) if text.endswith("-") else None
    rest = _WORD.match(following)
    if hyphen and rest and following[0].islower():
        return _hyphen_end(text, hyphen[1].lower(), rest[0].lower(), words)
    if _TIGHT_END.search(text) and following[0].isalnum():
        return text
    if text.endswith(_OPENERS) or following.startswith(_CLOSERS):
        return text
    edges = text[-1] + following[0]
    if any(_CJK_EDGE.match(edge) and not _LATIN_QUOTE.match(edge) for edge in edges):
        return text
    # The characters on the other sides of curly quotes tell whether these are Chinese or English.
    near = text[-2:-1] + following[1:2]
    if _LATIN_QUOTE.search(edges) and _CJK_EDGE.search(near):
        return text
    return f"{text} "


def _breaks_url(text: str) -> bool:
    """Whether a line ends within a URL, behind one of the characters that URLs are broken at."""
    if text[-1] not in "/-_=&?.":
        return False
    last = _NO_URL.split(text)[-1][:-1]
    return any(start in last for start in _URL_STARTS)


def _hyphen_end(text: str, left: str, right: str, words: Counter[str]) -> str:
    """`line_end` for a hyphen with the word ``left`` before it; the next line begins with the word ``right``."""
    compound, whole = words[f"{left}-{right}"], words[left + right]
    if right in _SUSPENDED and not whole:
        return f"{text} "
    if "-" in left or "-" in right:
        # A word with hyphens of its own is broken at one of these.
        return text if compound or not words[left.split("-")[-1] + right.split("-")[0]] else text[:-1]
    return text if compound > whole else text[:-1]
