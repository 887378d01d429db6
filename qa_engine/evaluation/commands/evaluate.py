"""``qa-engine evaluate``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionsOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, print_message
from qa_engine.errors import InputError
from qa_engine.evaluation import require_packages
from qa_engine.evaluation.commands import print_sentence, print_table

if TYPE_CHECKING:
    from qa_engine.evaluation.comparison import Comparison
    from qa_engine.evaluation.records import RunResults

_SHOWN_MEASURES = ("hit@1", "hit@10", "mrr@10", "within_600", "page_hit@1")


def evaluate(
    questions: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="QUESTIONS.jsonl",
            help="Labelled questions; with --compare, the folders of two evaluations.",
            show_default=False,
        ),
    ] = None,
    collection: CollectionsOption = None,
    storage: StorageOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the results; one that broke off is taken up again."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only the first so many questions.")
    ] = None,
    retrieval_only: Annotated[
        bool, typer.Option("--retrieval-only", help="Measure retrieval, and make no answers.")
    ] = False,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            min=1,
            max=64,
            help="Questions at once [default: 4 with a language model, else 1].",
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Compare two evaluations.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask questions whose answers are known, and measure retrieval, answers, citations and refusals; or compare two runs."""
    require_packages()
    paths = questions or []
    if compare:
        _compare(paths, out, json)
        return
    if len(paths) != 1:
        raise InputError(f"Name one file of questions, not {len(paths)}; two folders go with --compare.")
    if out is None:
        raise InputError("Name a folder for the results with --out.")
    settings = load_config(config)

    from qa_engine.cli.display.progress import counted_progress
    from qa_engine.evaluation.run import evaluate as run_evaluation

    with counted_progress("asking") as progress:
        run_results = run_evaluation(
            paths[0],
            out,
            storage=storage,
            collection=collection or None,
            config=settings,
            limit=limit,
            retrieval_only=retrieval_only,
            concurrency=concurrency,
            progress=progress,
            on_message=print_message,
        )
    if json:
        print_json(asdict(run_results))
    else:
        _show(run_results, out)
    if run_results.failures:
        raise typer.Exit(1)


def _compare(folders: list[Path], out: Path | None, as_json: bool) -> None:
    from qa_engine.evaluation.comparison import compare
    from qa_engine.evaluation.reports.html import write_comparison_html
    from qa_engine.evaluation.reports.markdown import write_comparison

    if len(folders) != 2:
        raise InputError(f"--compare takes the folders of two evaluations, not {len(folders)}.")
    comparison = compare(*folders)
    if out is not None:
        write_comparison(comparison, out)
        write_comparison_html(comparison, out)
    if as_json:
        print_json(comparison.to_dict())
    else:
        _show_comparison(comparison, out)


def _show(run_results: RunResults, out: Path) -> None:
    from qa_engine.evaluation.reports.template_engine import number

    stages = run_results.retrieval
    if stages:
        rows = [
            [name, *(number(stage[name].mean) if name in stage else "" for stage in stages.values())]
            for name in _SHOWN_MEASURES
            if any(name in stage for stage in stages.values())
        ]
        print_table(["", *stages], rows, title="retrieval")
    if run_results.answers:
        rows = [[name, number(item.mean), str(item.count)] for name, item in run_results.answers.items()]
        print_table(["", "mean", "questions"], rows, title="answers")
    refusals = run_results.refusals
    if refusals is not None and refusals.recall is not None:
        print_sentence(f"refusals: precision {number(refusals.precision)}, recall {number(refusals.recall)}")
    failed = sum(run_results.failures.values())
    print_sentence(f"{run_results.cases} questions, {failed} failed; the report is in {out}.")


def _show_comparison(comparison: Comparison, out: Path | None) -> None:
    reranked = comparison.retrieval.get("reranked", {})
    changes = {f"reranked {name}": change for name, change in reranked.items()}
    rows = [
        [
            name,
            f"{change.before:.3f}",
            f"{change.after:.3f}",
            f"{change.difference:+.3f}",
            f"{change.low:+.3f} … {change.high:+.3f}",
            "" if change.mcnemar is None else f"{change.mcnemar.p_value:.3f}",
        ]
        for name, change in {**changes, **comparison.answers, **comparison.judgements}.items()
    ]
    print_table(["", "first", "second", "difference", "95 % interval", "p"], rows)
    where = f"; the report is in {out}" if out is not None else ""
    print_sentence(
        f"{comparison.paired} questions in both, {len(comparison.regressions)} worse, "
        f"{len(comparison.improvements)} better{where}."
    )
    for case in comparison.regressions[:5]:
        print_sentence(f"worse: {case.question} ({case.change:+.3f})")
