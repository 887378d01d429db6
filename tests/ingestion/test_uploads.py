"""Uploaded files: known by the name of the client, stored by content, and never taken for files that are gone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest, stored_files
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf, not_a_pdf

from qa_engine.cli.display.pictures import pdf_of
from qa_engine.config import Config, IndexConfig
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.errors import CollectionNotFoundError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.info import file_info, list_files
from qa_engine.ingestion.files.uploads import UploadedFile, stored_upload
from qa_engine.ingestion.ingest import ingest_uploads
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.metadata import change_metadata
from qa_engine.ingestion.maintenance.rebuild import rebuild
from qa_engine.ingestion.maintenance.unused_uploads import remove_unused_uploads
from qa_engine.ingestion.report import IngestReport

pytestmark = pytest.mark.usefixtures("parsed_in_place")
HASH = HashEmbedding(model_name="hash")


def store(storage: Path, pdf: Path) -> str:
    """Puts a file among the uploads, and returns its SHA-256."""
    sha256 = hashlib.sha256(pdf.read_bytes()).hexdigest()
    target = stored_upload(storage, sha256, "a.pdf")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(pdf.read_bytes())
    return sha256


def upload(storage: Path, *files: UploadedFile, collection: str = "default") -> IngestReport:
    return ingest_uploads(files, storage, collection, Config.load(), embed_model=HASH)


def records(storage: Path, collection: str = "default") -> dict[str, FileRecord]:
    catalog = Catalog(collection_paths(storage, collection).catalog)
    found = catalog.files()
    catalog.close()
    return found


@pytest.fixture
def planets(docs: Path, storage: Path) -> str:
    """The SHA-256 of a PDF about planets that was uploaded."""
    english_pdf(docs / "x.pdf", SOLAR_SYSTEM)
    return store(storage, docs / "x.pdf")


@pytest.fixture
def fruit(docs: Path, storage: Path) -> str:
    """The SHA-256 of a PDF about fruit that was uploaded."""
    chinese_pdf(docs / "y.pdf", ["苹果是一种水果。香蕉是另一种水果。"], header=None)
    return store(storage, docs / "y.pdf")


@pytest.mark.parametrize("name", ["年报 #1 100%.pdf", "..", "planets", "a\\b:c*.pdf"])
def test_file_is_known_by_the_name_of_the_client(name: str, planets: str, storage: Path) -> None:
    assert upload(storage, UploadedFile(name, planets)).added == 1
    assert list(stored_files(storage)) == [name]
    assert list(records(storage)) == [f"upload:/{name}"]
    delete_files([f"upload:/{name}"], storage, exact=True)
    assert stored_files(storage) == {}


def test_same_name_with_other_content_replaces_and_with_the_same_is_unchanged(
    planets: str, fruit: str, storage: Path
) -> None:
    upload(storage, UploadedFile("a.pdf", planets, {"year": 2023}))
    assert upload(storage, UploadedFile("a.pdf", planets)).unchanged == 1
    assert upload(storage, UploadedFile("a.pdf", fruit)).updated == 1
    assert list(stored_files(storage)) == ["a.pdf"]
    assert "香蕉" in stored_files(storage)["a.pdf"]
    assert records(storage)["upload:/a.pdf"].metadata == {"year": 2023}
    assert upload(storage, UploadedFile("a.pdf", fruit, {})).updated == 1
    assert records(storage)["upload:/a.pdf"].metadata == {}


def test_same_content_under_another_name_shares_nodes_also_with_a_file_of_the_disk(
    planets: str, docs: Path, storage: Path
) -> None:
    ingest(docs, storage)
    report = upload(storage, UploadedFile("a.pdf", planets), UploadedFile("b.pdf", planets))
    assert (report.added, report.duplicate, report.nodes) == (2, 2, 0)
    assert len({record.document_id for record in records(storage).values()}) == 1
    assert delete_files(["upload:/a.pdf"], storage, exact=True).files[0].shared


def test_two_new_names_of_one_content_are_read_once(planets: str, storage: Path) -> None:
    report = upload(storage, UploadedFile("a.pdf", planets), UploadedFile("b.pdf", planets))
    assert (report.added, report.duplicate) == (2, 1)
    assert set(stored_files(storage)) == {"a.pdf", "b.pdf"}


def test_file_that_cannot_be_read_fails_under_the_name_of_the_client(
    planets: str, docs: Path, storage: Path
) -> None:
    not_a_pdf(docs / "z.pdf")
    bad = store(storage, docs / "z.pdf")
    report = upload(storage, UploadedFile("坏.pdf", bad), UploadedFile("gone.pdf", "0" * 64))
    assert [(failure.file, failure.reason) for failure in report.failures] == [
        ("upload:/gone.pdf", "unreadable"),
        ("upload:/坏.pdf", "not_pdf"),
    ]
    assert report.failures[1].message.startswith("坏.pdf ")
    assert "0" * 64 not in report.failures[0].message


def test_uploads_are_not_gone_for_runs_lists_and_the_doctor(
    planets: str, fruit: str, docs: Path, storage: Path
) -> None:
    upload(storage, UploadedFile("a.pdf", planets))
    (docs / "x.pdf").unlink()
    report = ingest(docs, storage, prune=True)
    assert (report.deleted, report.vanished, report.moved, report.added) == (0, 0, 0, 1)
    catalog = Catalog(collection_paths(storage, "default").catalog)
    assert not any(line.gone for line in list_files(catalog))
    record = catalog.files()["upload:/a.pdf"]
    assert file_info(catalog, record).state == "unchanged"
    assert pdf_of(record, storage) == stored_upload(storage, planets, "a.pdf")
    [check] = [one for one in diagnose(storage, embed_model=HASH).checks if one.check == "files"]
    assert check.status == "ok"

    stored_upload(storage, planets, "a.pdf").write_bytes(b"%PDF-rot")
    [check] = [one for one in diagnose(storage, embed_model=HASH).checks if one.check == "files"]
    assert "1 changed (upload:/a.pdf)" in check.message
    assert check.command is not None
    assert check.command.startswith("qa-engine delete upload:/a.pdf")
    stored_upload(storage, planets, "a.pdf").unlink()
    assert file_info(catalog, record).state == "gone"
    catalog.close()
    with pytest.raises(InputError, match="gone"):
        pdf_of(record, storage)


def test_all_uploads_are_read_again_where_they_are_read_otherwise(
    planets: str, fruit: str, storage: Path
) -> None:
    upload(storage, UploadedFile("a.pdf", planets, {"year": 1}), UploadedFile("b.pdf", fruit))
    assert ingest_uploads(None, storage, embed_model=HASH).unchanged == 2
    again = ingest_uploads(None, storage, config={"documents": {"max_sentence_chars": 50}}, embed_model=HASH)
    assert again.updated == 2
    assert records(storage)["upload:/a.pdf"].metadata == {"year": 1}
    with pytest.raises(CollectionNotFoundError):
        ingest_uploads(None, storage, "other", embed_model=HASH)


def test_rebuild_needs_no_bytes(planets: str, storage: Path) -> None:
    upload(storage, UploadedFile("a.pdf", planets))
    stored_upload(storage, planets, "a.pdf").unlink()
    rebuild(storage, embed_model=HASH, part="embedding")
    assert list(stored_files(storage)) == ["a.pdf"]


def test_exact_deletion_takes_no_pattern_and_no_name(planets: str, storage: Path) -> None:
    upload(storage, UploadedFile("a*.pdf", planets), UploadedFile("ab.pdf", planets))
    assert delete_files(["ab.pdf", "upload:/*", "upload:/a?.pdf"], storage, exact=True).files == []
    for _ in range(2):
        delete_files(["upload:/a*.pdf"], storage, exact=True)
    assert list(stored_files(storage)) == ["ab.pdf"]


class TestMetadata:
    def test_patch_sets_removes_and_keeps(self, planets: str, storage: Path) -> None:
        upload(storage, UploadedFile("a.pdf", planets, {"year": 2023, "team": "x"}))
        record = change_metadata("upload:/a.pdf", {"year": 2024, "team": None, "城市": "杭州"}, storage)
        assert record.metadata == {"year": 2024, "城市": "杭州"}
        assert records(storage)["upload:/a.pdf"].metadata == record.metadata

    def test_what_cannot_be_noted_changes_nothing(self, planets: str, docs: Path, storage: Path) -> None:
        (docs / "x.pdf.meta.json").write_text('{"year": 1}')
        ingest(docs, storage)
        path = str(docs / "x.pdf")
        with pytest.raises(InputError, match=r"year of x\.pdf"):
            change_metadata(path, {"year": 2, "team": "x"}, storage)
        with pytest.raises(InputError, match="reserved"):
            change_metadata(path, {"page": 2}, storage)
        with pytest.raises(InputError, match="no file"):
            change_metadata("upload:/b.pdf", {}, storage)
        with pytest.raises(CollectionNotFoundError):
            change_metadata(path, {}, storage, "other")
        assert records(storage)[path].metadata == {"year": 1}


class TestUnusedUploads:
    def test_content_goes_with_its_last_file_and_not_before(
        self, planets: str, fruit: str, storage: Path
    ) -> None:
        upload(storage, UploadedFile("a.pdf", planets))
        upload(storage, UploadedFile("b.pdf", planets), collection="other")
        assert remove_unused_uploads(storage, lambda: {fruit}, IndexConfig()) == []
        delete_files(["upload:/a.pdf"], storage, exact=True)
        assert remove_unused_uploads(storage, set, IndexConfig()) == [fruit]
        delete_files(["upload:/b.pdf"], storage, "other", exact=True)
        assert remove_unused_uploads(storage, set, IndexConfig()) == [planets]
        assert [path.name for path in (storage / "uploads").iterdir()] == [".lock"]

    def test_nothing_goes_while_a_catalog_cannot_be_read(
        self, planets: str, fruit: str, storage: Path
    ) -> None:
        upload(storage, UploadedFile("a.pdf", planets))
        collection_paths(storage, "default").catalog.write_bytes(b"rot" * 999)
        assert remove_unused_uploads(storage, set, IndexConfig()) == []
        assert stored_upload(storage, planets, "a.pdf").exists()

    def test_storage_without_uploads_stays_without(self, storage: Path) -> None:
        assert remove_unused_uploads(storage, set, IndexConfig()) == []
        assert not storage.exists()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX paths")
@pytest.mark.parametrize("name", ["uploads", "Uploads"])
def test_collection_may_have_the_name_of_a_folder_of_the_storage(
    name: str, planets: str, storage: Path
) -> None:
    upload(storage, UploadedFile("a.pdf", planets), collection=name)
    assert not (storage / name / "catalog.sqlite").exists()
    assert list(stored_files(storage, name)) == ["a.pdf"]
