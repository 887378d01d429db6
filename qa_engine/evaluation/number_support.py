"""Numbers of an answer that nothing it cites holds: the plainest sign of something invented."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from qa_engine.text.number_terms import number_terms
from qa_engine.text.tokenizer import fold

_MAGNITUDES = {
    "千万": 10**7,
    "百万": 10**6,
    "十万": 10**5,
    "万亿": 10**12,
    "千亿": 10**11,
    "百亿": 10**10,
    "十亿": 10**9,
    "亿": 10**8,
    "万": 10**4,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "k": 10**3,
    "m": 10**6,
    "b": 10**9,
}
_NUMBER = re.compile(
    rf"([0-9]+(?:,[0-9]{{3}})*(?:\.[0-9]+)?)(?:\s?({'|'.join(_MAGNITUDES)})(?![a-z]))?", re.IGNORECASE
)
_MARK = re.compile(r"\[[0-9]{1,3}\]")
_LIST_MARK = re.compile(r"^\s*[（(]?[0-9]{1,2}[.、)）](?![0-9])", re.MULTILINE)
_LEADING = re.compile(r"第?([0-9]+(?:\.[0-9]+)?)")


def unsupported_numbers(answer: str, sources: Sequence[str]) -> list[str]:
    """The numbers of an answer that no source holds, as they are written, each once.

    The same number may be written in another way: 1,200 and 1200, 700亿 and 70 billion or 70B, 十二天 and 12天, 3月 and
    March. Citation marks and the marks of lists are no numbers.

    Args:
        answer: its text.
        sources: what it may have them from: the cited passages, their file names and the question.

    Example:
        >>> unsupported_numbers("共有70B参数，发布于2023年[1]。", ["Llama 2 has 70 billion parameters."])
        ['2023']
    """
    plain: set[Decimal] = set()
    scaled: set[Decimal] = set()
    for source in sources:
        _note(source, plain, scaled)
    text = _LIST_MARK.sub("", _MARK.sub("", unicodedata.normalize("NFKC", answer)))
    missing: dict[str, None] = {}
    for match in _NUMBER.finditer(text):
        value, whole = _value(match)
        # 70亿 is not 70B, but may come from a table of figures in 亿.
        if whole not in scaled and value not in plain:
            missing[match[0].strip()] = None
    return list(missing)


def _note(source: str, plain: set[Decimal], scaled: set[Decimal]) -> None:
    """Adds the numbers of a text: to ``plain`` those without a magnitude, to ``scaled`` what all of them come to."""
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", source)):
        value, whole = _value(match)
        scaled.add(whole)
        if match[2] is None:
            plain.add(value)
    for term in number_terms(fold(source).lower()):
        if "-" in term:
            scaled.update(Decimal(part) for part in term.split("-") if part.isdigit())
        elif leading := _LEADING.match(term):
            scaled.add(Decimal(leading[1]))


def _value(match: re.Match[str]) -> tuple[Decimal, Decimal]:
    """A number, and what it comes to with the magnitude behind it."""
    value = Decimal(match[1].replace(",", ""))
    return value, value * _MAGNITUDES[match[2].lower()] if match[2] else value
