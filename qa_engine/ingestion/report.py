"""The report of an ingest run, for people and for machines, and the interface through which a run shows progress."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from qa_engine.documents.pages.annotations.attachments import clauses
from qa_engine.documents.parsed_pdf import LeftOut, PageReport

FileStatus = Literal["added", "updated", "unchanged", "moved", "duplicate", "vanished", "deleted", "failed"]
"""The outcome of a run for a file: ``duplicate`` is new and has the content of another file, ``vanished`` is gone and still
in the collection, ``deleted`` is gone from both."""


@dataclass(frozen=True)
class FileResult:
    """The outcome of a run for one file.

    Attributes:
        path: the path of the file.
        status: see `FileStatus`.
        reason: the reason of a failure, see `DocumentError`; the former path of a file that was moved; else empty.
        message: a sentence about a failure.
        pages: the number of pages of the file as it is in the collection.
        nodes: sentences of the file in the collection.
        seconds: spent on the file, including its share of what was done for several files at once.
        left_out: what was not read of a file that was read now: headers, footers, numbers, figures, attached files.
    """

    path: str
    status: FileStatus
    reason: str = ""
    message: str = ""
    pages: int = 0
    nodes: int = 0
    seconds: float = 0.0
    left_out: Sequence[LeftOut] = ()

    def to_dict(self) -> dict[str, Any]:
        """One line of the report for machines."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Failure:
    """A file that was not ingested, and why."""

    file: str
    reason: str
    message: str


def utc_now() -> str:
    """The present moment in UTC, as the catalog records it (ISO 8601, whole seconds)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


_Item = TypeVar("_Item")


class StageClock:
    """Adds up the seconds that each stage of a run takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Adds the time spent inside to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def each(self, stage: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """The items; the time until each of them comes is added to a stage."""
        iterator = iter(items)
        while True:
            with self(stage):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item


@dataclass
class IngestReport:
    """The outcome of an ingest run.

    Attributes:
        collection: its name.
        added, updated, unchanged, deleted, vanished: numbers of files, see `FileStatus`.
        moved: how many of those updated are merely in another place.
        duplicate: how many of those added have the content of another file, and share its nodes.
        pages: pages of the files added and updated.
        nodes: sentence nodes of the files added and updated.
        seconds: duration of the run.
        timings: seconds by stage. ``loading`` is for libraries, model and index. Files are parsed and embedded beside the
            other stages; ``waiting for parsing`` and ``embedding`` are what that did not hide.
        failures: the files that could not be read; their earlier versions stay in the index.
        warnings: a sentence about each thing that was ingested and needs attention.
    """

    collection: str
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    moved: int = 0
    duplicate: int = 0
    vanished: int = 0
    deleted: int = 0
    pages: int = 0
    nodes: int = 0
    seconds: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def count(self, result: FileResult) -> None:
        """Counts a file."""
        if result.status == "failed":
            self.failures.append(Failure(result.path, result.reason, result.message))
            return
        setattr(self, result.status, getattr(self, result.status) + 1)
        if result.status == "duplicate":
            self.added += 1
        if result.status == "moved":
            self.updated += 1

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``ingest --json``."""
        values = asdict(self)
        files = {name: values.pop(name) for name in ("added", "updated", "unchanged", "deleted")}
        return {
            "collection": values.pop("collection"),
            "files": {**files, "failed": len(self.failures)},
            **values,
            "seconds": round(self.seconds, 3),
            "timings": {stage: round(seconds, 3) for stage, seconds in self.timings.items()},
        }


class IngestProgress:
    """Receives what an ingest run is doing, and can stop it. This base class shows nothing and stops nothing."""

    def stopped(self) -> bool:
        """Whether the run is to end at the next page. It is asked often, and from other threads.

        A run that is stopped returns its report: files that are done stay, the file in work leaves no trace, and the other
        ones are not counted.
        """
        return False

    def stage(self, text: str) -> None:
        """A new stage began, or a model is being prepared."""

    def start(self, files: int) -> None:
        """So many files are to be read."""

    def pages_read(self, path: str, done: int, of: int) -> None:
        """So many pages of a file are read. Called from another thread, and not for readers of the caller or on Ray."""

    def sentences_done(self, done: int, total: int) -> None:
        """So many sentences of the files at hand are embedded and stored."""

    def document_done(self, document_id: str) -> None:
        """A rebuild is done with a document."""

    def file_done(self, result: FileResult) -> None:
        """A file is done, as it is in the collection from now on; also called for files that needed nothing."""


def needs_ocr(page: PageReport) -> bool:
    """Whether OCR could read a page better."""
    return page.suspect or page.unread in {"no_text", "garbled"}


def doubtful_pages(file_name: str, pages: Sequence[PageReport]) -> Iterator[str]:
    """A sentence about attached files, and one for each reason why pages gave no text, or text that reads like none."""
    for clause in clauses(entry for page in pages for entry in page.left_out):
        yield f"{file_name}: {clause}."
    reasons: dict[tuple[bool, str], list[PageReport]] = {}
    for page in pages:
        if page.unread is not None or page.suspect:
            reasons.setdefault((page.suspect, page.doubts[-1] if page.doubts else ""), []).append(page)
    for (suspect, clause), doubtful in reasons.items():
        numbers = _ranges([page.number for page in doubtful])
        many = f"page {numbers}" if len(doubtful) == 1 else f"pages {numbers}"
        what = "taken with doubt" if suspect else "left out"
        yield f"{file_name}: {many} of {len(pages)} {what}: {clause}."


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as 1, 3–5, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)
