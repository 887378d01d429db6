"""Questions about annual reports: which page is found, which cell is quoted, whose report is cited.

    python benchmarks/reports.py make out/families
    python benchmarks/reports.py families
    python benchmarks/reports.py families --work out/families

``families`` asks about reports of five invented firms for four years each, which the benchmark makes itself: alike in form,
different in figures and names, two pairs of firms with names that differ in a word.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import progress_console
from data_options import ConfigFile, Out, Seed
from families.family_set import QUESTIONS_FILE, SEED, make_set, read_questions
from families.judging import DEPTHS, as_results, failures, judge, summary
from families.questions import COUNTS
from report import RESULTS, Report, measured_settings, publish
from rich.progress import track

from qa_engine import Config, QueryEngine, ingest

app = typer.Typer(add_completion=False, help=__doc__)
_STORAGE = "storage"


@app.command()
def make(
    out: Annotated[Path, typer.Argument(help="Folder for the PDFs and questions.jsonl.")],
    seed: Seed = SEED,
) -> None:
    """Make the reports and the questions, and nothing else."""
    made = make_set(out, seed)
    typer.echo(f"{len(made.files)} PDFs, {made.pages} pages, {len(made.questions)} questions in {out}")


@app.command()
def families(
    work: Annotated[
        Path | None,
        typer.Option(
            help="Folder for PDFs and index; what is there already is used as it is.", show_default=False
        ),
    ] = None,
    storage: Annotated[Path | None, typer.Option(help="Where the index is, if not there.")] = None,
    questions_per_kind: Annotated[
        int | None, typer.Option(min=1, help="Only so many of each kind, for a trial run.")
    ] = None,
    seed: Seed = SEED,
    show_failures: Annotated[bool, typer.Option(help="A line for each question that went wrong.")] = False,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Cells, pages, citations and refusals over the reports of the invented firms."""
    settings = Config.load(config)
    counts = {kind: min(count, questions_per_kind or count) for kind, count in COUNTS.items()}
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qa-benchmark-")))
        if not (folder / QUESTIONS_FILE).exists():
            make_set(folder, seed, counts)
        questions = read_questions(folder / QUESTIONS_FILE)
        kept = [
            one
            for kind in counts
            for one in [other for other in questions if other.kind == kind][: counts[kind]]
        ]
        where = storage or folder / _STORAGE
        if not where.exists():
            progress_console.print("ingesting the reports")
            report = ingest(sorted(folder.glob("*.pdf")), storage=where, config=settings)
            if report.failures:
                raise RuntimeError(
                    f"{len(report.failures)} files failed, first: {report.failures[0].message}"
                )
        with QueryEngine.open(storage=where, config=settings) as engine:
            judged = [
                judge(engine, one) for one in track(kept, "asking", console=progress_console, transient=True)
            ]
    measured = summary(judged)
    if show_failures:
        progress_console.print("\n".join(failures(judged)), markup=False, highlight=False, soft_wrap=True)
    content: dict[str, Any] = {
        "seed": seed,
        "settings": measured_settings(settings),
        "kinds": measured,
        "judged": as_results(judged),
    }
    publish(out, "reports-families", [families_report(measured)], content)


def families_report(measured: dict[str, dict[str, float]]) -> Report:
    """The table of `families`."""
    shares = ["quoted", *(f"page@{depth}" for depth in DEPTHS), "wrong", "refused", "nearest"]
    rows = [
        [
            kind,
            str(int(row["questions"])),
            *(f"{row[share]:.3f}" for share in shares),
            f"{row['chars']:.0f}",
            f"{row['ms']:.0f}",
        ]
        for kind, row in measured.items()
    ]
    return Report(
        "Families of annual reports",
        ["kind", "questions", *shares, "characters", "ms"],
        rows,
        [
            "quoted: each cell that is asked for stands in a quote from a place where it stands. page@N: a page of each"
            " is among the first N passages. wrong: a report that does not hold it is cited, or another year's or"
            " firm's figure quoted.",
            "nearest: refusals that name what is nearest. characters: of all quotes of an answer.",
        ],
    )


if __name__ == "__main__":
    app()
