"""A run, or a comparison of two, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qa_engine.evaluation.comparison import CaseChange, Comparison, MeasureChange
from qa_engine.evaluation.metrics.summary import MEASURES
from qa_engine.evaluation.records import CaseResult, MetricSummary, RefusalSummary, RunResults
from qa_engine.evaluation.run_folder import json_text, replace_file

COMPARISON_JSON, COMPARISON_MARKDOWN = "comparison.json", "comparison.md"
_MAX_CASES = 20
_MAX_CHARS = 200
_RETRIEVAL = (
    "hit@1",
    "hit@10",
    "mrr@10",
    "ndcg@10",
    "within_300",
    "within_600",
    "within_1200",
    "within_2400",
    "page_hit@1",
    "page_hit@10",
)


def run_report(results: RunResults, cases: Sequence[CaseResult]) -> str:
    """The metrics of a run, and the cases to look at first."""
    parts = [_head(results)]
    if results.retrieval:
        parts.append(_retrieval(results.retrieval))
    if results.answers:
        parts.append("## Answers\n\n" + _metrics(results.answers))
    if results.judgements:
        parts.append("## Judged by a language model\n\n" + _metrics(results.judgements))
    if results.refusals is not None:
        parts.append(_refusals(results.refusals))
    parts.append(_cost(results))
    parts += _cases(cases)
    return "\n\n".join(part for part in parts if part) + "\n"


def comparison_report(comparison: Comparison) -> str:
    """The differences on the whole, then the worst regressions."""
    parts = [
        f"# {comparison.before} → {comparison.after}\n\n{comparison.paired} questions have a result in both; "
        f"{comparison.only_before} of the first and {comparison.only_after} of the second have none in the other. "
        "Difference: second − first, with its 95 % paired bootstrap interval. Gained and lost: questions that only the "
        "second, or only the first, got right; p: McNemar's exact test of the two. Of twenty measures, one has p < 0.05 by "
        "chance."
    ]
    settings = "\n".join(f"- {line}" for line in comparison.configuration)
    parts.append("## Configuration\n\n" + (settings or "No setting, model or document differs."))
    for stage, changes in comparison.retrieval.items():
        parts.append(f"## Retrieval: {stage}\n\n{_changes(changes)}")
    if comparison.answers:
        parts.append(f"## Answers\n\n{_changes(comparison.answers)}")
    if comparison.judgements:
        parts.append(f"## Judged by a language model\n\n{_changes(comparison.judgements)}")
    if comparison.seconds:
        before, after = comparison.seconds["before"], comparison.seconds["after"]
        parts.append(f"Seconds a question, median: {before:.3f} → {after:.3f}.")
    parts.append(_changed_cases("Worst regressions", comparison.regressions))
    parts.append(_changed_cases("Best improvements", comparison.improvements))
    return "\n\n".join(parts) + "\n"


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Writes ``comparison.json`` and ``comparison.md`` into a folder, made if missing.

    Raises:
        StorageError: they cannot be written.
    """
    replace_file(out / COMPARISON_JSON, json_text(comparison.to_dict()))
    replace_file(out / COMPARISON_MARKDOWN, comparison_report(comparison))


def with_interval(summary: MetricSummary | None) -> str:
    """A mean with its interval, to three places."""
    if summary is None:
        return ""
    interval = f" ({summary.low:.3f}–{summary.high:.3f})" if summary.low is not None else ""
    return f"{summary.mean:.3f}{interval}"


def _head(results: RunResults) -> str:
    manifest = results.manifest
    models = ", ".join(f"{role} {name}" for role, name in manifest.models.items())
    failed = sum(results.failures.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in results.failures.items())
    lines = [
        f"# Evaluation of {', '.join(manifest.collection)}",
        "",
        f"{results.cases} questions{f' of {manifest.questions_file}' if manifest.questions_file else ''}, "
        f"{failed} failed{f' ({kinds})' if kinds else ''}. {models}. Configuration {manifest.fingerprint}, "
        f"{results.finished_at}.",
        "",
        "In brackets: 95 % bootstrap interval of the mean.",
    ]
    return "\n".join(lines)


def _retrieval(stages: Mapping[str, Mapping[str, MetricSummary]]) -> str:
    measured = [name for name in _RETRIEVAL if any(name in stage for stage in stages.values())]
    rows = [[name, *(with_interval(stage.get(name)) for stage in stages.values())] for name in measured]
    count = max((summary.count for stage in stages.values() for summary in stage.values()), default=0)
    return (
        f"## Retrieval\n\n{_table(['', *stages], rows)}\n\n"
        f"{count} questions whose answer can be found by its text or its page. within_N: an answer is within the first N "
        "characters of context; page_hit@k: one of the first k passages is on the gold page."
    )


def _metrics(summaries: Mapping[str, MetricSummary]) -> str:
    rows = [
        [name, with_interval(summary), str(summary.count), MEASURES.get(name, "")]
        for name, summary in summaries.items()
    ]
    return _table(["", "mean", "questions", "meaning"], rows, ["meaning"])


def _refusals(refusals: RefusalSummary) -> str:
    parts = [
        f"## Refusals\n\n{refusals.answerable} questions that the documents answer, {refusals.unanswerable} that they do "
        f"not; {refusals.refused} refused. Precision {_share(refusals.precision)}, recall {_share(refusals.recall)}; "
        f"{_share(refusals.false_refusals)} of the answerable ones were refused."
    ]
    if refusals.curve and refusals.unanswerable:
        rows = [
            [
                f"{point.threshold:.2f}",
                _share(point.precision),
                _share(point.recall),
                _share(point.false_refusals),
            ]
            for point in refusals.curve
        ]
        parts.append(
            "What refusing below a threshold of the probability would do:\n\n"
            + _table(["threshold", "precision", "recall", "answerable, refused"], rows)
        )
    return "\n\n".join(parts)


def _cost(results: RunResults) -> str:
    sentences = []
    if results.seconds:
        sentences.append(
            f"Seconds a question: p50 {results.seconds['p50']:.3f}, p95 {results.seconds['p95']:.3f}."
        )
    if results.tokens:
        sentences.append(
            "Tokens as reported: " + ", ".join(f"{kind} {n:,}" for kind, n in results.tokens.items()) + "."
        )
    return "## Cost\n\n" + " ".join(sentences) if sentences else ""


def _cases(cases: Sequence[CaseResult]) -> list[str]:
    """The cases to look at first, by what is wrong with them."""
    kinds = {
        "Failed": [
            (case, case.failure.message if case.failure else "") for case in cases if case.failure is not None
        ],
        "Refused, though the documents answer": [
            (case, "; ".join(case.gold.answers)) for case in cases if case.refused and case.gold.answerable
        ],
        "Answered, though the documents do not answer": [
            (case, case.answer or "") for case in cases if case.refused is False and not case.gold.answerable
        ],
        "Numbers that nothing cited holds": [
            (case, ", ".join(case.unsupported_numbers)) for case in cases if case.unsupported_numbers
        ],
        "Not found by retrieval": [
            (case, "; ".join(case.gold.answers))
            for case in cases
            if (ranking := case.stages.get("reranked")) is not None and ranking.rank is None
        ],
    }
    parts = []
    for title, faults in kinds.items():
        if faults:
            more = f"\n- … and {len(faults) - _MAX_CASES} more" if len(faults) > _MAX_CASES else ""
            lines = "\n".join(
                f"- {_line(case.question)} — {_line(detail)}" for case, detail in faults[:_MAX_CASES]
            )
            parts.append(f"## {title}\n\n{lines}{more}")
    return parts


def _changes(changes: Mapping[str, MeasureChange]) -> str:
    rows = []
    for name, change in changes.items():
        test = change.mcnemar
        rows.append(
            [
                name,
                f"{change.before:.3f}",
                f"{change.after:.3f}",
                f"{change.difference:+.3f} ({change.low:+.3f} … {change.high:+.3f})",
                str(change.count),
                "" if test is None else str(test.gained),
                "" if test is None else str(test.lost),
                "" if test is None else f"{test.p_value:.3f}",
            ]
        )
    return _table(["", "first", "second", "difference", "questions", "gained", "lost", "p"], rows)


def _changed_cases(title: str, changes: Sequence[CaseChange]) -> str:
    if not changes:
        return f"## {title}\n\nNone."
    parts = [f"## {title}"]
    for change in changes[:_MAX_CASES]:
        measures = ", ".join(f"{name} {a:.2f} → {b:.2f}" for name, (a, b) in change.measures.items())
        lines = [f"- **{_line(change.question)}** ({change.change:+.3f}: {measures})"]
        if change.before != change.after:
            lines += [
                f"  - first: {_line(change.before or '–')}",
                f"  - second: {_line(change.after or '–')}",
            ]
        parts.append("\n".join(lines))
    if len(changes) > _MAX_CASES:
        parts.append(f"… and {len(changes) - _MAX_CASES} more.")
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[str] = ()) -> str:
    """A Markdown table, the first column and those of ``words`` to the left, the others to the right."""
    sides = ["---", *("---" if name in words else "---:" for name in head[1:])]
    lines = [head, sides, *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_CHARS else line[:_MAX_CHARS] + "…"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
