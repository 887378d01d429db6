"""What a question asks about, word by word: a passage about the right thing that lacks one of these words rarely answers.

The mean support of all tokens hides it: 店长 of 北仓店的店长叫什么 is two tokens out of nine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold, is_stop_word

_NOUNS = ("n", "vn", "j", "eng")
_ASKING = frozenset(
    "什么 多少 怎么 怎样 哪些 哪个 哪里 哪家 哪种 如何 为什么 是否 请问 多久 多长 几个 时候 情况 公司".split()  # noqa: SIM905
)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9-]+|[0-9]+[A-Za-z]+")
HELD = 0.95
"""Support of a word that stands in the passage as it is: about what the vectors of equal words in other sentences have."""


@dataclass(frozen=True)
class AskedWords:
    """The nouns of a question, each folded and with the rows of its tokens.

    Attributes:
        words: the words, in the order of the question.
    """

    words: Sequence[tuple[str, NDArray[np.int64]]]

    @classmethod
    def of(cls, question: str, offsets: NDArray[np.int64]) -> AskedWords:
        """
        Args:
            question: as it was encoded.
            offsets: (tokens, 2), where each token begins and ends.
        """
        words = []
        for word, start in _nouns(question):
            rows = np.flatnonzero((offsets[:, 0] < start + len(word)) & (offsets[:, 1] > start))
            if len(rows):
                words.append((fold(word).lower(), rows))
        return cls(words)

    def least(self, support: NDArray[np.float32], text: str) -> float | None:
        """The support of the word that a passage supports least; None for a question without nouns.

        Args:
            support: of each token of the question by the passage.
            text: of the passage, its titles and its document, folded, in lower case.
        """
        if not self.words:
            return None
        return min(
            max(float(support[rows].mean()), HELD if word in text else -1.0) for word, rows in self.words
        )


def _nouns(question: str) -> list[tuple[str, int]]:
    """The nouns of a question, or its other words of meaning if it has none, and where each begins."""
    if not is_chinese(question):
        found = [(match[0], match.start()) for match in _LATIN.finditer(question)]
        return [(word, start) for word, start in found if not is_stop_word(word)]
    import rjieba

    nouns, others, start = [], [], 0
    for word, tag in rjieba.tag(question):
        start = question.find(word, start)
        if word not in _ASKING and (tag in _NOUNS or tag[0] == "n" or _LATIN.fullmatch(word)):
            nouns.append((word, start))
        elif len(word) > 1 and word not in _ASKING and tag[0] in "va":
            others.append((word, start))
        start += len(word)
    return nouns or others
