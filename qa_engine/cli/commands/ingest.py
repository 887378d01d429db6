"""``qa-engine ingest``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import (
    CollectionOption,
    ConfigOption,
    JsonOption,
    OcrOption,
    ParserOption,
    PasswordOption,
    StorageOption,
    load_config,
    with_reading_options,
)
from qa_engine.cli.output import print_json

if TYPE_CHECKING:
    from qa_engine.config import Config
    from qa_engine.ingestion.report import IngestProgress, IngestReport


def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH...",
            help="Files (PDF, Office, HTML, text, mail), and folders that hold them.",
            show_default=False,
        ),
    ] = None,
    collection: CollectionOption = None,
    storage: StorageOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove files that no longer exist in the given paths.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, max=256, help="Number of processes that read files [default: as needed]."
        ),
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
            "--metadata", metavar="FILE", help="CSV with a column named file, and a column for each key."
        ),
    ] = None,
    uploads: Annotated[
        bool,
        typer.Option(
            "--uploads", help="Read the files again that came over HTTP, if they would be read otherwise now."
        ),
    ] = False,
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
    """Ingest documents into a collection.

    New files are added, changed files are replaced, unchanged files are skipped.
    """
    settings = with_reading_options(load_config(config), parser, ocr, password)
    from qa_engine.cli.display.ingestion import ingest_progress, show_summary
    from qa_engine.ingestion.ingest import ingest as run_ingest

    # Ray reports lost workers on standard output, which belongs to the report.
    with _report(report_file) as lines, ingest_progress(lines) as progress, redirect_stdout(sys.stderr):
        if uploads:
            report = _ingest_uploads(settings, storage, collection, workers, progress, paths)
        else:
            report = run_ingest(
                paths or [],
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
        show_summary(report)
    raise typer.Exit(1 if report.failures else 0)


def _ingest_uploads(
    settings: Config,
    storage: Path | None,
    collection: str | None,
    workers: int | None,
    progress: IngestProgress,
    paths: Sequence[Path] | None,
) -> IngestReport:
    from qa_engine.errors import InputError
    from qa_engine.ingestion.ingest import ingest_uploads

    if paths:
        raise InputError(f"--uploads takes no PATH, and {paths[0]} was given: run the command once for each.")
    return ingest_uploads(None, storage, collection, settings, workers=workers, progress=progress)


def _report(file: Path | None) -> AbstractContextManager[IO[str] | None]:
    """The file that gets a line of JSON for each file of the run.

    Raises:
        InputError: it cannot be written.
    """
    from qa_engine.errors import InputError
    from qa_engine.index.disk.atomic_file import open_private

    try:
        return nullcontext() if file is None else open_private(file, "w", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The report {file} cannot be written ({error.strerror or error}): name another file with --report."
        ) from error
