"""kill -9 at random instants of ingesting, deleting and rebuilding: the same again completes it, and doctor is content."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from changed_files import ChangedFiles
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import URL_VARIABLE, ParsingInPlace, batches, ingest, ingest_run, stored_files

from qa_engine.diagnosis.doctor import diagnose
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader
from qa_engine.ingestion.maintenance import reembedding
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild

HASH = HashEmbedding(model_name="hash")
OPERATIONS = [
    "add",
    "update",
    "move",
    "prune",
    "delete",
    "rebuild bm25",
    "rebuild embedding",
    "rebuild vectors",
]
_LONGEST = 0.6
"""Seconds that an operation takes here, about."""


def perform(operation: str, docs: Path, storage: Path) -> None:
    """The operation itself, after what it is about has been done to the files."""
    ingest_run.ParsingPool = ParsingInPlace
    batches.MAX_BATCH_FILES = 2
    reembedding.BATCH_SENTENCES = 1
    what, _, part = operation.partition(" ")
    if what == "rebuild":
        rebuild(storage, part=part, embed_model=HASH)  # type: ignore[arg-type]
    elif what == "delete":
        catalog = Catalog(collection_paths(storage, "default").catalog)
        doomed = [path for path in catalog.files() if Path(path).name.startswith("doomed")]
        catalog.close()
        if doomed:
            delete_files(doomed, storage)
    else:
        ingest(docs, storage, prune=what == "prune")


def child(operation: str, docs: str, storage: str, ready: Connection) -> None:
    os.environ.pop(URL_VARIABLE, None)  # the fork server has the environment of who asked it first
    ready.send("ready")
    perform(operation, Path(docs), Path(storage))


class Library(ChangedFiles):
    """Files and what they say, changed by one operation after the other."""

    def __init__(self, docs: Path, storage: Path, seed: int) -> None:
        super().__init__(docs, seed)
        self.storage = storage
        self.bring_in()

    def bring_in(self) -> None:
        ingest(self.docs, self.storage)

    def kill(self, operation: str) -> None:
        """Begins the operation in another process and kills it at some instant."""
        context = fork_server()
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=child, args=(operation, str(self.docs), str(self.storage), sender))
        process.start()
        assert receiver.recv() == "ready"
        time.sleep(self.chance.uniform(0, _LONGEST))
        process.kill()
        process.join()
        assert process.exitcode in {-signal.SIGKILL, 0}

    def check_readers(self) -> None:
        """The published state is whole, whatever has been going on."""
        paths = collection_paths(self.storage, "default")
        catalog = Catalog(paths.catalog)
        snapshot = IndexReader(paths, catalog).snapshot()
        for document_id in snapshot.bm25.document_ids:
            assert catalog.files_of([document_id])[document_id]
            document = catalog.document(document_id)
            assert document is not None
            ids = [f"{document_id}-{ordinal:07d}" for ordinal in range(document.nodes)]
            assert set(snapshot.store.sentences(ids)) == set(ids)
        catalog.close()

    def check(self) -> None:
        """Catalog, Chroma and BM25 hold what the files say, once; doctor finds nothing."""
        self.check_texts(stored_files(self.storage))
        found = diagnose(self.storage, embed_model=HASH)
        wrong = [check for check in found.checks if check.status == "failed" and check.check != "disk_space"]
        assert wrong == []


def kill_many_times(docs: Path, storage: Path, seed: int, kills: int) -> None:
    library = Library(docs, storage, seed)
    for _ in range(kills):
        operation = library.chance.choice(OPERATIONS)
        library.prepare(operation)
        library.kill(operation)
        library.check_readers()
        perform(operation, docs, storage)
        if operation.startswith(("rebuild", "delete")):
            # Neither looks at files: this settles what an interrupted run before may have left.
            ingest(docs, storage)
        library.check()


@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.parametrize("seed", range(2))
def test_a_few_kills(seed: int, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 2)
    monkeypatch.setattr(reembedding, "BATCH_SENTENCES", 1)
    kill_many_times(docs, storage, seed, kills=4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_hundred_kills(seed: int, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 2)
    monkeypatch.setattr(reembedding, "BATCH_SENTENCES", 1)
    kill_many_times(docs, storage, seed, kills=10)
