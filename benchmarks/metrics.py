"""The measures of the package under the names that the benchmarks use."""

from __future__ import annotations

from qa_engine.evaluation.metrics.ranking import (
    BUDGETS,
    TOP_K,
    first_hit,
    holds_within,
    ndcg,
    reciprocal_rank,
    squash,
)
from qa_engine.evaluation.metrics.significance import Interval, paired_bootstrap, percentile

__all__ = [
    "BUDGETS",
    "TOP_K",
    "Interval",
    "first_hit",
    "holds_within",
    "ndcg",
    "paired_bootstrap",
    "percentile",
    "reciprocal_rank",
    "squash",
]
