"""kill -9 at random instants of runs that write into a search engine: another machine goes on, and nothing is lost."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from changed_files import ChangedFiles
from chroma_process import ChromaProcess
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import ParsingInPlace, batches, ingest, ingest_run
from search_server import SearchCluster
from shared_collection import (
    check_published,
    cluster_variables,
    set_variables,
    shared_catalog,
    stored_in_cluster,
)

from qa_engine.config import Config
from qa_engine.ingestion.maintenance import reembedding
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild
from qa_engine.text.tokenizer import tokenize

HASH = HashEmbedding(model_name="hash")
OPERATIONS = ["add", "update", "move", "prune", "delete", "rebuild bm25", "rebuild embedding"]


def perform(operation: str, docs: Path, storage: Path) -> None:
    """The operation itself, after what it is about has been done to the files."""
    ingest_run.ParsingPool = ParsingInPlace  # type: ignore[misc, assignment]
    batches.MAX_BATCH_FILES = 2
    reembedding.BATCH_SENTENCES = 1
    what, _, part = operation.partition(" ")
    if what == "rebuild":
        rebuild(storage, part=part, config=Config.load(), embed_model=HASH)  # type: ignore[arg-type]
    elif what == "delete":
        catalog = shared_catalog(storage)
        doomed = [path for path in catalog.files() if Path(path).name.startswith("doomed")]
        catalog.close()
        if doomed:
            delete_files(doomed, storage, config=Config.load())
    else:
        ingest(docs, storage, prune=what == "prune")


def child(
    operation: str, docs: str, storage: str, host: str, variables: dict[str, str], ready: Connection
) -> None:
    os.environ.update(variables)  # the fork server has the environment of who asked it first
    if host:
        socket.gethostname = lambda: host  # nobody can look there whether this process still runs
    ready.send("ready")
    perform(operation, Path(docs), Path(storage))


class Library(ChangedFiles):
    """Files and what they say, changed by one operation after the other, each by another machine."""

    numbers = 10**9

    def __init__(self, root: Path, variables: dict[str, str], seed: int) -> None:
        docs = root / "docs"
        docs.mkdir()
        super().__init__(docs, seed)
        self.root, self.variables = root, variables
        self.machines = 0
        self.seconds = 1.0
        self.bring_in()

    def machine(self) -> Path:
        """The storage of a machine that knows nothing of the collection."""
        self.machines += 1
        return self.root / f"machine-{self.machines}"

    def bring_in(self) -> None:
        ingest(self.docs, self.machine())

    def kill(self, operation: str) -> bool:
        """Begins the operation in another process and kills it at some instant; whether it was still at work."""
        context = fork_server()
        receiver, sender = context.Pipe(duplex=False)
        host = self.chance.choice(["", "lost-machine"])
        process = context.Process(
            target=child,
            args=(operation, str(self.docs), str(self.machine()), host, self.variables, sender),
        )
        process.start()
        assert receiver.recv() == "ready"
        time.sleep(self.chance.uniform(0, self.seconds))
        process.kill()
        process.join()
        assert process.exitcode in {-signal.SIGKILL, 0}
        return process.exitcode != 0

    def complete(self, operation: str) -> None:
        started = time.monotonic()
        perform(operation, self.docs, self.machine())
        self.seconds = min(2.0, time.monotonic() - started)
        if operation.startswith(("rebuild", "delete")):
            # Neither looks at files: this settles what an interrupted run before may have left.
            ingest(self.docs, self.machine())

    def check(self) -> None:
        """Catalog, sentences, terms, contents and Chroma hold what the files say, once."""
        storage = self.machine()
        self.check_texts(stored_in_cluster(storage))
        catalog = shared_catalog(storage)
        lexical = catalog.open_lexical(Config.load().bm25)
        for name, lines in self.texts.items():
            number = lines[0].rpartition(" ")[2].rstrip(".")
            documents = {hit.node_id.rpartition("-")[0] for hit in lexical.search(tokenize(number), 50)}
            owners = {
                record.file_name for found in catalog.files_of(sorted(documents)).values() for record in found
            }
            assert owners == {name}
        catalog.close()


def kill_many_times(root: Path, variables: dict[str, str], seed: int, kills: int) -> None:
    library = Library(root, variables, seed)
    in_time = 0
    for _ in range(kills):
        operation = library.chance.choice(OPERATIONS)
        library.prepare(operation)
        in_time += library.kill(operation)
        check_published(library.machine())
        library.complete(operation)
        library.check()
    print(f"seed {seed}: {in_time} of {kills} were still at work when they were killed")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_hundred_kills(
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    search_servers: Callable[[str], SearchCluster],
    chroma_server: ChromaProcess,
) -> None:
    variables = cluster_variables(search_servers("opensearch-2"), chroma_server, f"k{secrets.token_hex(4)}")
    set_variables(monkeypatch, variables)
    monkeypatch.setattr(ingest_run, "ParsingPool", ParsingInPlace)
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 2)
    monkeypatch.setattr(reembedding, "BATCH_SENTENCES", 1)
    kill_many_times(tmp_path, variables, seed, kills=10)
