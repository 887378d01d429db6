"""Children of ``os.fork`` whose parent has used a collection: they answer, or say at once why they cannot."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import chromadb
import pytest
from chroma_process import URL_VARIABLE, ChromaProcess
from chromadb.api.shared_system_client import SharedSystemClient
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine
from qa_engine.errors import StorageError
from qa_engine.forks import RenewedLock
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors.runtime import ChromaRuntime
from qa_engine.models.runtime.turns import Turns

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
HASH = HashEmbedding(model_name="hash")
QUESTION = "雷峰塔有多高？"
_DONE = 7


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "docs" / "西湖.pdf")
    return tmp_path / "storage"


def start_child(work: Callable[[], bool]) -> int:
    """A forked child, which ends with `_DONE` if the work returns True; it is killed after some seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        code = 1
        try:
            code = _DONE if work() else 2
        finally:
            os._exit(code)
    return child


def ended_well(child: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _DONE


def refuses(work: Callable[[], object]) -> Callable[[], bool]:
    """Whether the work says that the collection has to be opened after the fork."""

    def attempt() -> bool:
        try:
            work()
        except StorageError as error:
            return "open the collection after the fork" in str(error)
        return False

    return attempt


def test_embedded_chroma_says_that_it_cannot_be_used_in_a_child(storage: Path) -> None:
    """Before, four of four children waited for ever."""
    ingest(storage.parent / "docs", storage)

    def opened() -> QueryEngine:
        return QueryEngine.open(storage, embed_model=HASH)

    with opened() as engine:
        before = [node.text for node in engine.retrieve(QUESTION)]
        assert ended_well(start_child(refuses(lambda: engine.retrieve(QUESTION))))
        assert ended_well(start_child(refuses(opened)))
        assert ended_well(
            start_child(refuses(lambda: ingest(storage.parent / "docs", storage.parent / "another")))
        )
        assert [node.text for node in engine.retrieve(QUESTION)] == before
    assert ended_well(start_child(refuses(opened)))  # also if the parent has closed it


def test_a_child_whose_parent_only_imported_chroma_may_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SharedSystemClient, "_identifier_to_system", {})  # those of other tests count, too
    runtime = ChromaRuntime()
    other = start_child(lambda: runtime.start() is None)
    runtime.start()
    assert ended_well(start_child(refuses(runtime.start)))
    assert ended_well(other)


def test_clients_of_the_host_count(tmp_path: Path) -> None:
    runtime = ChromaRuntime()
    client = chromadb.PersistentClient(str(tmp_path / "host"))
    assert ended_well(start_child(refuses(runtime.start)))
    assert client.list_collections() == []


def test_an_engine_on_a_server_answers_in_children_and_in_the_parent(
    storage: Path, chroma_server: ChromaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, chroma_server.url)
    ingest(storage.parent / "docs", storage)
    with QueryEngine.open(storage, embed_model=HASH) as engine:
        before = [node.text for node in engine.retrieve(QUESTION)]

        def answers() -> bool:
            return all([node.text for node in engine.retrieve(QUESTION)] == before for _ in range(5))

        children = [start_child(answers) for _ in range(3)]
        assert answers()
        assert [ended_well(child) for child in children] == [True] * 3


def test_files_are_opened_anew_and_locks_are_free(storage: Path) -> None:
    ingest(storage.parent / "docs", storage)
    catalog = Catalog(collection_paths(storage, "default").catalog)
    lock, held, release = RenewedLock(), threading.Event(), threading.Event()
    turns = Turns(1)

    def hold() -> None:
        with lock, turns, catalog._lock:
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    inherited = catalog._connection

    def reads() -> bool:
        with lock, turns:
            names = [record.file_name for record in catalog.files().values()]
        mine = catalog._connection is not inherited
        catalog.close()
        return mine and names == ["西湖.pdf"]

    assert ended_well(start_child(reads))
    release.set()
    holder.join()
    assert len(catalog.files()) == 1
    catalog.close()
