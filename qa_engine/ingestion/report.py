"""What an ingest run did, for people and for machines; and the interface through which it shows progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from qa_engine.documents.pdf import PageReport


@dataclass(frozen=True)
class Failure:
    """A file that was not ingested, and why."""

    file: str
    reason: str
    message: str


@dataclass
class IngestReport:
    """The outcome of an ingest run.

    Attributes:
        collection: its name.
        added, updated, unchanged, deleted: numbers of files.
        failures: the files that could not be read; their earlier versions stay in the index.
        pages: pages of the files added and updated.
        nodes: sentence nodes of the files added and updated.
        seconds: duration of the run.
        warnings: what was ingested but needs a look, a sentence each.
    """

    collection: str
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failures: list[Failure] = field(default_factory=list)
    pages: int = 0
    nodes: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``ingest --json``."""
        return {
            "collection": self.collection,
            "files": {
                "added": self.added,
                "updated": self.updated,
                "unchanged": self.unchanged,
                "deleted": self.deleted,
                "failed": len(self.failures),
            },
            "pages": self.pages,
            "nodes": self.nodes,
            "seconds": round(self.seconds, 3),
            "failures": [asdict(failure) for failure in self.failures],
            "warnings": self.warnings,
        }


class IngestProgress:
    """Receives what an ingest run is doing. This base class shows nothing."""

    def stage(self, text: str) -> None:
        """A new stage began, or a model is being prepared."""

    def start(self, files: int) -> None:
        """So many files are to be read."""

    def sentences_done(self, done: int, total: int) -> None:
        """So many sentences of the present file are embedded."""

    def file_done(self, name: str, outcome: str) -> None:
        """A file is done; the outcome is ``added``, ``updated`` or the reason of a failure."""


def needs_ocr(page: PageReport) -> bool:
    """Whether OCR could read a page better."""
    return page.suspect or page.unread in {"no_text", "garbled"}


def doubtful_pages(file_name: str, pages: Sequence[PageReport]) -> Iterator[str]:
    """A sentence for each reason for which pages of a file gave no text, or text that reads like none."""
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
