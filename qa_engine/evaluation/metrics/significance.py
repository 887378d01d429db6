"""How certain a mean, a share, or a difference between two runs over the same questions is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SEED = 7
RESAMPLES = 10_000
_MAX_DRAWS = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A mean difference with its 95 % bootstrap interval."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test of two runs that were right or wrong about the same questions.

    Attributes:
        gained: questions that only the second was right about.
        lost: questions that only the first was right about.
        p_value: two-sided probability, 0 to 1, of at least so uneven a split of ``gained + lost`` if both are equally good.
    """

    gained: int
    lost: int
    p_value: float


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the values lie, interpolated."""
    return float(np.quantile(np.asarray(values, dtype=float), share))


def bootstrap_interval(
    values: Sequence[float], *, seed: int = SEED, resamples: int = RESAMPLES, max_draws: int = _MAX_DRAWS
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a mean (Efron, 1979); at most ``max_draws`` draws are in memory at once.

    Raises:
        ValueError: there is no value.
    """
    if not values:
        raise ValueError("a bootstrap needs values, and there are none")
    column = np.asarray(values, dtype=float)
    random = np.random.default_rng(seed)
    rows = max(1, max_draws // len(column))
    means = []
    for start in range(0, resamples, rows):
        draws = random.integers(0, len(column), size=(min(rows, resamples - start), len(column)))
        means.append(column[draws].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)


def paired_bootstrap(ours: Sequence[float], theirs: Sequence[float], *, seed: int = SEED) -> Interval:
    """Mean of ours − theirs with its 95 % interval, questions drawn with replacement in pairs.

    Raises:
        ValueError: the scores are not of the same questions, or there are none.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"paired scores needed, got {len(ours)} and {len(theirs)}")
    differences = np.subtract(ours, theirs, dtype=float)
    interval = bootstrap_interval(differences.tolist(), seed=seed)
    return Interval(float(differences.mean()), *interval)


def wilson(successes: int, count: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share (Wilson, 1927); None, None if ``count`` is 0.

    Example:
        >>> tuple(round(end, 3) for end in wilson(9, 10))
        (0.596, 0.982)
    """
    if not count:
        return None, None
    from scipy.stats import binomtest

    ends = binomtest(successes, count).proportion_ci(0.95, "wilson")
    return float(ends.low), float(ends.high)


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> McNemar:
    """McNemar's test (1947) in its exact form: a binomial test on the questions that the two disagree about.

    Raises:
        ValueError: the two are not of the same questions.
    """
    if len(before) != len(after):
        raise ValueError(f"paired outcomes needed, got {len(before)} and {len(after)}")
    gained = sum(second and not first for first, second in zip(before, after, strict=True))
    lost = sum(first and not second for first, second in zip(before, after, strict=True))
    if gained + lost == 0:
        return McNemar(0, 0, 1.0)
    from scipy.stats import binomtest

    return McNemar(gained, lost, float(binomtest(gained, gained + lost, 0.5).pvalue))
