"""A comparison in Markdown, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qa_engine.errors import StorageError
from qa_engine.evaluation.comparison import CaseChange, Comparison, MeasureChange
from qa_engine.evaluation.report_html import write_comparison_html
from qa_engine.evaluation.report_markdown import table
from qa_engine.evaluation.run_folder import written_json

JSON_FILE, MARKDOWN_FILE = "comparison.json", "comparison.md"
_MOST_CASES = 20


def comparison_report(comparison: Comparison) -> str:
    """The comparison as a page: what changed on the whole, then the worst regressions."""
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
        parts.append(f"## Retrieval: {stage}\n\n{_measures(changes)}")
    if comparison.answers:
        parts.append(f"## Answers\n\n{_measures(comparison.answers)}")
    if comparison.judgements:
        parts.append(f"## Judged by a language model\n\n{_measures(comparison.judgements)}")
    if comparison.seconds:
        before, after = comparison.seconds["before"], comparison.seconds["after"]
        parts.append(f"Seconds a question, median: {before:.3f} → {after:.3f}.")
    parts.append(_cases("Worst regressions", comparison.regressions))
    parts.append(_cases("Best improvements", comparison.improvements))
    return "\n\n".join(parts) + "\n"


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Writes ``comparison.json``, ``comparison.md`` and ``comparison.html`` into a folder, made if missing.

    Raises:
        StorageError: they cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / JSON_FILE).write_text(written_json(comparison.to_dict()), encoding="utf-8", errors="replace")
        (out / MARKDOWN_FILE).write_text(comparison_report(comparison), encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(
            f"{out} cannot be written ({error.strerror or error}): name another folder with --out."
        ) from error
    write_comparison_html(comparison, out)


def _measures(changes: Mapping[str, MeasureChange]) -> str:
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
    return table(["", "first", "second", "difference", "questions", "gained", "lost", "p"], rows)


def _cases(title: str, changes: Sequence[CaseChange]) -> str:
    if not changes:
        return f"## {title}\n\nNone."
    parts = [f"## {title}"]
    for change in changes[:_MOST_CASES]:
        measures = ", ".join(f"{name} {a:.2f} → {b:.2f}" for name, (a, b) in change.measures.items())
        lines = [f"- **{_line(change.question)}** ({change.change:+.3f}: {measures})"]
        if change.before != change.after:
            lines += [
                f"  - first: {_line(change.before or '–')}",
                f"  - second: {_line(change.after or '–')}",
            ]
        parts.append("\n".join(lines))
    if len(changes) > _MOST_CASES:
        parts.append(f"… and {len(changes) - _MOST_CASES} more.")
    return "\n\n".join(parts)


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:200] + "…"
