"""Numbers of chapters, articles and pages in any writing."""

from __future__ import annotations

import re

from qa_engine.text.numbers import parse_number

ROMAN = r"[ivxl]{1,7}"
"""Roman numerals up to 89, in small letters."""
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}
_WORDS = {
    word: number
    for number, words in enumerate(
        (
            *("first one", "second two", "third three", "fourth four", "fifth five"),
            *("sixth six", "seventh seven", "eighth eight", "ninth nine", "tenth ten"),
        ),
        1,
    )
    for word in words.split()
}
_LAST = frozenset({"last", "末", "最后一", "尾", "最后"})
_FIRST = frozenset({"首", "封面", "cover"})


def ordinal(text: str) -> int:
    """The value of a number; -1 for the last one, 0 for what is no number.

    Example:
        >>> ordinal("十二"), ordinal("IV"), ordinal("third"), ordinal("2nd"), ordinal("末")
        (12, 4, 3, 2, -1)
    """
    word = text.strip().lower()
    if word in _LAST:
        return -1
    if word in _FIRST:
        return 1
    if word in _WORDS:
        return _WORDS[word]
    if re.fullmatch(ROMAN, word):
        values = [_VALUES[character] for character in word]
        return sum(-one if one < later else one for one, later in zip(values, [*values[1:], 0], strict=True))
    value = parse_number(re.sub(r"(?<=[0-9])(?:st|nd|rd|th)$", "", word))
    return int(value) if value is not None and value.isdigit() else 0
