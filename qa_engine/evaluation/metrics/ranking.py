"""Measures of one ranking of passages, by the text that answers the question.

A passage counts when it holds a gold answer, compared without white space, width and case: a line break of the PDF inside
an answer must not decide. Passages of different pipelines differ in length, so the rank alone would favour long ones;
whether an answer lies within the first characters of the context does not.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

TOP_K = 10
"""Passages of a ranking that count."""
BUDGETS = (300, 600, 1200, 2400)
"""Characters of context, blanks not counted."""


def squash(text: str) -> str:
    """The text without white space, in one width and one case.

    Example:
        >>> squash("The  Yangtze\\nRiver １２")
        'theyangtzeriver12'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def holds_any(passage: str, answers: Sequence[str]) -> bool:
    """Whether a passage holds one of the answers; an answer of blanks alone is held by none."""
    text = squash(passage)
    return any(part in text for answer in answers if (part := squash(answer)))


def first_hit(passages: Sequence[str], answers: Sequence[str], top_k: int = TOP_K) -> int | None:
    """Rank, from 1, of the first of the ``top_k`` passages that holds an answer; None without one."""
    return first_true([holds_any(passage, answers) for passage in passages[:top_k]])


def first_true(relevant: Sequence[bool]) -> int | None:
    """Rank, from 1, of the first passage that is relevant; None without one."""
    return next((rank for rank, is_relevant in enumerate(relevant, 1) if is_relevant), None)


def hit(rank: int | None, top_k: int) -> float:
    """1 for a hit among the first ``top_k`` passages, else 0."""
    return float(rank is not None and rank <= top_k)


def reciprocal_rank(rank: int | None) -> float:
    """1/rank, and 0 without a hit."""
    return 0.0 if rank is None else 1 / rank


def ndcg(rank: int | None) -> float:
    """Normalised discounted gain with one relevant passage a question: 1/log2(rank + 1), and 0 without a hit.

    How many more passages hold the answer depends on how a pipeline cuts the text, so only the first counts.
    """
    return 0.0 if rank is None else 1 / math.log2(rank + 1)


def holds_within(
    passages: Sequence[str], answers: Sequence[str], budget: int, eligible: Sequence[bool] | None = None
) -> bool:
    """Whether a passage holds an answer within the first ``budget`` characters of all of them, blanks not counted.

    Args:
        passages: best first.
        answers: texts of which one is to be found.
        budget: characters of context.
        eligible: which passages may hold the answer, such as those of the right file; all of them if None. The others use
            up the budget all the same.
    """
    remaining = budget
    for number, passage in enumerate(passages):
        text = squash(passage)[: max(remaining, 0)]
        remaining -= len(text)
        if (eligible is None or eligible[number]) and holds_any(text, answers):
            return True
    return False
