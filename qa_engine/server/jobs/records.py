"""Jobs and their files, as clients see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from qa_engine.index.records import Metadata
from qa_engine.ingestion.report import FileStatus

JobKind = Literal["ingest", "delete"]
JobState = Literal["queued", "running", "succeeded", "partly_failed", "failed", "cancelled", "interrupted"]
"""``interrupted``: the server ended meanwhile; when it starts again, the job is queued again."""
FileState = Literal["queued", "reading", "done", "failed", "cancelled"]
UNFINISHED: tuple[JobState, ...] = ("queued", "running", "interrupted")
_OVER: frozenset[JobState] = frozenset({"succeeded", "partly_failed", "failed", "cancelled"})
NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    "queued": frozenset[JobState]({"running"}) | _OVER,
    "running": frozenset[JobState]({"queued", "interrupted"}) | _OVER,
    "interrupted": frozenset[JobState]({"queued"}) | _OVER,
    **dict.fromkeys(_OVER, frozenset[JobState]()),
}
"""The states that may follow each state. A job that waits is over when it is cancelled, or has nothing left to do."""


@dataclass(frozen=True)
class FileTask:
    """What a job is to do with one file.

    Attributes:
        path: the path that it is recorded under in the catalog.
        name: its name, for people.
        sha256: of its content; empty for a file that is to be deleted.
        metadata: of an uploaded file; None keeps what the file of this name had before.
    """

    path: str
    name: str
    sha256: str = ""
    metadata: Metadata | None = None


class JobFile(BaseModel):
    """A file of a job.

    Attributes:
        name: its name.
        file_id: its id in the collection.
        state: what the job has done with it so far.
        status: what has become of it in the collection, once it is done.
        pages: the number of its pages, as soon as it is known.
        pages_read: how many of them are read.
        nodes: its sentences in the collection.
        reason: the stable name of the cause of a failure.
        message: a sentence about the failure.
    """

    name: str
    file_id: str
    state: FileState
    status: FileStatus | None = None
    pages: int = 0
    pages_read: int = 0
    nodes: int = 0
    reason: str | None = None
    message: str | None = None


class JobCounts(BaseModel):
    """How many files of a job are in each state."""

    queued: int = 0
    reading: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0


class Job(BaseModel):
    """A job.

    Attributes:
        id: names it.
        kind: whether files are brought in or taken out.
        collection: the name of the collection.
        state: see `JobState`.
        message: what it waits for, or why all of it failed.
        created_at, started_at, finished_at: times in UTC.
        counts: of its files, by state.
        files: its files.
        report: the outcome once it is over: what `ingest --json` or `delete --json` reports.
        cancellable: whether it can still be cancelled.
    """

    id: str
    kind: JobKind
    collection: str
    state: JobState
    message: str | None = None
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    counts: JobCounts
    files: list[JobFile]
    report: dict[str, Any] | None = None
    cancellable: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.state not in UNFINISHED


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job.

    Attributes:
        sequence: counts the events of a job from 1; the id of the event in a stream.
        kind: ``job``, ``file``, ``pages``, ``done`` or ``error``.
        data: what happened.
    """

    sequence: int
    kind: str
    data: Mapping[str, Any]


def counts_of(files: Sequence[JobFile]) -> JobCounts:
    """How many files are in each state."""
    return JobCounts.model_validate(Counter(file.state for file in files))


def final_state(files: Sequence[JobFile]) -> JobState:
    """The state of a job whose files have all been gone through."""
    states = Counter(file.state for file in files)
    if states["cancelled"]:
        return "cancelled"
    if not states["failed"]:
        return "succeeded"
    return "partly_failed" if states["done"] else "failed"


def report_of(
    kind: JobKind, collection: str, files: Sequence[JobFile], seconds: float, warnings: Sequence[str]
) -> dict[str, Any]:
    """The outcome of a job, in the words of the command that does the same.

    It is counted from the files, so it is right for a job that was interrupted and went on.
    """
    statuses = Counter(file.status for file in files if file.state == "done")
    failures = [
        {"file": file.name, "reason": file.reason, "message": file.message}
        for file in files
        if file.state == "failed"
    ]
    if kind == "delete":
        return {
            "collection": collection,
            "deleted": statuses["deleted"],
            "nodes": sum(file.nodes for file in files if file.state == "done"),
            "seconds": round(seconds, 3),
            "failures": failures,
        }
    read = [file for file in files if file.status in {"added", "updated"}]
    return {
        "collection": collection,
        "files": {
            "added": statuses["added"] + statuses["duplicate"],
            "updated": statuses["updated"],
            "unchanged": statuses["unchanged"],
            "deleted": 0,
            "failed": len(failures),
        },
        "duplicate": statuses["duplicate"],
        "pages": sum(file.pages for file in read),
        "nodes": sum(file.nodes for file in read),
        "seconds": round(seconds, 3),
        "failures": failures,
        "warnings": list(warnings),
    }
