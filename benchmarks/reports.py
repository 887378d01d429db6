"""Questions about annual reports: which page is found, which cell is quoted, whose report is cited.

    python benchmarks/reports.py make out/families
    python benchmarks/reports.py families
    python benchmarks/reports.py families --work out/families
    python benchmarks/reports.py pages financebench_open_source.jsonl pdfs

``families`` asks about reports of five invented firms for four years each, which the benchmark makes itself: alike in form,
different in figures and names, two pairs of firms with names that differ in a word. ``pages`` asks FinanceBench's questions,
or those of the families, for pages alone, stage by stage, with other frameworks beside.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import progress_console
from comparison import difference_report
from data_options import ConfigFile, Out, PeerNames, Seed, Stages
from families.family_set import QUESTIONS_FILE, SEED, make_set, read_questions
from families.judging import DEPTHS, as_results, failures, judge, summary
from families.questions import COUNTS
from peers import INSTALL, chosen_peers
from pipelines import embedding_model
from report import RESULTS, Report, measured_settings, publish
from report_pages import (
    BUDGET,
    RememberedEmbedding,
    ask_pages,
    our_searches,
    page_differences,
    page_report,
    peer_search,
    read_page_questions,
)
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
        ingest_once(sorted(folder.glob("*.pdf")), where, settings)
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


@app.command()
def pages(
    questions: Annotated[
        Path, typer.Argument(help="FinanceBench's JSONL, or questions.jsonl of the families.")
    ],
    pdfs: Annotated[Path, typer.Argument(help="Folder of the PDFs; questions about others are left out.")],
    storage: Annotated[
        Path | None, typer.Option(help="Index of these PDFs to use or to make; a temporary one unless given.")
    ] = None,
    peers: PeerNames = None,
    stages: Stages = True,
    max_questions: Annotated[
        int | None, typer.Option(min=1, help="Only the first ones, for a trial run.")
    ] = None,
    seed: Seed = SEED,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Pages that are found, over all files and with the right file given, stage by stage and with peers beside."""
    settings = Config.load(config)
    names, absent = chosen_peers(peers)
    files = sorted(pdfs.glob("*.pdf"))
    asked = read_page_questions(questions, [file.name for file in files])[:max_questions]
    with ExitStack() as stack:
        where = (
            storage
            or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qa-benchmark-"))) / _STORAGE
        )
        ingest_once(files, where, settings)
        embedding = RememberedEmbedding(embedding_model(settings))
        searches = dict(our_searches(where, settings, stages, stack))
        mine = len(searches)
        for name in names:
            progress_console.print(f"building {name}")
            searches[name] = peer_search(name, files, embedding)
        scores = ask_pages(searches, track(asked, "asking", console=progress_console, transient=True))
    left_out = f" Not installed and left out: {', '.join(absent)}; {INSTALL}" if absent else ""
    notes = [
        f"{len(files)} PDFs, {len(asked)} questions. Embedding {settings.embedding.model} for all.{left_out}",
        f"page@N: a passage among the first N covers a page of the answer; ≤{BUDGET}: one within the first {BUDGET}"
        " characters; file first: the first passage is from the right file. Sizes are means, white space not counted.",
    ]
    reports, results = [], {}
    for way, of_way in scores.items():
        reports.append(page_report(f"Pages, {way}: {questions.stem}", of_way, notes))
        found = page_differences(of_way[0], of_way[mine:], seed)
        if found:
            title = f"Difference to each peer, {way}: {questions.stem}"
            reports.append(difference_report(title, found, ["page@5", "page@10", f"≤{BUDGET}"], []))
        results[way] = {
            "pipelines": {one.name: one.summary() for one in of_way},
            "ranks": {one.name: one.ranks for one in of_way},
            "differences": [one.result() for one in found],
        }
    content = {"questions": [one.id for one in asked], "peers_left_out": absent, "ways": results}
    publish(
        out, f"reports-pages-{questions.stem}", reports, {**content, "settings": measured_settings(settings)}
    )


def ingest_once(files: Sequence[Path], storage: Path, config: Config) -> None:
    """Ingest into a storage that is not there yet.

    Raises:
        RuntimeError: a file failed.
    """
    if storage.exists():
        return
    progress_console.print(f"ingesting {len(files)} PDFs")
    report = ingest(list(files), storage=storage, config=config)
    if report.failures:
        raise RuntimeError(f"{len(report.failures)} files failed, first: {report.failures[0].message}")


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
