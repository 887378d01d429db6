"""The figures of a run: means over its cases, how sure they are, and what it took."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from qa_engine.evaluation.ranking import BUDGETS, TOP_K, hit, ndcg, reciprocal_rank
from qa_engine.evaluation.refusal_metrics import refusal_figures
from qa_engine.evaluation.results import (
    STAGES,
    CaseResult,
    Figure,
    RunManifest,
    RunResults,
    StageRanking,
)
from qa_engine.evaluation.significance import bootstrap_interval, percentile

_RESAMPLES = 2_000
_HITS = (1, 3, 5, 10)
_PAGE_HITS = (1, 10)
MEASURES = (
    "exact_match",
    "f1",
    "contains_answer",
    "evidence_holds_answer",
    "citation_precision",
    "citation_recall",
    "refusal_accuracy",
    "chinese",
    "numbers_supported",
)
"""The measures of answers in the order in which they are shown."""


def figures(manifest: RunManifest, cases: Sequence[CaseResult]) -> RunResults:
    """What the cases of a run come to; those that failed count as failures and as nothing else."""
    answered = [case for case in cases if case.failure is None]
    judged = list(dict.fromkeys(name for case in cases for name in case.judgements))
    scores = {name: _scores(answered, name) for name in judged}
    return RunResults(
        manifest=manifest,
        finished_at=now(),
        cases=len(cases),
        failures=dict(Counter(case.failure.kind for case in cases if case.failure is not None)),
        retrieval={
            stage: measured
            for stage in STAGES
            if (measured := _means([stage_measures(case, stage) for case in answered]))
        },
        answers=_ordered(_means([case.measures for case in answered])),
        judgements={name: figure(values) for name, values in scores.items() if values},
        judgement_failures={
            name: missing
            for name in judged
            if (missing := sum(name in case.judgements for case in answered) - len(scores[name]))
        },
        refusals=None if manifest.retrieval_only else refusal_figures(answered),
        seconds=_seconds(answered),
        tokens=dict(sum((Counter(case.tokens) for case in cases), Counter())),
    )


def stage_measures(case: CaseResult, stage: str) -> dict[str, float]:
    """The measures, 0 to 1, of one stage of retrieval for one case; those that do not apply are absent.

    The names are those of `RunResults.retrieval`.
    """
    ranking = case.stages.get(stage)
    if ranking is None:
        return {}
    found = {f"hit@{top_k}": hit(ranking.rank, top_k) for top_k in _HITS}
    found[f"mrr@{TOP_K}"] = reciprocal_rank(ranking.rank)
    found[f"ndcg@{TOP_K}"] = ndcg(ranking.rank)
    found |= _within(ranking)
    if case.gold.file and case.gold.page is not None:
        found |= {f"page_hit@{top_k}": hit(ranking.page_rank, top_k) for top_k in _PAGE_HITS}
    return found


def _within(ranking: StageRanking) -> dict[str, float]:
    return {
        f"within_{budget}": float(ranking.within[str(budget)])
        for budget in BUDGETS
        if str(budget) in ranking.within
    }


def figure(values: Sequence[float]) -> Figure:
    """The mean of at least one value, and its interval."""
    low, high = bootstrap_interval(values, resamples=_RESAMPLES) if len(values) > 1 else (None, None)
    return Figure(statistics.fmean(values), len(values), low, high)


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _means(measured: Sequence[dict[str, float]]) -> dict[str, Figure]:
    values: dict[str, list[float]] = {}
    for measures in measured:
        for name, value in measures.items():
            values.setdefault(name, []).append(value)
    return {name: figure(found) for name, found in values.items()}


def _ordered(means: dict[str, Figure]) -> dict[str, Figure]:
    return {name: means[name] for name in (*MEASURES, *means) if name in means}


def _scores(cases: Sequence[CaseResult], judged: str) -> list[float]:
    found = [case.judgements[judged].score for case in cases if judged in case.judgements]
    return [score for score in found if score is not None]


def _seconds(cases: Sequence[CaseResult]) -> dict[str, float]:
    totals = [case.timings["total"] for case in cases if "total" in case.timings]
    if not totals:
        return {}
    return {"p50": round(percentile(totals, 0.5), 4), "p95": round(percentile(totals, 0.95), 4)}
