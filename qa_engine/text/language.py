"""Whether a text is Chinese, and how long it is for a Chinese reader."""

from __future__ import annotations

import re
from functools import lru_cache

HAN_RANGES = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""The Han characters of common texts, as ranges for a character class of a regular expression.

Others are made for their purpose: `qa_engine.text.tokenizer` reads folded texts, which have no compatibility characters, and
knows 〇 and the rare characters of the supplementary planes; page lines know radicals, which some fonts write."""
HAN = re.compile(f"[{HAN_RANGES}]")
"""One Han character."""


@lru_cache(maxsize=2048)
def is_chinese(text: str) -> bool:
    """Whether more than a tenth of the characters are Han: the rest may be digits, names and code.

    Cached: each stage of a question asks it of the question and of the same hundred sentences.
    """
    return len(HAN.findall(text)) > 0.1 * len(text)


def chinese_size(text: str, latin_ratio: float) -> float:
    """The length of a text in Chinese characters.

    Args:
        text: of one script, or mostly.
        latin_ratio: how many characters of other scripts count as one Chinese one.
    """
    return len(text) / (1 if is_chinese(text) else latin_ratio)
