"""The progress and the summary of a command that changes a collection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.progress import Progress, TaskID

from qa_engine.cli.display.progress import progress_bar
from qa_engine.cli.output import plural, print_message, print_table, results
from qa_engine.ingestion.report import FileResult, IngestProgress, IngestReport
from qa_engine.text.control_characters import dump_json

_MIN_SECONDS = 0.05
"""Shorter stages are left out of the summary."""


@contextmanager
def ingest_progress(lines: IO[str] | None = None) -> Iterator[IngestProgress]:
    """Shows the progress of a run on standard error: its stages, the files that fail and, on a terminal, a bar.

    Args:
        lines: gets a line of JSON for each file.
    """
    with progress_bar() as bar:
        yield _ProgressDisplay(bar, lines)


class _ProgressDisplay(IngestProgress):
    def __init__(self, bar: Progress, lines: IO[str] | None) -> None:
        self._bar = bar
        self._lines = lines
        self._task: TaskID | None = None

    def stage(self, text: str) -> None:
        print_message(text)

    def start(self, files: int) -> None:
        print_message(f"{plural(files, 'file')} to go through")
        self._task = self._bar.add_task("files", total=files)

    def sentences_done(self, done: int, total: int) -> None:
        self._update(0, f"files ({done} of {total} sentences of this one)")

    def document_done(self, document_id: str) -> None:
        self._update(1, "documents")

    def file_done(self, result: FileResult) -> None:
        if self._lines is not None:
            self._lines.write(dump_json(result.to_dict()) + "\n")
            self._lines.flush()
        if result.status == "failed":
            print_message(f"{result.path}: {result.reason}")
        if result.status not in {"unchanged", "vanished", "deleted"}:
            self._update(1, "files")

    def _update(self, advance: int, description: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, advance=advance, description=description)


def show_summary(report: IngestReport) -> None:
    """Prints the outcome of an ingest run on standard output."""
    cells = {
        "added": str(report.added),
        "updated": str(report.updated),
        "unchanged": str(report.unchanged),
        "deleted": str(report.deleted),
        "failed": str(len(report.failures)),
        "pages": str(report.pages),
        "sentences": str(report.nodes),
        "seconds": f"{report.seconds:.1f}",
    }
    title = f"Collection {report.collection}"
    print_table(cells, [cells.values()], numbers=cells, title=title, title_justify="left")
    for line in _remarks(report):
        results().print_line(line)


def _remarks(report: IngestReport) -> Iterator[str]:
    stages = [f"{stage} {time:.1f} s" for stage, time in report.timings.items() if time >= _MIN_SECONDS]
    if stages:
        yield f"time: {', '.join(stages)}"
    if report.moved:
        yield f"moved: {report.moved} of the updated files; they were not read again"
    if report.duplicate:
        yield f"copies: {report.duplicate} of the added files; they share sentences with other files"
    if report.vanished:
        yield f"gone: {report.vanished}, still in the collection; --prune removes them"
    yield from (f"warning: {warning}" for warning in report.warnings)
    for failure in report.failures:
        yield f"failed ({failure.reason}): {failure.file}: {failure.message}"
