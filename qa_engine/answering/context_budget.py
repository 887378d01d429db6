"""How many passages fit into the context window of a language model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.prompts import format_passages

_LATIN = re.compile(r"[A-Za-z ]")
_OTHER_BMP = re.compile(r"[^A-Za-z \U00010000-\U0010ffff]")
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]")

_TOKENS_PER_LATIN, _TOKENS_PER_ASTRAL = 0.3, 3.0
_MARGIN = 1.1
_TOKENS_PER_MESSAGES = 16
"""What chat templates put around two messages."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, rather too many than too few: 1 a Han character, digit or sign, 0.3 a Latin letter.

    No tokeniser is asked: the model behind a base URL may use any.
    """
    tokens = (
        len(_OTHER_BMP.findall(text))
        + _TOKENS_PER_LATIN * len(_LATIN.findall(text))
        + _TOKENS_PER_ASTRAL * len(_ASTRAL.findall(text))
    )
    return ceil(tokens * _MARGIN)


def fit_passages(
    nodes: Sequence[NodeWithScore], prompt_without_passages: str, context_window: int, max_tokens: int
) -> list[NodeWithScore]:
    """The longest run of passages from the best on that leaves room for prompt and answer; at least one.

    Passages stay whole: a half one could lose the word that turns its meaning.

    Args:
        nodes: passages, best first.
        prompt_without_passages: everything else that is sent.
        context_window: tokens that the model takes, prompt and answer together.
        max_tokens: tokens kept free for the answer.
    """
    budget = context_window - max_tokens - _TOKENS_PER_MESSAGES - estimate_tokens(prompt_without_passages)
    kept: list[NodeWithScore] = []
    for node in nodes:
        budget -= estimate_tokens(format_passages([node])) + 1
        if kept and budget < 0:
            break
        kept.append(node)
    return kept
