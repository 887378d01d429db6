"""Files attached to mails: documents of their own, below their mail."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.cli.display.pictures import pdf_of
from qa_engine.config import Config
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.attachments import ATTACHMENTS_FOLDER, mail_of, outermost_mail
from qa_engine.ingestion.files.uploads import UploadedFile, stored_upload
from qa_engine.ingestion.ingest import ingest_uploads
from qa_engine.ingestion.maintenance.delete import delete_files

pytestmark = pytest.mark.usefixtures("parsed_in_place")
HASH = HashEmbedding(model_name="hash")


def mail(subject: str, **files: bytes | EmailMessage) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, "Ann <ann@example.com>"
    message.set_content(f"The text of {subject}.")
    for name, content in files.items():
        if isinstance(content, EmailMessage):
            message.add_attachment(content)
        else:
            file = name.replace("_", ".")
            message.add_attachment(content, maintype="application", subtype="pdf", filename=file)
    return message


def write(path: Path, message: EmailMessage) -> Path:
    path.write_bytes(message.as_bytes())
    return path


def records(storage: Path) -> dict[str, FileRecord]:
    catalog = Catalog(collection_paths(storage, "default").catalog)
    try:
        return catalog.files()
    finally:
        catalog.close()


def names(storage: Path, folder: Path) -> list[str]:
    """The paths of all files of the collection below a folder."""
    return sorted(str(Path(path).relative_to(folder)) for path in records(storage))


@pytest.fixture
def pdf(tmp_path: Path) -> bytes:
    return english_pdf(tmp_path / "english.pdf").read_bytes()


@pytest.fixture
def other_pdf(tmp_path: Path) -> bytes:
    return chinese_pdf(tmp_path / "chinese.pdf").read_bytes()


def test_they_are_files_below_their_mail_in_any_depth(
    docs: Path, storage: Path, pdf: bytes, other_pdf: bytes
) -> None:
    write(docs / "a.eml", mail("outer", a_pdf=pdf, x_exe=b"MZ", inner=mail("inner", b_pdf=other_pdf)))
    report = ingest(docs, storage)
    assert names(storage, docs) == ["a.eml", "a.eml/a.pdf", "a.eml/inner.eml", "a.eml/inner.eml/b.pdf"]
    assert (report.added, report.failures) == (4, [])
    again = ingest(docs, storage, prune=True)
    assert (again.unchanged, again.deleted, again.failures) == (4, 0, [])


def test_one_that_cannot_be_read_fails_alone_under_its_own_name(
    docs: Path, storage: Path, pdf: bytes
) -> None:
    write(docs / "a.eml", mail("outer", a_pdf=pdf, b_pdf=b"no pdf"))
    report = ingest(docs, storage)
    ((file, reason, message),) = [(one.file, one.reason, one.message) for one in report.failures]
    assert (file, reason) == (str(docs / "a.eml/b.pdf"), "not_pdf")
    assert "b.pdf" in message
    assert names(storage, docs) == ["a.eml", "a.eml/a.pdf"]


def test_a_broken_mail_leaves_what_was_attached_to_the_earlier_one(
    docs: Path, storage: Path, pdf: bytes
) -> None:
    path = write(docs / "a.eml", mail("outer", a_pdf=pdf))
    ingest(docs, storage)
    path.write_bytes(b"\x00 no mail")
    assert [one.reason for one in ingest(docs, storage).failures] == ["damaged"]
    assert names(storage, docs) == ["a.eml", "a.eml/a.pdf"]


def test_a_changed_mail_replaces_them(docs: Path, storage: Path, pdf: bytes, other_pdf: bytes) -> None:
    path = write(docs / "a.eml", mail("outer", a_pdf=pdf, inner=mail("inner", b_pdf=other_pdf)))
    ingest(docs, storage)
    write(path, mail("outer", a_pdf=other_pdf, c_pdf=pdf))
    ingest(docs, storage)
    assert names(storage, docs) == ["a.eml", "a.eml/a.pdf", "a.eml/c.pdf"]


def test_they_go_and_move_with_their_mail(docs: Path, storage: Path, pdf: bytes) -> None:
    path = write(docs / "a.eml", mail("outer", a_pdf=pdf))
    ingest(docs, storage)
    path.rename(docs / "b.eml")
    moved = ingest(docs, storage)
    assert (moved.moved, moved.nodes) == (2, 0)
    assert names(storage, docs) == ["b.eml", "b.eml/a.pdf"]
    (docs / "b.eml").unlink()
    ingest(docs, storage, prune=True)
    assert records(storage) == {}


def test_deleting_a_mail_deletes_them_and_deleting_one_deletes_it_alone(
    docs: Path, storage: Path, pdf: bytes
) -> None:
    path = write(docs / "a.eml", mail("outer", a_pdf=pdf, inner=mail("inner")))
    ingest(docs, storage)
    assert [one.file for one in delete_files("inner.eml", storage).files] == ["inner.eml"]
    assert {one.file for one in delete_files(path, storage).files} == {"a.eml", "a.pdf"}


def test_their_bytes_are_taken_out_again_if_they_are_lost(docs: Path, storage: Path, pdf: bytes) -> None:
    write(docs / "a.eml", mail("outer", a_pdf=pdf))
    ingest(docs, storage)
    (kept,) = (storage / ATTACHMENTS_FOLDER).iterdir()
    kept.unlink()
    command = next(
        check.command for check in diagnose(storage).checks if check.command and "ingest" in check.command
    )
    assert str(docs / "a.eml ") in command
    assert "a.pdf" not in command
    assert ingest(docs / "a.eml", storage).failures == []
    assert kept.read_bytes() == pdf
    record = records(storage)[str(docs / "a.eml/a.pdf")]
    assert pdf_of(record, storage) == kept


def test_those_of_an_upload_are_replaced_and_deleted_with_it(storage: Path, pdf: bytes) -> None:
    def upload(message: EmailMessage) -> None:
        sha256 = hashlib.sha256(message.as_bytes()).hexdigest()
        target = stored_upload(storage, sha256, "信.eml")
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target, message)
        report = ingest_uploads(
            [UploadedFile("信.eml", sha256, {"year": 2024})], storage, config=Config.load(), embed_model=HASH
        )
        assert report.failures == []

    upload(mail("outer", a_pdf=pdf))
    assert {path: record.metadata for path, record in records(storage).items()} == {
        "upload:/信.eml": {"year": 2024},
        "upload:/信.eml/a.pdf": {"year": 2024},
    }
    assert ingest_uploads(storage=storage, config=Config.load(), embed_model=HASH).unchanged == 2
    upload(mail("outer", c_pdf=pdf))
    assert sorted(records(storage)) == ["upload:/信.eml", "upload:/信.eml/c.pdf"]
    delete_files("upload:/信.eml", storage, exact=True)
    assert records(storage) == {}


def test_a_folder_named_like_a_mail_is_a_folder(docs: Path, storage: Path) -> None:
    folder = docs / "old.eml"
    folder.mkdir()
    english_pdf(folder / "a.pdf")
    assert ingest(docs, storage).added == 1
    assert mail_of(folder / "a.pdf") is None
    assert outermost_mail(folder / "a.pdf") == folder / "a.pdf"
    assert ingest(docs, storage, prune=True).unchanged == 1
