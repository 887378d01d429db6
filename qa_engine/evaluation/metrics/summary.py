"""The metrics of a run: means over its cases with their intervals, refusals, time and tokens."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from qa_engine.evaluation.metrics.ranking import BUDGETS, TOP_K, hit, ndcg, reciprocal_rank
from qa_engine.evaluation.metrics.significance import bootstrap_interval, percentile
from qa_engine.evaluation.records import (
    STAGES,
    CaseResult,
    MetricSummary,
    RefusalPoint,
    RefusalSummary,
    RunManifest,
    RunResults,
)

_RESAMPLES = 2_000
_HITS = (1, 3, 5, 10)
_PAGE_HITS = (1, 10)
_CURVE_STEPS = 20
MEASURES = {
    "exact_match": "the answer is a gold answer",
    "f1": "longest common run of the answer with a gold answer",
    "contains_answer": "the answer holds a gold answer",
    "evidence_holds_answer": "a cited text holds a gold answer",
    "citation_precision": "share of the citations that are where the gold says",
    "citation_recall": "the place that the gold names is cited",
    "refusal_accuracy": "refused if, and only if, the documents do not answer",
    "chinese": "the answer is in Chinese",
    "numbers_supported": "what is cited, or the question, holds every number of the answer",
}
"""The measures of answers and their meanings, in the order in which they are shown."""


def summarise(manifest: RunManifest, cases: Sequence[CaseResult], finished_at: str = "") -> RunResults:
    """The metrics over the cases of a run; cases that failed count as failures and as nothing else."""
    answered = [case for case in cases if case.failure is None]
    answers = _means([case.measures for case in answered])
    return RunResults(
        manifest=manifest,
        finished_at=finished_at,
        cases=len(cases),
        failures=dict(Counter(case.failure.kind for case in cases if case.failure is not None)),
        retrieval={
            stage: means
            for stage in STAGES
            if (means := _means([stage_measures(case, stage) for case in answered]))
        },
        answers={name: answers[name] for name in (*MEASURES, *answers) if name in answers},
        refusals=None if manifest.retrieval_only else refusal_summary(answered),
        seconds=_seconds(answered),
        tokens=dict(sum((Counter(case.tokens) for case in cases), Counter())),
    )


def stage_measures(case: CaseResult, stage: str) -> dict[str, float]:
    """The measures, 0 to 1, of one stage of retrieval for one case; measures that do not apply are absent.

    The names are those of `RunResults.retrieval`.
    """
    ranking = case.stages.get(stage)
    if ranking is None:
        return {}
    measures = {f"hit@{top_k}": hit(ranking.rank, top_k) for top_k in _HITS}
    measures[f"mrr@{TOP_K}"] = reciprocal_rank(ranking.rank)
    measures[f"ndcg@{TOP_K}"] = ndcg(ranking.rank)
    for budget in BUDGETS:
        if (within := ranking.within.get(str(budget))) is not None:
            measures[f"within_{budget}"] = float(within)
    if case.gold.file and case.gold.page is not None:
        measures |= {f"page_hit@{top_k}": hit(ranking.page_rank, top_k) for top_k in _PAGE_HITS}
    return measures


def metric_summary(values: Sequence[float]) -> MetricSummary:
    """The mean of at least one value, and its interval."""
    low, high = bootstrap_interval(values, resamples=_RESAMPLES) if len(values) > 1 else (None, None)
    return MetricSummary(statistics.fmean(values), len(values), low, high)


def refusal_summary(cases: Sequence[CaseResult]) -> RefusalSummary:
    """The metrics of refusals over the cases that got an answer or a refusal.

    A refusal is right if the documents do not answer the question. The curve shows the effect of refusing below each
    threshold of the probability alone, whatever the engine did.
    """
    with_outcome = [case for case in cases if case.refused is not None]
    answerable = [case.gold.answerable for case in with_outcome]
    refused = [bool(case.refused) for case in with_outcome]
    return RefusalSummary(
        sum(answerable),
        len(answerable) - sum(answerable),
        sum(refused),
        *_rates(refused, answerable),
        curve=_curve(with_outcome),
    )


def _curve(cases: Sequence[CaseResult]) -> list[RefusalPoint]:
    """A point for every twentieth of the probability; none without an estimate."""
    estimates = [(case.probability, case.gold.answerable) for case in cases if case.probability is not None]
    if not estimates:
        return []
    answerable = [is_answerable for _, is_answerable in estimates]
    thresholds = [step / _CURVE_STEPS for step in range(1, _CURVE_STEPS)]
    refused = [[probability < threshold for probability, _ in estimates] for threshold in thresholds]
    return [
        RefusalPoint(threshold, *_rates(below, answerable))
        for threshold, below in zip(thresholds, refused, strict=True)
    ]


def _rates(
    refused: Sequence[bool], answerable: Sequence[bool]
) -> tuple[float | None, float | None, float | None]:
    """Precision and recall of refusals, and the share of the answerable questions that were refused."""
    pairs = zip(refused, answerable, strict=True)
    right = sum(is_refused and not is_answerable for is_refused, is_answerable in pairs)
    answerable_count, unanswerable_count = sum(answerable), len(answerable) - sum(answerable)
    return (
        right / sum(refused) if any(refused) else None,
        right / unanswerable_count if unanswerable_count else None,
        (sum(refused) - right) / answerable_count if answerable_count else None,
    )


def _means(cases: Sequence[dict[str, float]]) -> dict[str, MetricSummary]:
    values: dict[str, list[float]] = {}
    for measures in cases:
        for name, value in measures.items():
            values.setdefault(name, []).append(value)
    return {name: metric_summary(column) for name, column in values.items()}


def _seconds(cases: Sequence[CaseResult]) -> dict[str, float]:
    totals = [case.timings["total"] for case in cases if "total" in case.timings]
    if not totals:
        return {}
    return {"p50": round(percentile(totals, 0.5), 4), "p95": round(percentile(totals, 0.95), 4)}
