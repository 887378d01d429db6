"""Catalogs for requests: files by their ids, and which documents are still held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.server.documents.catalogs import Catalogs
from qa_engine.server.problems import ProblemError


def make(storage: Path, collection: str, *paths: str) -> list[FileRecord]:
    """A collection with a file at each path, whose document is called after the name of the file."""
    place = collection_paths(storage, collection)
    place.root.mkdir(parents=True, exist_ok=True)
    records = [FileRecord(path, Path(path).name, 1, 1, 1, "", "", Path(path).stem) for path in paths]
    with closing(Catalog(place.catalog, create=True)) as catalog:
        for record in records:
            catalog.begin(record.document_id, 1)
            catalog.commit(record, DocumentParts([], [["x"]]))
    return records


@pytest.fixture
def catalogs(tmp_path: Path) -> Iterator[Catalogs]:
    yield Catalogs(tmp_path)


def found(catalogs: Catalogs, collection: str, file_id: str) -> FileRecord:
    with catalogs.opened(collection) as catalog:
        return catalogs.file(catalog, collection, file_id)


def test_file_is_found_again_after_the_collection_was_made_anew(catalogs: Catalogs, tmp_path: Path) -> None:
    first, other = make(tmp_path, "资料", "/a.pdf", "/b.pdf")
    assert found(catalogs, "资料", first.file_id).path == "/a.pdf"
    assert found(catalogs, "资料", first.file_id).path == "/a.pdf"
    collection_paths(tmp_path, "资料").catalog.unlink()
    make(tmp_path, "资料", "/b.pdf")
    assert found(catalogs, "资料", other.file_id).path == "/b.pdf"
    with pytest.raises(ProblemError, match=first.file_id):
        found(catalogs, "资料", first.file_id)


def test_file_of_another_collection_is_not_found(catalogs: Catalogs, tmp_path: Path) -> None:
    (first,) = make(tmp_path, "a", "/a.pdf")
    make(tmp_path, "b", "/b.pdf")
    with pytest.raises(ProblemError) as refused:
        found(catalogs, "b", first.file_id)
    assert refused.value.code == "not_found"


@pytest.mark.parametrize("name", ["", " ", "nirgends", "x" * 500, "a\0b", "\ud800", "..", "../.."])
def test_what_is_no_collection_is_not_found_and_no_other_is_named(
    name: str, catalogs: Catalogs, tmp_path: Path
) -> None:
    make(tmp_path, "secret", "/a.pdf")
    with pytest.raises(ProblemError) as refused, catalogs.opened(name):
        pass
    assert refused.value.code == "not_found"
    assert "secret" not in refused.value.detail


def test_documents_that_any_collection_holds(catalogs: Catalogs, tmp_path: Path) -> None:
    make(tmp_path, "a", "/one.pdf", "/two.pdf")
    make(tmp_path, "b", "/three.pdf")
    assert catalogs.held(["one", "three", "gone"]) == {"one", "three"}
    assert catalogs.held([]) == set()


def test_nobody_knows_what_a_damaged_collection_holds(catalogs: Catalogs, tmp_path: Path) -> None:
    make(tmp_path, "a", "/one.pdf")
    collection_paths(tmp_path, "a").catalog.write_bytes(b"no database")
    with pytest.raises(StorageError):
        catalogs.held(["one"])
