"""Retrieval measures of one question, and the paired bootstrap over many.

A passage counts when it contains a gold answer, compared without white space and case: a line break of
the PDF inside an answer must not decide. Passages of different pipelines differ in length, so the rank alone
would favour long ones; the share of questions answered within the first characters of the context does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOP_K = 10
BUDGETS = (300, 600, 1200, 2400)
_SPACE = re.compile(r"\s+")


def squash(text: str) -> str:
    """The text without white space, in lower case."""
    return _SPACE.sub("", text).lower()


def first_hit(passages: Sequence[str], answers: Sequence[str], top_k: int = TOP_K) -> int | None:
    """Rank, from 1, of the first of the ``top_k`` passages that contains an answer; None without one."""
    wanted = [squash(a) for a in answers]
    for rank, passage in enumerate(passages[:top_k], start=1):
        squashed = squash(passage)
        if any(answer in squashed for answer in wanted):
            return rank
    return None


def reciprocal_rank(rank: int | None) -> float:
    """1/rank, and 0 without a hit."""
    return 0.0 if rank is None else 1 / rank


def ndcg(rank: int | None) -> float:
    """Normalised discounted gain with one relevant passage a question: 1/log2(rank + 1), and 0 without a hit.

    How many more passages hold the answer depends on how a pipeline cuts the text, so only the first counts.
    """
    return 0.0 if rank is None else 1 / math.log2(rank + 1)


def found_within(passages: Sequence[str], answers: Sequence[str], budget: int) -> bool:
    """Whether an answer is within the first ``budget`` characters of all passages, blanks not counted."""
    context = squash("\n".join(passages))[:budget]
    return any(squash(answer) in context for answer in answers)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the values lie, interpolated."""
    return float(np.quantile(np.asarray(values, dtype=float), share))


@dataclass(frozen=True)
class Interval:
    """A mean difference with its 95 % bootstrap interval."""

    difference: float
    low: float
    high: float


def paired_bootstrap(
    ours: Sequence[float], theirs: Sequence[float], *, seed: int = 7, resamples: int = 10_000
) -> Interval:
    """Mean of ours − theirs with its 95 % interval, questions drawn with replacement in pairs.

    Raises:
        ValueError: the scores are not of the same questions, or there are none.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"paired scores needed, got {len(ours)} and {len(theirs)}")
    differences = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    draws = np.random.default_rng(seed).integers(0, len(differences), size=(resamples, len(differences)))
    low, high = np.quantile(differences[draws].mean(axis=1), (0.025, 0.975))
    return Interval(float(differences.mean()), float(low), float(high))
