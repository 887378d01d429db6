"""Differences between pipelines that were asked the same questions, and the tables that show them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from asking import Scores
from report import Report

from qa_engine.evaluation.metrics.ranking import TOP_K
from qa_engine.evaluation.metrics.significance import Interval, paired_bootstrap

RANKS = f"MRR@{TOP_K}"
GAIN = f"nDCG@{TOP_K}"
BUDGET = "≤600"
RESAMPLES = "Paired bootstrap over the questions, 10,000 resamples; in brackets the 95 % interval."


@dataclass(frozen=True)
class Difference:
    """How much better one pipeline is than another, for each measure."""

    name: str
    base: str
    intervals: dict[str, Interval]

    def result(self) -> dict[str, Any]:
        """As it is stored."""
        intervals = {measure: asdict(interval) for measure, interval in self.intervals.items()}
        return {"name": self.name, "base": self.base, **intervals}


@dataclass(frozen=True)
class Errors:
    """Share of questions whose answer is not within the budget: ours, and that of the peer with the fewest."""

    ours: float
    peer: str
    theirs: float

    @property
    def ratio(self) -> float | None:
        """Ours by theirs; None if they have none."""
        return self.ours / self.theirs if self.theirs else None

    def sentence(self) -> str:
        """For below the table."""
        shown = f"{self.ratio:.2f}" if self.ratio is not None else "not defined"
        return (
            f"Errors (1 − {BUDGET}): {self.ours:.3f} against {self.theirs:.3f} of {self.peer}, the best peer in it; "
            f"ratio {shown}."
        )


def difference(scores: Scores, base: Scores, seed: int) -> Difference:
    """Paired differences of two pipelines that were asked the same questions."""
    theirs = base.measures()
    intervals = {
        measure: paired_bootstrap(values, theirs[measure], seed=seed)
        for measure, values in scores.measures().items()
    }
    return Difference(scores.name, base.name, intervals)


def errors(ours: Scores, peers: Iterable[Scores]) -> Errors:
    """Ours and the best peer's.

    Raises:
        ValueError: there is no peer.
    """
    missed = {peer.name: _missed(peer) for peer in peers}
    if not missed:
        raise ValueError("errors are compared with a peer's, and there is none")
    best = min(missed, key=missed.__getitem__)
    return Errors(_missed(ours), best, missed[best])


def quality_report(title: str, scores: Sequence[Scores], notes: Sequence[str]) -> Report:
    """One row a pipeline, with the size of its index and the time to build it."""
    extra = {
        "nodes": [f"{score.nodes:,}" for score in scores],
        "build s": [f"{score.build_seconds:.1f}" for score in scores],
    }
    return _measured_report(title, "pipeline", scores, notes, extra, "query ms p50")


def step_report(title: str, first: str, scores: Sequence[Scores], notes: Sequence[str]) -> Report:
    """One row a step on the same index: the measures, the length of a passage and the time."""
    return _measured_report(title, first, scores, notes, {}, "ms p50")


def _measured_report(
    title: str,
    first: str,
    scores: Sequence[Scores],
    notes: Sequence[str],
    extra: dict[str, list[str]],
    time: str,
) -> Report:
    """One row a score; ``extra`` holds further columns by their heads, before that of the ``time``."""
    measures = list(scores[0].measures())
    rows = []
    for row, score in enumerate(scores):
        summary = score.summary()
        rows.append(
            [
                score.name,
                *(f"{summary[measure]:.3f}" for measure in measures),
                f"{summary['passage_chars_mean']:.0f}",
                *(column[row] for column in extra.values()),
                f"{summary['query_ms_p50']:.0f}",
            ]
        )
    return Report(title, [first, *measures, "chars/passage", *extra, time], rows, notes)


def difference_report(
    title: str, differences: Sequence[Difference], measures: Sequence[str], notes: Sequence[str]
) -> Report:
    """One row a pair."""
    rows = [
        [f"{found.name} − {found.base}", *(_shown(found.intervals[measure]) for measure in measures)]
        for found in differences
    ]
    return Report(title, ["difference", *measures], rows, [*notes, RESAMPLES])


def _shown(interval: Interval) -> str:
    return f"{interval.difference:+.3f} ({interval.low:+.3f} … {interval.high:+.3f})"


def _missed(scores: Scores) -> float:
    return 1 - statistics.fmean(scores.measures()[BUDGET])
