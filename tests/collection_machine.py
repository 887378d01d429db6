"""Additions, changes, moves, copies, deletions, crashes and runs in any order: what is reported is what is stored."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ingest_process import PARSING_POOL, ParsingInPlace, ingest, stored_files
from pdf_factory import english_pdf

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.ingestion.reading import batches
from qa_engine.ingestion.report import IngestReport

NAMES = ["a.pdf", "b.pdf", "deep/c.pdf", "deep/er/d.pdf"]
CONTENTS = {
    f"content {n}": [f"This is content {n}.", *(f"Line {line} of it." for line in range(n))] for n in range(4)
}
WRITES: list[tuple[type, str]] = [
    (Catalog, "begin"),
    (Catalog, "commit"),
    (Catalog, "link"),
    (Catalog, "remove"),
    (Catalog, "touch"),
    (Catalog, "forget"),
    (Catalog, "publish"),
    (SentenceVectorStore, "add"),
    (SentenceVectorStore, "delete_sentences"),
    (Bm25Folder, "add"),
    (Bm25Folder, "write_manifest"),
    (Bm25Folder, "delete_others"),
]


class Crash(BaseException):
    """The process is gone: nothing is written any more."""


class crashing:  # noqa: N801 - reads as what it does
    """From the given write on, counted over all kinds of them, every write fails."""

    def __init__(self, at: int, before: bool, writes: Sequence[tuple[type, str]]) -> None:
        self._left = at
        self._before = before
        self._writes = writes
        self._originals: list[tuple[type, str, Callable[..., Any]]] = []

    def __enter__(self) -> None:
        for owner, name in self._writes:
            original = getattr(owner, name)
            self._originals.append((owner, name, original))
            setattr(owner, name, self._failing(original))

    def __exit__(self, *_: object) -> None:
        for owner, name, original in self._originals:
            setattr(owner, name, original)

    def _failing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and self._before):
                raise Crash
            result = original(*arguments, **options)
            if self._left == 0:
                raise Crash
            return result

        return write


class Collection(RuleBasedStateMachine):
    """Files on a disk, and what the catalog should say of them. The collection is in a storage."""

    writes: Sequence[tuple[type, str]] = WRITES

    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="qa-machine-"))
        self.docs, self.storage = self.root / "docs", self.root / "storage"
        self.disk: dict[str, str] = {}
        self.recorded: dict[str, str] = {}
        self.pool = {
            name: english_pdf(self.root / "pool" / f"{name}.pdf", lines, header=None).read_bytes()
            for name, lines in CONTENTS.items()
        }
        (self.docs / "deep" / "er").mkdir(parents=True)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root, ignore_errors=True)

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from(sorted(CONTENTS)))
    def write(self, name: str, content: str) -> None:
        (self.docs / name).write_bytes(self.pool[content])
        self.disk[name] = content

    @precondition(lambda self: self.disk)
    @rule(data=st.data(), place=st.sampled_from(NAMES))
    def move(self, data: st.DataObject, place: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.disk)))
        (self.docs / name).replace(self.docs / place)
        self.disk[place] = self.disk.pop(name)

    @precondition(lambda self: self.disk)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.disk)))
        (self.docs / name).unlink()
        del self.disk[name]

    @precondition(lambda self: self.disk)
    @rule(prune=st.booleans(), together=st.sampled_from([1, 2, 64]))
    def ingest(self, prune: bool, together: int) -> None:
        batches.MAX_BATCH_FILES = together
        report = self.run(prune)
        assert report.failures == []
        expected, moved = self.after_a_run(prune)
        assert report.moved == moved
        new = set(self.disk) - set(self.recorded)
        assert report.added == len(new) - moved
        kept = set(self.disk) & set(self.recorded)
        assert report.updated - moved == sum(self.disk[name] != self.recorded[name] for name in kept)
        assert report.updated + report.unchanged - moved == len(kept)
        gone = len(self.recorded) - len(kept) - moved
        assert (report.deleted, report.vanished) == ((gone, 0) if prune else (0, gone))
        self.recorded = expected
        self.check()

    def run(self, prune: bool) -> IngestReport:
        return ingest(self.docs, self.storage, prune=prune)

    def after_a_run(self, prune: bool) -> tuple[dict[str, str], int]:
        """The files that the catalog should name after a run, with their contents, and how many were moved."""
        left = dict(self.recorded)
        moved = 0
        for name in sorted(set(self.disk) - set(self.recorded)):
            former = [old for old in sorted(left) if old not in self.disk and left[old] == self.disk[name]]
            if former:
                del left[former[0]]
                moved += 1
        if prune:
            left = {}
        return {**left, **self.disk}, moved

    def check(self) -> None:
        """The nodes that are stored are those of the files."""
        stored = self.stored()
        assert sorted(stored) == sorted(Path(name).name for name in self.recorded)
        for name, content in self.recorded.items():
            assert stored[Path(name).name].replace(" ", "") == "".join(CONTENTS[content]).replace(" ", "")

    def stored(self) -> dict[str, str]:
        """The names of the files with their texts; catalog, Chroma and BM25 hold the same nodes."""
        paths = collection_paths(self.storage, "default")
        with closing(self.catalog()) as catalog:
            assert Bm25Folder(paths.bm25).load(catalog.published).document_ids == set(
                catalog.live_documents()
            )
        return stored_files(self.storage)

    def catalog(self) -> Catalog:
        return Catalog(collection_paths(self.storage, "default").catalog, create=True)

    def reader(self, catalog: Catalog) -> IndexReader:
        return IndexReader(collection_paths(self.storage, "default"), catalog)

    @precondition(lambda self: self.disk)
    @rule(
        instants=st.lists(st.tuples(st.integers(1, 14), st.booleans()), min_size=1, max_size=3),
        prune=st.booleans(),
        together=st.sampled_from([1, 64]),
    )
    def crash(self, instants: list[tuple[int, bool]], prune: bool, together: int) -> None:
        batches.MAX_BATCH_FILES = together
        for at, before in instants:
            self.crash_once(at, before, prune)

    def crash_once(self, at: int, before: bool, prune: bool) -> None:
        old, (new, _) = self.recorded, self.after_a_run(prune)
        try:
            with crashing(at, before, self.writes):
                self.run(prune)
        except Crash:
            pass
        catalog = self.catalog()
        self.recorded = {}
        for path, record in catalog.files().items():
            name = Path(path).relative_to(self.docs).as_posix()
            (content,) = [key for key, lines in CONTENTS.items() if len(lines) == record.nodes]
            assert content in {old.get(name), new.get(name)}
            self.recorded[name] = content
        self.readers_are_served(catalog)
        catalog.close()

    def readers_are_served(self, catalog: Catalog) -> None:
        """Every document of the published state has all its nodes."""
        if catalog.published == 0:
            return
        snapshot = self.reader(catalog).snapshot()
        for document_id in snapshot.bm25.document_ids:
            document = catalog.document(document_id)
            assert document is not None
            ids = [node_id(document_id, ordinal) for ordinal in range(document.nodes)]
            assert len(snapshot.store.sentences(ids)) == document.nodes
            assert catalog.files_of([document_id])[document_id]


def run_machine(
    machine: type[Collection], monkeypatch: pytest.MonkeyPatch, examples: int, steps: int, phases: list[Phase]
) -> None:
    """Runs a machine, with parsing in this process."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 64)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
