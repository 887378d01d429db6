"""``qa-engine judge``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import ConfigOption, JsonOption, load_config
from qa_engine.cli.output import print_json
from qa_engine.documents.files import open_regular
from qa_engine.errors import InputError
from qa_engine.evaluation import require_packages
from qa_engine.evaluation.commands import print_sentence, print_table

if TYPE_CHECKING:
    from qa_engine.config import Config
    from qa_engine.evaluation.judges.agreement import Agreement
    from qa_engine.evaluation.judges.run import Judge
    from qa_engine.evaluation.judges.summary import JudgeReport, JudgeSummary


def judge(
    run: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that qa-engine evaluate wrote.", show_default=False)
    ],
    judges: Annotated[
        list[str] | None,
        typer.Option(
            "--judge",
            metavar="NAME",
            help="faithfulness, relevancy, correctness, guideline, similarity or pairwise; may be given several times "
            "[default: the first three; pairwise with --against].",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="LABELS.jsonl",
            help='Labels by people: lines such as {"id": "q1", "judge": "faithfulness", "label": true}.',
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="DIR", help="Another run of the same questions, for pairwise."),
    ] = None,
    guidelines: Annotated[
        Path | None,
        typer.Option("--guidelines", metavar="FILE", help="One guideline a line, for guideline."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="The judging model [default: llm.model].")
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=256, help="Most requests at a time.")
    ] = 4,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Have a language model judge the answers of an evaluation. What is judged already is not asked again."""
    require_packages()

    from qa_engine.cli.display.progress import counted_progress
    from qa_engine.evaluation.judges.agreement import read_labels
    from qa_engine.evaluation.judges.run import DEFAULT_JUDGES
    from qa_engine.evaluation.judges.run import judge as judge_run
    from qa_engine.evaluation.reports.html import write_html

    names = judges or (["pairwise"] if against is not None else list(DEFAULT_JUDGES))
    if against is not None and "pairwise" not in names:
        raise InputError(f"--against is for the judge pairwise, and {', '.join(names)} was asked for.")
    if guidelines is not None and "guideline" not in names:
        raise InputError(f"--guidelines is for the judge guideline, and {', '.join(names)} was asked for.")
    human_labels = read_labels(labels) if labels is not None else ()
    settings = load_config(config)
    if model is not None:
        settings = settings.model_copy(update={"llm": settings.llm.model_copy(update={"model": model})})
    with counted_progress("judging") as progress:
        report = judge_run(
            run,
            _build(names, settings, _read_guidelines(guidelines) if guidelines is not None else None),
            against=against,
            labels=human_labels,
            concurrency=concurrency,
            progress=progress,
        )
    page = write_html(run)
    if json:
        print_json({"run": str(run), **report.to_dict()})
    else:
        _show(run, report, page)
    if report.errors:
        raise typer.Exit(1)


def _build(names: Sequence[str], settings: Config, guidelines: list[str] | None) -> list[Judge]:
    from qa_engine.evaluation.judges.run import JUDGES, build_judge
    from qa_engine.models.embedding import build_embedding
    from qa_engine.models.llm import build_llm

    if unknown := [name for name in names if name not in JUDGES]:
        raise InputError(f"There is no judge {unknown[0]!r}: choose among {', '.join(JUDGES)}.")
    llm = build_llm(settings.llm) if any(name != "similarity" for name in names) else None
    embedding = build_embedding(settings.embedding) if "similarity" in names else None
    return [build_judge(name, llm, embedding, guidelines) for name in dict.fromkeys(names)]


def _read_guidelines(path: Path) -> list[str]:
    try:
        with open_regular(path) as file:
            lines = [line.strip() for line in file.read().decode("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The guidelines in {path} cannot be read: {error}.") from None
    if not any(lines):
        raise InputError(f"There is no guideline in {path}.")
    return [line for line in lines if line]


def _show(run: Path, report: JudgeReport, page: Path) -> None:
    from qa_engine.evaluation.judges.judgements import JUDGEMENTS
    from qa_engine.evaluation.reports.template_engine import number

    rows = [
        [
            item.judge,
            item.model,
            str(item.judged),
            _rate(item),
            number(item.mean_score, 2),
            str(item.unparsed),
            str(item.errors),
            ", ".join(f"{count} {reason}" for reason, count in sorted(item.skipped.items())) or "0",
            _kappa(item.agreement),
        ]
        for item in report.summaries
    ]
    header = ["judge", "model", "judged", "passed", "mean", "unparsed", "errors", "skipped", "kappa"]
    print_table(header, rows, left_aligned=2)
    print_sentence(f"{report.asked} requests were sent; the verdicts are in {run / JUDGEMENTS} and {page}.")


def _rate(summary: JudgeSummary) -> str:
    if summary.passing_rate is None:
        return "–"
    return f"{summary.passing_rate:.1%} ({summary.low:.1%}–{summary.high:.1%})"


def _kappa(agreement: Agreement | None) -> str:
    if agreement is None or agreement.agreed is None:
        return "–"
    if agreement.kappa is None:
        return f"undefined, {agreement.agreed:.0%} of {agreement.compared} agree"
    interval = "" if agreement.low is None else f" ({agreement.low:.2f}–{agreement.high:.2f})"
    return f"{agreement.kappa:.2f}{interval}, n={agreement.compared}"
