"""A run, or a comparison of two, as one HTML file that needs no other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qa_engine.evaluation import require_packages
from qa_engine.evaluation.comparison import Comparison
from qa_engine.evaluation.judges.judgements import JudgedCase, latest_judgements
from qa_engine.evaluation.judges.summary import read_summary
from qa_engine.evaluation.metrics.ranking import BUDGETS
from qa_engine.evaluation.metrics.summary import MEASURES
from qa_engine.evaluation.record_files import replace_file
from qa_engine.evaluation.records import CaseResult, RunResults
from qa_engine.evaluation.reports.charts import histogram, line_chart
from qa_engine.evaluation.reports.template_engine import render
from qa_engine.evaluation.run_folder import read_run

HTML_REPORT, HTML_COMPARISON = "report.html", "comparison.html"
OUTCOMES = {
    "failed": "bad",
    "answered, though the documents do not answer": "bad",
    "refused, though the documents answer": "bad",
    "lacks the gold answer": "bad",
    "not found": "bad",
    "answered": "plain",
    "searched": "plain",
    "rightly refused": "good",
    "holds the gold answer": "good",
    "found": "good",
}
"""Every outcome of a case, the worst first, and whether it is good; ``plain`` if that is not known."""


class CaseView(NamedTuple):
    """A case as the templates show it: with one of `OUTCOMES`, and the verdicts on it."""

    case: CaseResult
    outcome: str
    judgements: Sequence[JudgedCase]


def write_html(run_dir: Path) -> Path:
    """Writes ``report.html`` into the folder of a run: metrics, charts, and every case with its passages and verdicts.

    Returns:
        The path of the file.

    Raises:
        InputError: the folder holds no finished run.
        ModelUnavailableError: the extra ``eval`` is not installed.
        StorageError: the file cannot be written.
    """
    require_packages()
    results, cases = read_run(run_dir)
    views = _views(cases, run_dir)
    page = render(
        "report.html.j2",
        title=f"Evaluation of {', '.join(results.manifest.collection)}",
        results=results,
        measures=dict.fromkeys(name for stage in results.retrieval.values() for name in stage),
        meanings=MEASURES,
        judges=read_summary(run_dir),
        charts=_charts(results, cases),
        views=views,
        kinds=OUTCOMES,
        outcomes=_outcomes(views),
    )
    replace_file(run_dir / HTML_REPORT, page)
    return run_dir / HTML_REPORT


def write_comparison_html(comparison: Comparison, out: Path) -> Path:
    """Writes ``comparison.html`` into a folder, made if missing: the differences, and the worst regressions first.

    The folders of the two runs must be as they were when they were compared.

    Returns:
        The path of the file.

    Raises:
        InputError: a folder that was compared holds no finished run any more.
        ModelUnavailableError: the extra ``eval`` is not installed.
        StorageError: the file cannot be written.
    """
    require_packages()
    old = {case.id: case for case in read_run(comparison.before)[1]}
    new = {case.id: case for case in read_run(comparison.after)[1]}
    changes = [*comparison.regressions, *reversed(comparison.improvements)]
    views = _views([new[change.id] for change in changes], Path(comparison.after))
    page = render(
        "comparison.html.j2",
        title=f"{comparison.before} → {comparison.after}",
        comparison=comparison,
        changed=[(view, change, old[change.id]) for view, change in zip(views, changes, strict=True)],
        views=views,
        kinds=OUTCOMES,
        outcomes=_outcomes(views),
    )
    replace_file(out / HTML_COMPARISON, page)
    return out / HTML_COMPARISON


def _views(cases: Sequence[CaseResult], run_dir: Path) -> list[CaseView]:
    judged = latest_judgements(run_dir)
    return [CaseView(case, outcome_of(case), judged.get(case.id, ())) for case in cases]


def outcome_of(case: CaseResult) -> str:
    """One of `OUTCOMES`: faults first; ``answered`` or ``searched`` if the gold does not tell."""
    if case.failure is not None:
        return "failed"
    if case.answer is None:
        ranking = case.stages.get("reranked")
        return "searched" if ranking is None else "not found" if ranking.rank is None else "found"
    if not case.gold.answerable:
        return "rightly refused" if case.refused else "answered, though the documents do not answer"
    if case.refused:
        return "refused, though the documents answer"
    holds = case.measures.get("contains_answer")
    if holds is None:
        return "answered"
    return "holds the gold answer" if holds == 1 else "lacks the gold answer"


def _outcomes(views: Sequence[CaseView]) -> list[tuple[str, str, int]]:
    """Each outcome with its kind and its number of cases."""
    counts = Counter(view.outcome for view in views)
    return [(name, kind, counts[name]) for name, kind in OUTCOMES.items()]


def _charts(results: RunResults, cases: Sequence[CaseResult]) -> list[str]:
    charts = []
    if results.refusals is not None and results.refusals.curve:
        curve = results.refusals.curve
        series = {
            "unanswerable, refused": [(point.threshold, point.recall) for point in curve],
            "answerable, refused": [(point.threshold, point.false_refusals) for point in curve],
            "precision": [(point.threshold, point.precision) for point in curve],
        }
        ticks = [(share / 4, f"{share / 4:g}") for share in range(5)]
        title = "What refusing below a threshold would do"
        charts.append(line_chart("refusal-curve", title, series, "threshold of the probability", ticks))
    names = [f"within_{budget}" for budget in BUDGETS]
    stages = {
        stage: [
            (float(index), measures[name].mean if name in measures else None)
            for index, name in enumerate(names)
        ]
        for stage, measures in results.retrieval.items()
        if any(name in measures for name in names)
    }
    if stages:
        ticks = [(float(index), str(budget)) for index, budget in enumerate(BUDGETS)]
        title = "Answer within the first characters of context, by stage"
        charts.append(line_chart("stage-recall", title, stages, "characters of context", ticks))
    seconds = [case.timings["total"] for case in cases if "total" in case.timings]
    if seconds:
        charts.append(histogram("latency", "Time of a question", seconds, results.seconds))
    return charts
