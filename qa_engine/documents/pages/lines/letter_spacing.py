"""Letter-spaced words: lines with blanks between their characters in, words out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

_RUN = re.compile(r"(?<![^\s：:])\S(?: \S){4,}(?!\S)")
_REST = re.compile(r"(?<![^\s：:])\S(?: \S)+(?!\S)")
_SPACED_CHARACTERS = re.compile(r"[\w\-–—/.,，．:：()（）%￥¥$#&'_]+")
_DATE = re.compile(r"\d(?: \d){3} ?年 ?\d(?: ?\d)? ?月(?: ?\d(?: ?\d)? ?日)?")
"""A date whose digits stand apart, with or without blanks beside its Han characters."""
_MIN_CHARACTERS = 5
_OPTIONS = frozenset("ABCDE")
_MOSTLY = 0.7
"""From this share of single characters on, all of a line is letter-spaced."""
_WIDE, _UNEVEN, _FAR = 1.7, 0.35, 1.5
"""A gap so many times as wide as the others is between words; others differ by less, and are less, in font sizes."""


class Word(NamedTuple):
    """A word with its left and right edge in points."""

    text: str
    x0: float
    x1: float


def has_letter_spacing(raw: str) -> bool:
    """Whether a line may have words with blanks between their characters; ordinary lines have none."""
    return ("年" in raw and _DATE.search(raw) is not None) or any(
        not match[0].isspace() and _is_spaced(match[0], raw[: match.start()]) for match in _RUN.finditer(raw)
    )


def without_letter_spacing(raw: str, words: Sequence[Word], size: float) -> str:
    """A line without the blanks between the characters of letter-spaced words (H T - 2 0 2 4).

    At least five single characters make one, with even gaps between them; wider gaps are between words. Options (A B C D),
    rows of digits without a label, and formulas stay as they are.

    Args:
        raw: the line with its blanks.
        words: its words as the blanks divide them; without them, two blanks are between words.
        size: of the font.
    """
    tokens = raw.split()
    known = [word.text for word in words] == tokens

    def joined(match: re.Match[str]) -> str:
        run, before = match[0].split(), raw[: match.start()]
        first = len(before.split()) - (1 if before and not before[-1].isspace() else 0)
        part = words[first : first + len(run)] if known else ()
        gaps = [right.x0 - left.x1 for left, right in pairwise(part)]
        usual = median(gaps) if gaps else 0.0
        wide = [gap > max(_WIDE * usual, usual + _UNEVEN * size) for gap in gaps] or [False] * (len(run) - 1)
        narrow = [gap for gap, is_wide in zip(gaps, wide, strict=False) if not is_wide]
        if narrow and (max(narrow) - min(narrow) > _UNEVEN * size or usual > _FAR * size):
            return match[0]
        blanks = [" " if is_wide else "" for is_wide in wide]
        return "".join(character + blank for character, blank in zip(run, [*blanks, ""], strict=True))

    singles = sum(len(token) == 1 for token in tokens)
    pattern = _REST if singles >= _MOSTLY * len(tokens) else _RUN
    raw = pattern.sub(
        lambda match: (
            joined(match) if pattern is _REST or _is_spaced(match[0], raw[: match.start()]) else match[0]
        ),
        raw,
    )
    return _DATE.sub(lambda match: match[0].replace(" ", ""), raw)


def _is_spaced(run: str, before: str) -> bool:
    """Whether single characters with blanks between them are the word of a code, an amount, a date or a title."""
    text = run.replace(" ", "")
    plain = [character for character in text if character.isascii() and character.isalnum()]
    enough = len(plain) >= _MIN_CHARACTERS or (
        len(plain) + 1 >= _MIN_CHARACTERS and "".join(plain).isdecimal()
    )
    if (
        not enough
        or len(set(plain)) < 3
        or not _SPACED_CHARACTERS.fullmatch(text)
        or _OPTIONS.issuperset(plain)
    ):
        return False
    if all(ord(after) - ord(first) == 1 for first, after in pairwise(text)):
        return False
    if text.isdecimal():
        return before.rstrip().endswith(("：", ":"))
    return not (text.isalpha() and text.isascii() and text.islower())
