"""A collection that moves into a search engine and back: it holds and answers the same, wherever it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collection_content import HASH, QUESTIONS, answers_of, content_of, difference, said
from ingest_process import stored_files
from pdf_factory import chinese_pdf, english_pdf, llama_paper

from qa_engine import QueryEngine, ingest
from qa_engine.config import Config
from qa_engine.errors import (
    CollectionNotFoundError,
    ConfigurationError,
    ServiceUnavailableError,
    StorageError,
)
from qa_engine.index.collection import collection_paths
from qa_engine.index.opening import open_catalog
from qa_engine.index.search_engine.opening import registry_of
from qa_engine.index.vectors.chroma_server import chroma_server as chroma_client
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.move import move_collection
from qa_engine.ingestion.report import IngestProgress

pytestmark = [pytest.mark.usefixtures("parsed_in_place", "local_model")]
opensearch = pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)


@pytest.fixture
def collection(docs: Path, storage: Path) -> Path:
    chinese_pdf(docs / "西湖.pdf")
    english_pdf(docs / "planets.pdf")
    llama_paper(docs / "paper.pdf")
    (docs / "planets.pdf.json").write_text('{"year": 1655, "subject": "天文"}', encoding="utf-8")
    ingest(docs, storage, embed_model=HASH)
    return storage


def chroma_collections(config: Config) -> list[str]:
    return [one.name for one in chroma_client(config.index).list_collections()]


@opensearch
def test_collection_holds_and_answers_the_same_in_both_places(
    collection: Path, places: Callable[[bool], Config]
) -> None:
    here, there = places(False), places(True)
    before, answers = content_of(collection, here), answers_of(collection, here)
    others = chroma_collections(there)
    report = move_collection(collection, config=there)
    assert (report.documents, report.nodes) == (3, before["count"])
    assert report.place == there.index.search_url

    assert difference(before, content_of(collection, there)) == ""
    assert difference(answers, answers_of(collection, there)) == ""
    paths = collection_paths(collection, "default")
    left = {path.name for path in paths.root.iterdir() if path not in paths.replicas}
    assert left <= {"writer.lock", "chroma.lock"}
    again = move_collection(collection, config=there)
    assert (again.documents, again.nodes) == (3, 0)

    back = move_collection(collection, config=here)
    assert (back.documents, back.nodes) == (3, before["count"])
    assert difference(before, content_of(collection, here)) == ""
    assert difference(answers, answers_of(collection, here)) == ""
    stored_files(collection)
    assert registry_of(there.index).names() == []
    assert chroma_collections(there) == others
    assert move_collection(collection, config=here).nodes == 0


@opensearch
def test_runs_go_on_after_a_move(collection: Path, docs: Path, places: Callable[[bool], Config]) -> None:
    here, there = places(False), places(True)
    move_collection(collection, config=there)
    report = ingest(docs, collection, config=there, embed_model=HASH)
    assert (report.unchanged, report.added, report.updated) == (3, 0, 0)
    english_pdf(docs / "planets.pdf", ["Neptune is the outermost planet."])
    english_pdf(docs / "new.pdf", ["Pluto was a planet until 2006."])
    assert ingest(docs, collection, config=there, embed_model=HASH).updated == 1
    delete_files("paper.pdf", collection, config=there)
    before, answers = content_of(collection, there), answers_of(collection, there)
    assert sorted(Path(path).name for path in before["files"]) == ["new.pdf", "planets.pdf", "西湖.pdf"]

    move_collection(collection, config=here)
    assert difference(before, content_of(collection, here)) == ""
    assert difference(answers, answers_of(collection, here)) == ""
    (docs / "paper.pdf").unlink()
    assert ingest(docs, collection, config=here, embed_model=HASH).unchanged == 3


@opensearch
def test_collection_that_is_elsewhere_is_not_overwritten(
    collection: Path, docs: Path, tmp_path: Path, places: Callable[[bool], Config]
) -> None:
    here, there = places(False), places(True)
    ingest(docs, tmp_path / "other", config=there, embed_model=HASH)
    before = content_of(collection, here)
    with pytest.raises(ConfigurationError, match=r"another one in the search engine at .* remove the one"):
        move_collection(collection, config=there)
    with pytest.raises(ConfigurationError, match="another one in the search engine"):
        move_collection(collection, config=here, search_url=there.index.search_url)
    assert content_of(collection, here) == before


@opensearch
def test_another_machine_moves_a_collection_into_its_storage(
    collection: Path, tmp_path: Path, places: Callable[[bool], Config]
) -> None:
    here, there = places(False), places(True)
    before = content_of(collection, here)
    move_collection(collection, config=there)
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(CollectionNotFoundError):
        move_collection(elsewhere, config=here)
    move_collection(elsewhere, config=here, search_url=there.index.search_url)
    assert difference(before, content_of(elsewhere, here)) == ""
    with pytest.raises(CollectionNotFoundError):
        open_catalog(collection, "default", there.index)


@opensearch
def test_damaged_document_is_not_moved(collection: Path, places: Callable[[bool], Config]) -> None:
    import sqlite3

    file = collection_paths(collection, "default").catalog
    with sqlite3.connect(file) as connection:
        connection.execute(
            "UPDATE sentences SET text = 'Saturn has no rings.' WHERE text LIKE 'Saturn is best%'"
        )
    connection.close()
    with pytest.raises(StorageError, match=r"planets\.pdf' is not as it was stored"):
        move_collection(collection, config=places(True))
    assert registry_of(places(True).index).names() == []
    assert answers_of(collection, places(False))


def test_without_a_chroma_server_nothing_is_moved(collection: Path) -> None:
    config = Config(index={"search_url": "http://127.0.0.1:9"})
    with pytest.raises(ConfigurationError, match=r"name it in index\.url"):
        move_collection(collection, config=config)


def test_search_engine_that_is_not_there_leaves_the_collection_where_it_is(
    collection: Path, docs: Path
) -> None:
    before = content_of(collection, Config())
    config = Config(index={"search_url": "http://127.0.0.1:9", "url": "http://127.0.0.1:9"})
    with pytest.raises(ServiceUnavailableError, match=r"127\.0\.0\.1:9"):
        move_collection(collection, config=config)
    assert content_of(collection, Config()) == before
    assert ingest(docs, collection, embed_model=HASH).unchanged == 3


def test_collection_that_is_nowhere_is_not_found(storage: Path) -> None:
    with pytest.raises(CollectionNotFoundError, match="ingest PDFs first"):
        move_collection(storage)


def test_collection_that_is_in_the_storage_already_stays(collection: Path) -> None:
    report = move_collection(collection)
    assert (report.documents, report.nodes) == (3, 0)
    assert report.place == str(collection_paths(collection, "default").root)


class _AskingProgress(IngestProgress):
    """Opens an engine with the new configuration while the first document is copied, and keeps it open."""

    def __init__(self, storage: Path, config: Config) -> None:
        self._storage, self._config = storage, config
        self.engine: QueryEngine | None = None
        self.answers: list[Any] = []

    def document_done(self, document_id: str) -> None:
        if self.engine is None:
            self.engine = QueryEngine.open(self._storage, config=self._config, embed_model=HASH)
            self.ask()

    def ask(self) -> None:
        assert self.engine is not None
        self.answers.append([said(self.engine, question) for question in QUESTIONS])


@opensearch
def test_engines_of_either_configuration_answer_meanwhile(
    collection: Path, places: Callable[[bool], Config]
) -> None:
    expected = answers_of(collection, places(False))
    for shared in (True, False):
        old, new = places(not shared), places(shared)
        with QueryEngine.open(collection, config=old, embed_model=HASH) as before:
            progress = _AskingProgress(collection, new)
            move_collection(collection, config=new, progress=progress)
            progress.ask()
            assert progress.engine is not None
            progress.engine.close()
            for answers in progress.answers:
                assert difference(expected, answers) == ""
            with pytest.raises((ConfigurationError, CollectionNotFoundError)):
                before.query(QUESTIONS[0])
        with pytest.raises((ConfigurationError, CollectionNotFoundError)):
            open_catalog(collection, "default", old.index)
