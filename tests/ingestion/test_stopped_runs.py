"""Runs that say how many pages are read, and that are stopped: finished files stay, the one in work leaves no trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest, stored_files
from pdf_factory import SOLAR_SYSTEM, PdfBuilder, english_pdf

from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.ingestion.reading import batches
from qa_engine.ingestion.report import FileResult, IngestProgress

HASH = HashEmbedding(model_name="hash")


class Stopping(IngestProgress):
    """Notes what it is told, and stops the run at some call."""

    def __init__(self, stop_at: str = "", count: int = 1) -> None:
        self.pages: list[tuple[str, int, int]] = []
        self.done: list[str] = []
        self._stop_at = stop_at
        self._count = count

    def stopped(self) -> bool:
        return self._count <= 0

    def _note(self, call: str) -> None:
        self._count -= call == self._stop_at

    def pages_read(self, path: str, done: int, of: int) -> None:
        self.pages.append((Path(path).name, done, of))
        self._note("pages_read")

    def sentences_done(self, done: int, total: int) -> None:
        self._note("sentences_done")

    def file_done(self, result: FileResult) -> None:
        self.done.append(Path(result.path).name)
        self._note("file_done")


def long_pdf(path: Path, pages: int) -> None:
    builder = PdfBuilder()
    for number in range(pages):
        builder.page().lines([f"This is the page with the number {number} of {path.stem}."])
    builder.save(path)


def unfinished(storage: Path) -> list[tuple[str, int]]:
    catalog = Catalog(collection_paths(storage, "default").catalog)
    found = catalog.unfinished()
    catalog.close()
    return found


def test_pages_are_counted_while_a_file_is_read(docs: Path, storage: Path) -> None:
    long_pdf(docs / "long.pdf", 10)
    english_pdf(docs / "short.pdf", SOLAR_SYSTEM)
    progress = Stopping()
    ingest(docs, storage, progress=progress, workers=1)
    assert progress.pages == [
        ("long.pdf", 4, 10),
        ("long.pdf", 8, 10),
        ("long.pdf", 10, 10),
        ("short.pdf", 1, 1),
    ]


def test_run_is_stopped_between_the_pages_of_a_file(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 1)
    english_pdf(docs / "a.pdf", SOLAR_SYSTEM)
    ingest(docs, storage)
    long_pdf(docs / "b.pdf", 40)
    long_pdf(docs / "c.pdf", 40)
    progress = Stopping("pages_read", 3)
    report = ingest(docs, storage, progress=progress, workers=1)
    assert progress.pages[-1][1] < 40
    assert (report.added, report.unchanged, report.failures, report.vanished) == (0, 1, [], 0)
    assert list(stored_files(storage)) == ["a.pdf"]
    assert unfinished(storage) == []
    assert ingest(docs, storage).added == 2


@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.parametrize(("call", "count"), [("sentences_done", 1), ("file_done", 1)])
def test_run_is_stopped_while_files_are_stored(
    call: str, count: int, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 1)
    for name in "abc":
        english_pdf(docs / f"{name}.pdf", [f"The sentence number {n} of {name} is here." for n in range(200)])
    progress = Stopping(call, count)
    report = ingest(docs, storage, progress=progress)
    assert report.added == len(progress.done) < 3
    assert list(stored_files(storage)) == progress.done
    assert unfinished(storage) == []
    assert ingest(docs, storage).unchanged == len(progress.done)


@pytest.mark.usefixtures("parsed_in_place")
def test_run_that_is_stopped_before_it_begins_changes_nothing(docs: Path, storage: Path) -> None:
    english_pdf(docs / "a.pdf", SOLAR_SYSTEM)
    ingest(docs, storage)
    english_pdf(docs / "b.pdf", SOLAR_SYSTEM[:1])
    (docs / "a.pdf").unlink()
    report = ingest(docs, storage, progress=Stopping(count=0), prune=True)
    assert (report.added, report.deleted) == (0, 0)
    assert list(stored_files(storage)) == ["a.pdf"]
