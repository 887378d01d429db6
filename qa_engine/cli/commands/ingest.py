"""``qa-engine ingest``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.display.progress import shown_progress
from qa_engine.cli.options import (
    CollectionOption,
    ConfigOption,
    JsonOption,
    OcrOption,
    ParserOption,
    PasswordOption,
    StorageOption,
    load_config,
    with_reading,
)
from qa_engine.cli.output import print_json, results

if TYPE_CHECKING:
    from qa_engine.ingestion.report import IngestReport

_TOLD = 0.05
"""Seconds of a stage that the summary mentions."""


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="PDF files, and folders that hold them.", show_default=False),
    ],
    collection: CollectionOption = None,
    storage: StorageOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove files that vanished from the given paths.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=256, help="Processes that read PDFs [default: as needed]."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Ray cluster that reads and embeds: auto, HOST:PORT, ray://HOST:PORT, or local to start one here.",
        ),
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(
            "--metadata", metavar="FILE", help="CSV with a column file, and what is noted about each file."
        ),
    ] = None,
    report_file: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write a line of JSON for each file: path, status, reason, …"
        ),
    ] = None,
    parser: ParserOption = None,
    ocr: OcrOption = None,
    password: PasswordOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Bring PDFs into a collection: new ones are added, changed ones replaced, unchanged ones skipped."""
    settings = with_reading(load_config(config), parser, ocr, password)
    from qa_engine.ingestion.ingest import ingest as run_ingest

    # Ray tells of lost workers on standard output, which belongs to the report.
    with (
        _opened_report(report_file) as lines,
        shown_progress(lines) as progress,
        redirect_stdout(sys.stderr),
    ):
        report = run_ingest(
            paths,
            storage,
            collection,
            settings,
            prune=prune,
            workers=workers,
            progress=progress,
            metadata=metadata,
            ray=ray,
        )
    if json:
        print_json(report.to_dict())
    else:
        _print_summary(report)
    raise typer.Exit(1 if report.failures else 0)


@contextmanager
def _opened_report(file: Path | None) -> Iterator[IO[str] | None]:
    """The file that gets a line of JSON for each file of the run.

    Raises:
        InputError: it cannot be written.
    """
    if file is None:
        yield None
        return
    from qa_engine.errors import InputError

    try:
        lines = file.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The report {file} cannot be written ({error.strerror or error}): name another file with --report."
        ) from error
    with lines:
        yield lines


def _print_summary(report: IngestReport) -> None:
    from rich.table import Table

    console = results()
    table = Table(title=f"Collection {report.collection}", title_justify="left")
    counts = ("added", "updated", "unchanged", "deleted")
    for name in (*counts, "failed", "pages", "sentences", "seconds"):
        table.add_column(name, justify="right")
    table.add_row(
        *(str(getattr(report, name)) for name in counts),
        str(len(report.failures)),
        str(report.pages),
        str(report.nodes),
        f"{report.seconds:.1f}",
    )
    console.print(table)
    spent = [f"{stage} {seconds:.1f} s" for stage, seconds in report.timings.items() if seconds >= _TOLD]
    if spent:
        console.print(f"time: {', '.join(spent)}", markup=False)
    if report.moved:
        console.print(f"moved: {report.moved} of those updated, which were not read again", markup=False)
    if report.duplicate:
        console.print(f"copies: {report.duplicate} of those added, which share sentences", markup=False)
    if report.vanished:
        console.print(
            f"gone: {report.vanished}, still in the collection; --prune takes them out", markup=False
        )
    for warning in report.warnings:
        console.print(f"warning: {warning}", markup=False)
    for failure in report.failures:
        console.print(f"failed ({failure.reason}): {failure.file}: {failure.message}", markup=False)
