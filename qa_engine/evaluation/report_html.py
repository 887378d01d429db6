"""A run, or a comparison of two, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qa_engine.errors import StorageError
from qa_engine.evaluation.comparison import CaseChange, Comparison, MeasureChange
from qa_engine.evaluation.html.cases import answer_text, case_element, filters, outcome_table
from qa_engine.evaluation.html.charts import histogram, line_chart
from qa_engine.evaluation.html.elements import chinese, number, page, percent, section, table, text
from qa_engine.evaluation.judges.journal import latest_judgements, read_judgements
from qa_engine.evaluation.judges.summary import read_summary
from qa_engine.evaluation.ranking import BUDGETS
from qa_engine.evaluation.report_markdown import MEANINGS, shown
from qa_engine.evaluation.results import CaseResult, Figure, RefusalFigures, RunResults, read_run

HTML_REPORT, HTML_COMPARISON = "report.html", "comparison.html"


def write_html(run_dir: Path) -> Path:
    """Writes ``report.html`` into the folder of a run: figures, charts, and every case with its passages and verdicts.

    Returns:
        Its path.

    Raises:
        InputError: the folder holds no finished run.
        StorageError: the file cannot be written.
    """
    results, cases = read_run(run_dir)
    judged = latest_judgements(read_judgements(run_dir))
    title = f"Evaluation of {', '.join(results.manifest.collection)}"
    elements = "".join(case_element(case, judged.get(case.id, ())) for case in cases)
    content = "".join(
        (
            f"<header><h1>{text(title)}</h1>{_head(results)}</header><main>",
            section("outcomes", "Outcomes", outcome_table(cases) if cases else ""),
            section("answers", "Answers", _answers(results.answers)),
            section("judges", "Judges", _judges(read_summary(run_dir))),
            section("retrieval", "Retrieval", _retrieval(results.retrieval)),
            section("refusals", "Refusals", _refusals(results.refusals)),
            section("charts", "Charts", _charts(results, cases)),
            section("cases", "Cases", filters(cases), elements),
            "</main>",
        )
    )
    return _written(run_dir / HTML_REPORT, page(title, content))


def write_comparison_html(comparison: Comparison, out: Path) -> Path:
    """Writes ``comparison.html`` into a folder, made if missing: what changed, and the worst regressions first.

    Args:
        comparison: of two runs whose folders are where they were.
        out: the folder.

    Returns:
        The path of the file.

    Raises:
        InputError: a folder holds no finished run any more.
        StorageError: the file cannot be written.
    """
    before, after = Path(comparison.before), Path(comparison.after)
    old = {case.id: case for case in read_run(before)[1]}
    new = {case.id: case for case in read_run(after)[1]}
    judged = latest_judgements(read_judgements(after))
    changes = [*comparison.regressions, *reversed(comparison.improvements)]
    elements = "".join(
        case_element(
            new[change.id],
            judged.get(change.id, ()),
            f'<span class="{"bad" if change.change < 0 else "good"}">{change.change:+.3f}</span>',
            _both(change, old[change.id], new[change.id]),
        )
        for change in changes
    )
    settings = "".join(f"<li>{chinese(line)}</li>" for line in comparison.configuration)
    count = len(comparison.regressions)
    title = f"{comparison.before} → {comparison.after}"
    content = "".join(
        (
            f"<header><h1>{text(title)}</h1><p>{comparison.paired} questions have a result in both runs; "
            f"{comparison.only_before} have one in the first only, {comparison.only_after} in the second only. "
            f"{count} became worse, {len(comparison.improvements)} better.</p></header><main>",
            section(
                "settings", "Configuration", f"<ul>{settings}</ul>" if settings else "<p>Nothing differs.</p>"
            ),
            section("answers", "Answers", _changes("Answers", comparison.answers)),
            section("judges", "Judges", _changes("Judges", comparison.judgements)),
            section(
                "cases",
                "Cases that changed, the worst regressions first",
                filters([new[change.id] for change in changes]),
                elements or "<p>None.</p>",
            ),
            section(
                "retrieval",
                "Retrieval",
                *(_changes(f"Retrieval: {stage}", found) for stage, found in comparison.retrieval.items()),
            ),
            "</main>",
        )
    )
    return _written(out / HTML_COMPARISON, page(title, content))


def _head(results: RunResults) -> str:
    manifest = results.manifest
    failed = ", ".join(f"{count} {kind}" for kind, count in results.failures.items())
    facts = {
        "Questions": f"{results.cases}{f' of {manifest.questions_file}' if manifest.questions_file else ''}",
        "Failed": failed or "none",
        "Models": ", ".join(f"{role} {name}" for role, name in manifest.models.items()),
        "Seconds a question": ", ".join(f"{name} {value:.3f}" for name, value in results.seconds.items()),
        "Tokens": ", ".join(f"{kind} {count:,}" for kind, count in results.tokens.items()),
        "Configuration": manifest.fingerprint,
        "Finished": results.finished_at,
        "Version": manifest.version,
    }
    return "<dl>" + "".join(f"<dt>{k}</dt><dd>{chinese(v)}</dd>" for k, v in facts.items() if v) + "</dl>"


def _answers(figures: Mapping[str, Figure]) -> str:
    rows = [
        [text(name), text(shown(figure)), str(figure.count), text(MEANINGS.get(name, ""))]
        for name, figure in figures.items()
    ]
    return (
        table(
            "Measures of the answers, with 95 % intervals", ["measure", "mean", "questions", "meaning"], rows
        )
        if rows
        else ""
    )


def _judges(summary: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for item in summary:
        agreement = item.get("agreement") or {}
        rate = percent(item.get("passing_rate"))
        if item.get("low") is not None:
            rate += f" ({percent(item['low'])}–{percent(item['high'])})"
        kappa = number(agreement.get("kappa"), 2)
        if agreement.get("low") is not None:
            kappa += f" ({agreement['low']:.2f}–{agreement['high']:.2f}), n={agreement.get('compared')}"
        counts = [str(item.get(name, 0)) for name in ("judged", "unparsed", "errors")]
        skipped = ", ".join(f"{count} {reason}" for reason, count in (item.get("skipped") or {}).items())
        cells = [
            text(item["judge"]),
            rate,
            number(item.get("mean_score"), 2),
            *counts,
            text(skipped or "0"),
            kappa,
        ]
        rows.append([*cells, text(item.get("model", ""))])
    head = [
        "judge",
        "passed",
        "mean score",
        "judged",
        "unparsed",
        "errors",
        "skipped",
        "kappa with people",
        "model",
    ]
    return table("What language models judged, with 95 % intervals", head, rows) if rows else ""


def _retrieval(stages: Mapping[str, Mapping[str, Figure]]) -> str:
    names = list(dict.fromkeys(name for stage in stages.values() for name in stage))
    rows = [[text(name), *(text(shown(stage.get(name))) for stage in stages.values())] for name in names]
    return table("Retrieval by stage, with 95 % intervals", ["measure", *stages], rows) if rows else ""


def _refusals(refusals: RefusalFigures | None) -> str:
    if refusals is None:
        return ""
    rows = [
        ["questions that the documents answer", str(refusals.answerable)],
        ["questions that they do not", str(refusals.unanswerable)],
        ["refused", str(refusals.refused)],
        ["share of the refusals that are right (precision)", percent(refusals.precision)],
        ["share of the unanswerable that are refused (recall)", percent(refusals.recall)],
        ["share of the answerable that are refused", percent(refusals.false_refusals)],
    ]
    return table("Refusals", ["", ""], rows, True)


def _charts(results: RunResults, cases: Sequence[CaseResult]) -> str:
    found = []
    if results.refusals is not None and results.refusals.curve:
        curve = results.refusals.curve
        found.append(
            line_chart(
                "refusal-curve",
                "What refusing below a threshold would do",
                {
                    "unanswerable, refused": [(point.threshold, point.recall) for point in curve],
                    "answerable, refused": [(point.threshold, point.false_refusals) for point in curve],
                    "precision": [(point.threshold, point.precision) for point in curve],
                },
                "threshold of the probability",
                [(share / 4, f"{share / 4:g}") for share in range(5)],
            )
        )
    stages = {
        stage: [(float(place), figures[f"within_{budget}"].mean if f"within_{budget}" in figures else None)
                for place, budget in enumerate(BUDGETS)]
        for stage, figures in results.retrieval.items()
        if any(f"within_{budget}" in figures for budget in BUDGETS)
    }  # fmt: skip
    if stages:
        found.append(
            line_chart(
                "stage-recall",
                "Answer within the first characters of context, by stage",
                stages,
                "characters of context",
                [(float(place), str(budget)) for place, budget in enumerate(BUDGETS)],
            )
        )
    seconds = [case.timings["total"] for case in cases if "total" in case.timings]
    if seconds:
        found.append(histogram("latency", "Time of a question", seconds, results.seconds))
    return f'<div class="charts">{"".join(found)}</div>' if found else ""


def _changes(title: str, changes: Mapping[str, MeasureChange]) -> str:
    rows = []
    for name, change in changes.items():
        test = change.mcnemar
        rows.append(
            [text(name), number(change.before), number(change.after),
             f"{change.difference:+.3f} ({change.low:+.3f} … {change.high:+.3f})", str(change.count),
             *(("–", "–", "–") if test is None else (str(test.gained), str(test.lost), number(test.p_value)))]
        )  # fmt: skip
    head = ["measure", "first", "second", "difference", "questions", "gained", "lost", "p"]
    return table(title, head, rows) if rows else ""


def _both(change: CaseChange, old: CaseResult, new: CaseResult) -> str:
    rows = [[text(name), number(a), number(b)] for name, (a, b) in change.measures.items()]
    return (
        f'<div class="two"><div><h3>First</h3>{answer_text(old)}</div><div><h3>Second</h3>{answer_text(new)}</div></div>'
        + table("Measures that differ", ["measure", "first", "second"], rows)
    )


def _written(path: Path, content: str) -> Path:
    """Replaces the file as a whole: a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(content, encoding="utf-8", errors="replace")
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): name another folder."
        ) from error
    return path
