"""Readers of a collection that other processes write to."""

from __future__ import annotations

import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.vector_stores.types import VectorStoreQuery
from pdf_factory import chinese_pdf, english_pdf
from processes import run_python_forked

from qa_engine.config import Config
from qa_engine.errors import CollectionNotFoundError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader, IndexSnapshot
from qa_engine.text.tokenizer import tokenize

INGEST = """
import sys
from pathlib import Path
from ingest_process import ParsingInPlace, ingest, ingest_run
ingest_run.ParsingPool = ParsingInPlace
ingest(Path(sys.argv[1]), Path(sys.argv[2]), prune=True)
"""


pytestmark = pytest.mark.usefixtures("vector_place")
BOTH = pytest.mark.parametrize("vector_place", ["folder", "server"], indirect=True)


@pytest.fixture(autouse=True)
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return tmp_path / "docs"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


def ingest_elsewhere(docs: Path, storage: Path) -> None:
    """Ingests in another process."""
    done = run_python_forked(INGEST, str(docs), str(storage))
    assert done.returncode == 0, done.stderr


def reader_of(storage: Path) -> IndexReader:
    paths = collection_paths(storage, "default")
    return IndexReader(paths, Catalog(paths.catalog), index=Config.load().index)


def found(snapshot: IndexSnapshot, question: str) -> tuple[set[str], set[str]]:
    """The names of the files that the dense and the lexical retriever find."""
    vector = HashEmbedding(model_name="hash").get_query_embedding(question)
    dense = snapshot.store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=3))
    lexical = snapshot.store.sentences(
        [hit.node_id for hit in snapshot.bm25.search(tokenize(question), top_k=3)]
    )
    return (
        {node.metadata["file_name"] for node in dense.nodes or []},
        {node.metadata["file_name"] for node in lexical.values()},
    )


def test_snapshot_is_the_same_until_something_is_published(
    docs: Path, storage: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qa_engine.index")
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    first = reader.snapshot()
    ingest(docs, storage)
    assert reader.snapshot() is first
    english_pdf(docs / "b.pdf")
    ingest(docs, storage)
    assert reader.snapshot().published == first.published + 1
    assert [message for message in caplog.messages if "is read in its published state" in message] == [
        f"the collection default is read in its published state {number} (before: {before})"
        for number, before in ((first.published, "none"), (first.published + 1, first.published))
    ]


def test_reader_sees_what_another_process_published_without_being_opened_again(
    docs: Path, storage: Path
) -> None:
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    question = "a dense atmosphere of nitrogen"
    assert found(reader.snapshot(), question)[1] == set()
    english_pdf(docs / "planets.pdf")
    ingest_elsewhere(docs, storage)
    dense, lexical = found(reader.snapshot(), question)
    assert "planets.pdf" in dense
    assert lexical == {"planets.pdf"}
    (docs / "planets.pdf").unlink()
    ingest_elsewhere(docs, storage)
    assert found(reader.snapshot(), question) == ({"lake.pdf"}, set())


@BOTH
def test_old_snapshot_goes_on_answering_while_a_new_one_is_published(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    old = reader.snapshot()
    english_pdf(docs / "planets.pdf")
    ingest(docs, storage)
    reader.snapshot()
    assert found(old, "西湖的水面面积")[1] == {"lake.pdf"}


def test_many_threads_read_while_another_process_writes(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    for number in range(8):
        english_pdf(docs / f"{number}.pdf", [f"Planet number {number} has a dense atmosphere of nitrogen."])
    done = threading.Event()

    def ask(_: int) -> int:
        asked = 0
        while not done.is_set() or asked == 0:
            dense, lexical = found(reader.snapshot(), "西湖的水面面积约为多少")
            assert lexical == {"lake.pdf"}
            assert "lake.pdf" in dense
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, number) for number in range(4)]
        try:
            ingest_elsewhere(docs, storage)
        finally:
            done.set()
        assert all(future.result(timeout=60) > 0 for future in asking)
    assert len(found(reader.snapshot(), "a dense atmosphere of nitrogen")[1]) > 1


def test_all_threads_get_one_snapshot(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    with ThreadPoolExecutor(8) as pool:
        snapshots = list(pool.map(lambda _: reader.snapshot(), range(32)))
    assert len({id(snapshot) for snapshot in snapshots}) == 1


def test_collection_that_was_never_completed_is_refused(storage: Path) -> None:
    paths = collection_paths(storage, "default")
    paths.root.mkdir(parents=True)
    Catalog(paths.catalog, create=True).close()
    with pytest.raises(StorageError, match="never completed"):
        reader_of(storage).snapshot()


def test_collection_whose_parts_were_deleted_is_refused(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    shutil.rmtree(collection_paths(storage, "default").bm25)
    with pytest.raises(StorageError, match="qa-engine ingest"):
        reader_of(storage).snapshot()
    assert ingest(docs, storage).unchanged == 1
    assert reader_of(storage).snapshot().bm25.search(tokenize("西湖"), 3)


def test_deleted_collection_is_noticed(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    reader.snapshot()
    shutil.rmtree(storage)
    with pytest.raises(CollectionNotFoundError, match="was deleted"):
        reader.snapshot()


def test_collection_that_was_deleted_and_made_again_is_read_afresh(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    reader = reader_of(storage)
    reader.snapshot()
    shutil.rmtree(storage)
    (docs / "lake.pdf").unlink()
    english_pdf(docs / "planets.pdf")
    ingest_elsewhere(docs, storage)
    assert found(reader.snapshot(), "a dense atmosphere of nitrogen") == ({"planets.pdf"}, {"planets.pdf"})
    assert [record.file_name for record in reader.catalog.files().values()] == ["planets.pdf"]


def test_empty_collection_is_read(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    (docs / "a.pdf").unlink()
    ingest(docs, storage, prune=True)
    assert found(reader_of(storage).snapshot(), "西湖") == (set(), set())
