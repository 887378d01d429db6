"""A run, or a comparison of two, as one HTML file that needs no other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qa_engine.evaluation import require_packages
from qa_engine.evaluation.comparison import CaseChange, Comparison, MeasureChange
from qa_engine.evaluation.judges.judgements import JudgedCase, latest_judgements, read_judgements
from qa_engine.evaluation.judges.summary import read_summary
from qa_engine.evaluation.metrics.ranking import BUDGETS
from qa_engine.evaluation.metrics.summary import MEASURES
from qa_engine.evaluation.records import CaseResult, MetricSummary, RefusalSummary, RunResults
from qa_engine.evaluation.reports.charts import histogram, line_chart
from qa_engine.evaluation.reports.markdown import with_interval
from qa_engine.evaluation.reports.template_engine import number, percent, render
from qa_engine.evaluation.run_folder import read_run, replace_file

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


class CaseView:
    """A case as the templates show it.

    Args:
        case: the case.
        judged: the verdicts of judges on it.
    """

    def __init__(self, case: CaseResult, judged: Sequence[JudgedCase] = ()) -> None:
        self.case = case
        self.outcome = _outcome(case)
        self.kind = OUTCOMES[self.outcome]
        facts = [f"f1 {case.measures['f1']:.2f}"] if "f1" in case.measures else []
        if "total" in case.timings:
            facts.append(f"{case.timings['total']:.2f} s")
        self.facts = " · ".join(facts)
        self.golds = [*case.gold.answers, *([case.gold.evidence] if case.gold.evidence else [])]
        self.judgements = [_judgement(item) for item in judged if item.is_complete or item.error]
        self.judgements += [
            {
                "judge": name,
                "verdict": "–" if item.passed is None else "passed" if item.passed else "failed",
                "kind": "plain",
                "score": item.score,
                "reasoning": item.failure.message if item.failure is not None else item.reason,
                "model": "",
            }
            for name, item in case.judgements.items()
        ]
        self.measures = [[name, number(value)] for name, value in case.measures.items()]
        self.timings = [[stage, f"{seconds:.4f}"] for stage, seconds in case.timings.items()]
        self.stages = [
            [
                stage,
                ranking.rank or "–",
                ranking.page_rank or "–",
                ", ".join(budget for budget, inside in ranking.within.items() if inside) or "–",
            ]
            for stage, ranking in case.stages.items()
        ]

    @staticmethod
    def changed_measures(change: CaseChange) -> list[list[str]]:
        """The rows of the measures that differ between two runs."""
        return [[name, number(before), number(after)] for name, (before, after) in change.measures.items()]


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
    judged = latest_judgements(read_judgements(run_dir))
    page = render(
        "report.html.j2",
        title=f"Evaluation of {', '.join(results.manifest.collection)}",
        facts=_facts(results),
        cases=[CaseView(case, judged.get(case.id, ())) for case in cases],
        outcomes=_outcomes(cases),
        answers=[
            [name, with_interval(summary), summary.count, MEASURES.get(name, "")]
            for name, summary in results.answers.items()
        ],
        judges=[_judge_row(item) for item in read_summary(run_dir)],
        stages=list(results.retrieval),
        retrieval=_retrieval(results.retrieval),
        refusals=_refusals(results.refusals),
        charts=_charts(results, cases),
    )
    replace_file(run_dir / HTML_REPORT, page)
    return run_dir / HTML_REPORT


def write_comparison_html(comparison: Comparison, out: Path) -> Path:
    """Writes ``comparison.html`` into a folder, made if missing: the differences, and the worst regressions first.

    Args:
        comparison: of two runs whose folders are unchanged.
        out: the folder.

    Returns:
        The path of the file.

    Raises:
        InputError: a folder holds no finished run any more.
        ModelUnavailableError: the extra ``eval`` is not installed.
        StorageError: the file cannot be written.
    """
    require_packages()
    old = {case.id: case for case in read_run(comparison.before)[1]}
    new = {case.id: case for case in read_run(comparison.after)[1]}
    judged = latest_judgements(read_judgements(Path(comparison.after)))
    changes = [*comparison.regressions, *reversed(comparison.improvements)]
    page = render(
        "comparison.html.j2",
        title=f"{comparison.before} → {comparison.after}",
        comparison=comparison,
        answers=_changes(comparison.answers),
        judges=_changes(comparison.judgements),
        retrieval={stage: _changes(measures) for stage, measures in comparison.retrieval.items()},
        cases=[
            (CaseView(new[change.id], judged.get(change.id, ())), change, old[change.id])
            for change in changes
        ],
        outcomes=_outcomes([new[change.id] for change in changes]),
    )
    replace_file(out / HTML_COMPARISON, page)
    return out / HTML_COMPARISON


def _outcome(case: CaseResult) -> str:
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
    return "answered" if holds is None else "holds the gold answer" if holds == 1 else "lacks the gold answer"


def _outcomes(cases: Sequence[CaseResult]) -> list[tuple[str, str, int]]:
    """Each outcome with its kind and its number of cases."""
    counts = Counter(map(_outcome, cases))
    return [(name, kind, counts[name]) for name, kind in OUTCOMES.items()]


def _judgement(item: JudgedCase) -> dict[str, Any]:
    if item.error or item.unparsed:
        kind, verdict = "bad", "no reply" if item.error else "unparsed"
    elif item.judge == "pairwise":
        kind, verdict = (
            "plain",
            {1.0: "better", 0.0: "worse"}.get(0.5 if item.score is None else item.score, "tie"),
        )
    else:
        kind, verdict = ("good", "passed") if item.passing else ("bad", "failed")
    return {
        "judge": item.judge,
        "verdict": verdict,
        "kind": kind,
        "score": item.score,
        "reasoning": item.error or item.unparsed or item.reasoning,
        "model": item.model,
    }


def _facts(results: RunResults) -> dict[str, str]:
    manifest = results.manifest
    failures = ", ".join(f"{count} {kind}" for kind, count in results.failures.items())
    return {
        "Questions": f"{results.cases}{f' of {manifest.questions_file}' if manifest.questions_file else ''}",
        "Failed": failures or "none",
        "Models": ", ".join(f"{role} {name}" for role, name in manifest.models.items()),
        "Seconds a question": ", ".join(f"{name} {value:.3f}" for name, value in results.seconds.items()),
        "Tokens": ", ".join(f"{kind} {count:,}" for kind, count in results.tokens.items()),
        "Configuration": manifest.fingerprint,
        "Finished": results.finished_at,
        "Version": manifest.version,
    }


def _judge_row(item: Mapping[str, Any]) -> list[object]:
    agreement = item.get("agreement") or {}
    rate = percent(item.get("passing_rate"))
    if item.get("low") is not None:
        rate += f" ({percent(item['low'])}–{percent(item['high'])})"
    kappa = number(agreement.get("kappa"), 2)
    if agreement.get("low") is not None:
        kappa += f" ({agreement['low']:.2f}–{agreement['high']:.2f}), n={agreement.get('compared')}"
    counts = [item.get(name, 0) for name in ("judged", "unparsed", "errors")]
    skipped = ", ".join(f"{count} {reason}" for reason, count in (item.get("skipped") or {}).items())
    mean = number(item.get("mean_score"), 2)
    return [item["judge"], rate, mean, *counts, skipped or "0", kappa, item.get("model", "")]


def _retrieval(stages: Mapping[str, Mapping[str, MetricSummary]]) -> list[list[str]]:
    names = dict.fromkeys(name for stage in stages.values() for name in stage)
    return [[name, *(with_interval(stage.get(name)) for stage in stages.values())] for name in names]


def _refusals(refusals: RefusalSummary | None) -> list[list[object]]:
    if refusals is None:
        return []
    return [
        ["questions that the documents answer", refusals.answerable],
        ["questions that they do not", refusals.unanswerable],
        ["refused", refusals.refused],
        ["share of the refusals that are right (precision)", percent(refusals.precision)],
        ["share of the unanswerable that are refused (recall)", percent(refusals.recall)],
        ["share of the answerable that are refused", percent(refusals.false_refusals)],
    ]


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
            (float(place), measures[name].mean if name in measures else None)
            for place, name in enumerate(names)
        ]
        for stage, measures in results.retrieval.items()
        if any(name in measures for name in names)
    }
    if stages:
        ticks = [(float(place), str(budget)) for place, budget in enumerate(BUDGETS)]
        title = "Answer within the first characters of context, by stage"
        charts.append(line_chart("stage-recall", title, stages, "characters of context", ticks))
    seconds = [case.timings["total"] for case in cases if "total" in case.timings]
    if seconds:
        charts.append(histogram("latency", "Time of a question", seconds, results.seconds))
    return charts


def _changes(changes: Mapping[str, MeasureChange]) -> list[list[object]]:
    rows = []
    for name, change in changes.items():
        test = change.mcnemar
        difference = f"{change.difference:+.3f} ({change.low:+.3f} … {change.high:+.3f})"
        tested = ("–", "–", "–") if test is None else (test.gained, test.lost, number(test.p_value))
        rows.append([name, number(change.before), number(change.after), difference, change.count, *tested])
    return rows
