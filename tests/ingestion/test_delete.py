"""Files leave a collection: which ones, in which order of its parts, and what a killed run leaves to the next."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import OWNERS, URL_VARIABLE, ingest, make_deadly, stored_files
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf

from qa_engine import QueryEngine
from qa_engine.errors import CollectionNotFoundError, IndexLockedError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.ingestion.maintenance.delete import delete_files

pytestmark = pytest.mark.usefixtures("parsed_in_place")
HASH = HashEmbedding(model_name="hash")


@pytest.fixture
def collection(docs: Path, storage: Path) -> Path:
    """The storage of a collection with 年报2023.pdf, 年报2024.pdf, planets.pdf and a copy of planets.pdf."""
    chinese_pdf(docs / "年报2023.pdf", header=None)
    chinese_pdf(docs / "sub" / "年报2024.pdf", ["苹果是一种水果。香蕉是另一种水果。"], header=None)
    english_pdf(docs / "planets.pdf", SOLAR_SYSTEM)
    shutil.copy(docs / "planets.pdf", docs / "sub" / "copy.pdf")
    ingest(docs, storage)
    return storage


def test_files_that_a_pattern_fits_leave_all_parts(collection: Path, docs: Path) -> None:
    engine = QueryEngine.open(collection, embed_model=HASH)
    assert any("香蕉" in node.text for node in engine.retrieve("香蕉是什么？"))
    report = delete_files("年报*.pdf", collection)
    assert {file.file for file in report.files} == {"年报2023.pdf", "年报2024.pdf"}
    assert report.nodes == sum(file.nodes for file in report.files) > 2
    assert set(stored_files(collection)) == {"planets.pdf", "copy.pdf"}
    assert all("香蕉" not in node.text for node in engine.retrieve("香蕉是什么？"))
    assert (docs / "年报2023.pdf").exists()


def test_document_stays_as_long_as_a_copy_of_the_file_does(collection: Path) -> None:
    first = delete_files("copy.pdf", collection)
    assert (first.nodes, first.files[0].shared) == (0, True)
    assert "Jupiter" in stored_files(collection)["planets.pdf"]
    last = delete_files("planets.pdf", collection)
    assert (last.nodes > 0, last.files[0].shared) == (True, False)
    assert set(stored_files(collection)) == {"年报2023.pdf", "年报2024.pdf"}


def test_two_copies_at_once_are_counted_once(collection: Path) -> None:
    report = delete_files(["copy.pdf", "planets.pdf"], collection)
    assert report.to_dict()["deleted"] == 2
    assert report.nodes == report.files[0].nodes


def test_folder_stands_for_what_is_below_it(collection: Path, docs: Path) -> None:
    delete_files(docs / "sub", collection)
    assert set(stored_files(collection)) == {"年报2023.pdf", "planets.pdf"}


def test_all_files_may_leave_and_come_back(collection: Path, docs: Path) -> None:
    delete_files("*", collection)
    assert stored_files(collection) == {}
    assert ingest(docs, collection).added == 4
    assert len(stored_files(collection)) == 4


@pytest.mark.parametrize("names", [["planets.pdf", "planet.pdf"], [""], ["  "], ["../x"]])
def test_name_that_fits_no_file_deletes_nothing(names: list[str], collection: Path) -> None:
    with pytest.raises(InputError, match="No file of the collection"):
        delete_files(names, collection)
    assert len(stored_files(collection)) == 4


def test_wrong_usage_is_refused(collection: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No file was named"):
        delete_files([], collection)
    with pytest.raises(CollectionNotFoundError):
        delete_files("a.pdf", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    paths = collection_paths(collection, "default")
    with writer_lock(paths.root), pytest.raises(IndexLockedError):
        delete_files("planets.pdf", collection)


def delete_and_die(storage: str, method: str, when: str) -> None:
    """Deletes a file and kills itself before or after a call, as kill -9 would."""
    os.environ.pop(URL_VARIABLE, None)  # the fork server has the environment of who asked it first
    make_deadly(OWNERS, method, 1, when)
    delete_files("年报*.pdf", storage)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX")
@pytest.mark.parametrize(
    ("method", "when", "by"),
    [
        ("Catalog.remove", "after", "ingest"),
        ("Bm25Folder.write_manifest", "after", "ingest"),
        ("Catalog.publish", "after", "ingest"),
        ("SentenceVectorStore.delete_sentences", "after", "ingest"),
        ("Bm25Folder.write_manifest", "before", "delete"),
        pytest.param("Catalog.forget", "after", "ingest", marks=pytest.mark.slow),
        pytest.param("Catalog.remove", "after", "delete", marks=pytest.mark.slow),
        pytest.param("Catalog.publish", "after", "delete", marks=pytest.mark.slow),
        pytest.param("SentenceVectorStore.delete_sentences", "after", "delete", marks=pytest.mark.slow),
    ],
)
def test_run_killed_at_a_given_instant_is_completed_by_the_next(
    method: str, when: str, by: str, collection: Path, docs: Path
) -> None:
    process = fork_server().Process(target=delete_and_die, args=(str(collection), method, when))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    catalog = Catalog(collection_paths(collection, "default").catalog)
    removed = len(catalog.files()) == 2
    catalog.close()
    assert removed == (method != "Catalog.remove")  # they leave together, or not at all
    if by == "ingest":
        ingest(docs / "planets.pdf", collection)
    elif removed:
        with pytest.raises(InputError):
            delete_files("年报*.pdf", collection)
    else:
        delete_files("年报*.pdf", collection)
        removed = True
    assert set(stored_files(collection)) == {"planets.pdf", "copy.pdf"} | (
        set() if removed else {"年报2023.pdf", "年报2024.pdf"}
    )
