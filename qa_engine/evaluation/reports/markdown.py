"""A run, or a comparison of two, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qa_engine.evaluation.comparison import Comparison
from qa_engine.evaluation.metrics.summary import MEASURES
from qa_engine.evaluation.record_files import replace_file, write_json
from qa_engine.evaluation.records import CaseResult, RunResults
from qa_engine.evaluation.reports.template_engine import render

COMPARISON_JSON, COMPARISON_MARKDOWN = "comparison.json", "comparison.md"
_MAX_CASES = 20
_RETRIEVAL = (
    *("hit@1", "hit@10", "mrr@10", "ndcg@10", "within_300", "within_600", "within_1200", "within_2400"),
    *("page_hit@1", "page_hit@10"),
)


def run_report(results: RunResults, cases: Sequence[CaseResult]) -> str:
    """The metrics of a run, and the cases to look at first."""
    stages = results.retrieval.values()
    return render(
        "report.md.j2",
        results=results,
        manifest=results.manifest,
        measures=[name for name in _RETRIEVAL if any(name in stage for stage in stages)],
        retrievable=max((summary.count for stage in stages for summary in stage.values()), default=0),
        meanings=MEASURES,
        faults=_faults(cases),
        max_cases=_MAX_CASES,
    )


def comparison_report(comparison: Comparison) -> str:
    """The differences on the whole, then the worst regressions."""
    return render("comparison.md.j2", comparison=comparison, max_cases=_MAX_CASES)


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Writes ``comparison.json`` and ``comparison.md`` into a folder, made if missing.

    Raises:
        StorageError: they cannot be written.
    """
    write_json(out / COMPARISON_JSON, comparison.to_dict())
    replace_file(out / COMPARISON_MARKDOWN, comparison_report(comparison))


def _faults(cases: Sequence[CaseResult]) -> dict[str, list[tuple[str, str]]]:
    """The cases to look at first: by what is wrong with them, each question with a detail."""
    faults: dict[str, list[tuple[str, str]]] = {
        "Failed": [(case.question, case.failure.message) for case in cases if case.failure is not None],
        "Refused, though the documents answer": [
            (case.question, "; ".join(case.gold.answers))
            for case in cases
            if case.refused and case.gold.answerable
        ],
        "Answered, though the documents do not answer": [
            (case.question, case.answer or "")
            for case in cases
            if case.refused is False and not case.gold.answerable
        ],
        "Numbers that nothing cited holds": [
            (case.question, ", ".join(case.unsupported_numbers)) for case in cases if case.unsupported_numbers
        ],
        "Not found by retrieval": [
            (case.question, "; ".join(case.gold.answers))
            for case in cases
            if (ranking := case.stages.get("reranked")) is not None and ranking.rank is None
        ],
    }
    return {title: items for title, items in faults.items() if items}
