"""What a reader opens in somebody's process: nothing of theirs is touched, and all of ours is closed again."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import chromadb
import pytest
from chromadb.api.rust import RustBindingsAPI
from chromadb.api.shared_system_client import SharedSystemClient
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.vector_stores.types import VectorStoreQuery
from pdf_factory import chinese_pdf, english_pdf
from processes import run_python

from qa_engine.config import Config, EmbeddingConfig
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader, IndexSnapshot, open_collections
from qa_engine.index.vectors.chroma_folder import open_chroma
from qa_engine.index.vectors.runtime import runtime

HASH = HashEmbedding(model_name="hash")
QUESTION = HASH.get_query_embedding("西湖的水面面积")


@pytest.fixture(autouse=True)
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    chinese_pdf(tmp_path / "docs" / "lake.pdf")
    return tmp_path / "docs"


@pytest.fixture
def storage(docs: Path, tmp_path: Path) -> Path:
    ingest(docs, tmp_path / "storage")
    return tmp_path / "storage"


@pytest.fixture
def reader(storage: Path) -> Iterator[IndexReader]:
    paths = collection_paths(storage, "default")
    with IndexReader(paths, Catalog(paths.catalog), index=Config().index) as opened:
        yield opened


def systems() -> int:
    """The systems of Chroma that are running in this process, whoever opened them."""
    return sum(isinstance(item, RustBindingsAPI) and hasattr(item, "bindings") for item in gc.get_objects())


def open_files(folder: Path) -> list[str]:
    """The files in a folder that this process has open or mapped into memory."""
    descriptors = Path("/proc/self/fd")
    named = [str(link.readlink()) for link in descriptors.iterdir() if link.is_symlink()]
    mapped = [line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    return sorted(name for name in {*named, *mapped} if name.startswith(str(folder)))


def publish(docs: Path, storage: Path, number: int) -> None:
    """A new state, published by this process."""
    english_pdf(docs / f"{number}.pdf", [f"Planet number {number} has a dense atmosphere of nitrogen."])
    ingest(docs, storage)


def names(snapshot: IndexSnapshot) -> set[str]:
    found = snapshot.store.query(VectorStoreQuery(query_embedding=QUESTION, similarity_top_k=50))
    return {node.metadata["file_name"] for node in found.nodes or []}


class TestHost:
    """The process has Chroma clients of its own."""

    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> chromadb.Collection:
        """A collection of the host in a folder of its own."""
        collection = chromadb.PersistentClient(str(tmp_path / "host")).create_collection("host")
        collection.add(ids=["a"], embeddings=[[1.0, 0.0]])
        return collection

    def test_clients_go_on_while_new_states_are_seen_and_after_the_reader_is_closed(
        self, docs: Path, storage: Path, elsewhere: chromadb.Collection, tmp_path: Path
    ) -> None:
        paths = collection_paths(storage, "default")
        client = chromadb.PersistentClient(str(paths.chroma))
        beside = client.create_collection("host")
        beside.add(ids=["b"], embeddings=[[0.0, 1.0]])
        known = dict(SharedSystemClient._identifier_to_system)
        settings = {name: value for name, value in os.environ.items() if "TELEMETRY" in name}

        def works() -> None:
            for collection, identifier in ((elsewhere, "a"), (beside, "b")):
                assert collection.query(query_embeddings=[[1.0, 0.0]], n_results=1)["ids"] == [[identifier]]
                collection.upsert(ids=[identifier], embeddings=[[0.5, 0.5]])
            assert chromadb.PersistentClient(str(tmp_path / "host")).get_collection("host").count() == 1
            assert client.get_collection("host").count() == 1
            assert known == SharedSystemClient._identifier_to_system
            assert settings == {name: value for name, value in os.environ.items() if "TELEMETRY" in name}

        with IndexReader(paths, Catalog(paths.catalog), index=Config().index) as reader:
            assert names(reader.snapshot()) == {"lake.pdf"}
            works()
            for number in range(3):
                publish(docs, storage, number)
                assert f"{number}.pdf" in names(reader.snapshot())
                works()
        works()

    def test_client_with_other_settings_does_not_keep_the_reader_out(self, storage: Path) -> None:
        paths = collection_paths(storage, "default")
        chromadb.PersistentClient(
            str(paths.chroma), settings=chromadb.Settings(anonymized_telemetry=False, allow_reset=True)
        )
        (reader,) = open_collections(storage, ["default"], EmbeddingConfig(), HASH)
        with reader:
            assert names(reader.snapshot()) == {"lake.pdf"}


class TestRelease:
    def test_replaced_states_are_released_when_no_question_uses_them(
        self, docs: Path, storage: Path, reader: IndexReader
    ) -> None:
        before = systems()
        reader.snapshot()
        assert systems() == before + 1
        for number in range(4):
            publish(docs, storage, number)
            reader.snapshot()
            assert systems() == before + 1
        used = reader.snapshot()
        publish(docs, storage, 5)
        reader.snapshot()
        assert systems() == before + 2
        assert "lake.pdf" in names(used)
        del used
        assert systems() == before + 1

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
    def test_closed_reader_keeps_nothing_open(self, docs: Path, storage: Path, reader: IndexReader) -> None:
        before = systems()
        snapshots = [reader.snapshot()]
        publish(docs, storage, 0)
        snapshots.append(reader.snapshot())
        assert names(snapshots[1]) == {"lake.pdf", "0.pdf"}
        assert open_files(storage)
        reader.close()
        del snapshots
        gc.collect()
        assert open_files(storage) == []
        assert systems() == before
        assert not [key for key in runtime.collections if key[0].is_relative_to(storage)]

    def test_readers_of_one_state_share_a_system_until_the_last_is_closed(self, storage: Path) -> None:
        before = systems()
        readers = [open_collections(storage, ["default"], EmbeddingConfig(), HASH)[0] for _ in range(3)]
        assert systems() == before + 1
        for reader in readers[:2]:
            reader.close()
        assert names(readers[2].snapshot()) == {"lake.pdf"}
        readers[2].close()
        assert systems() == before

    def test_collection_that_cannot_be_opened_leaves_no_system(self, tmp_path: Path) -> None:
        before = systems()
        with pytest.raises(StorageError):
            open_chroma(tmp_path / "chroma", 1)
        assert systems() == before

    def test_writers_leave_nothing_open(self, docs: Path, storage: Path) -> None:
        before = systems()
        publish(docs, storage, 0)
        (docs / "0.pdf").unlink()
        ingest(docs, storage, prune=True)
        gc.collect()
        assert systems() == before


class TestClosedReader:
    def test_says_so(self, reader: IndexReader) -> None:
        snapshot = reader.snapshot()
        reader.close()
        reader.close()
        told = r"closed, open the collection again\.$"
        with pytest.raises(StorageError, match=rf"'default' cannot be read: .* {told}"):
            reader.snapshot()
        for use in (
            lambda: names(snapshot),
            lambda: snapshot.store.sentences(["d-0000000"]),
            lambda: snapshot.bm25.search(["西湖"], 3),
            lambda: reader.catalog.files(),
        ):
            with pytest.raises(StorageError, match=told):
                use()

    def test_question_that_is_under_way_ends_or_is_told(self, reader: IndexReader) -> None:
        reader.snapshot()
        asked, ended = threading.Event(), []

        def ask() -> None:
            try:
                while True:
                    assert names(reader.snapshot()) == {"lake.pdf"}
                    asked.set()
            except StorageError as error:
                ended.append(str(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert asked.wait(60)
        reader.close()
        for thread in threads:
            thread.join(60)
        assert len(ended) == 4
        assert all("closed, open the collection again" in message for message in ended)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_that_lets_go_of_a_collection_neither_hangs_nor_stops_the_parents(storage: Path) -> None:
    run_python(
        "import os, sys, gc\n"
        "from pathlib import Path\n"
        "from qa_engine.index.vectors.chroma_folder import open_chroma\n"
        "folder = Path(sys.argv[1])\n"
        "collection = open_chroma(folder, 1)\n"
        "count = collection.count()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    del collection\n"
        "    gc.collect()\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert collection.count() == count\n",
        str(collection_paths(storage, "default").chroma),
    )
