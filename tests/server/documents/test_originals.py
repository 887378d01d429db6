"""Files compared with what was read of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files import state
from qa_engine.ingestion.files.uploads import stored_upload, upload_path
from qa_engine.server.documents import originals
from qa_engine.server.documents.originals import Originals
from qa_engine.server.problems import ProblemError


def recorded(path: Path, content: bytes = b"%PDF content", name: str = "") -> FileRecord:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    stamp = state.file_stamp(path)
    return FileRecord(name or str(path), path.name, *stamp, hashlib.sha256(content).hexdigest(), "", "d")


def code(files: Originals, record: FileRecord) -> str:
    with pytest.raises(ProblemError) as refused:
        files.find(record)
    assert "/" not in refused.value.detail
    return refused.value.code


def test_file_that_is_the_same_is_found(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a.pdf")
    assert Originals(tmp_path).find(record).path == tmp_path / "a.pdf"


def test_file_whose_times_alone_have_changed_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = recorded(tmp_path / "a.pdf")
    os.utime(tmp_path / "a.pdf", (1, 1))
    digests = []

    def digest(path: Path) -> str:
        digests.append(path)
        return state.file_digest(path)

    monkeypatch.setattr(originals, "file_digest", digest)
    files = Originals(tmp_path)
    assert files.find(record) == files.find(record)
    assert len(digests) == 1


def test_other_content_of_the_same_size_is_gone(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a.pdf")
    (tmp_path / "a.pdf").write_bytes(b"%PDF CONTENT")
    os.utime(tmp_path / "a.pdf", (1, 1))
    assert code(Originals(tmp_path), record) == "gone"


def test_content_of_another_size_is_gone(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a.pdf")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    assert code(Originals(tmp_path), record) == "gone"


def test_file_that_was_removed_is_gone(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a.pdf")
    (tmp_path / "a.pdf").unlink()
    assert code(Originals(tmp_path), record) == "gone"


def test_folder_in_the_place_of_a_file_cannot_be_read(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a.pdf")
    (tmp_path / "a.pdf").unlink()
    (tmp_path / "a.pdf").mkdir()
    assert code(Originals(tmp_path), record) == "storage_unavailable"


def test_text_without_a_file_is_not_found(tmp_path: Path) -> None:
    record = FileRecord(str(state.document_path("年假")), "年假", 1, 0, 0, "", "", "d")
    assert code(Originals(tmp_path), record) == "not_found"


def test_upload_is_found_in_the_storage(tmp_path: Path) -> None:
    content = b"%PDF upload"
    stored = stored_upload(tmp_path, hashlib.sha256(content).hexdigest(), "a.pdf")
    record = recorded(stored, content, upload_path("../../etc/passwd").as_posix())
    assert Originals(tmp_path).find(record).path == stored


def test_change_while_a_file_is_used_is_noticed(tmp_path: Path) -> None:
    original = Originals(tmp_path).find(recorded(tmp_path / "a.pdf"))
    original.require_same()
    (tmp_path / "a.pdf").write_bytes(b"%PDF CONTENT")
    with pytest.raises(ProblemError, match="was changed"):
        original.require_same()
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(ProblemError, match="was changed"):
        original.require_same()


def test_states(tmp_path: Path) -> None:
    """Each file of a list: as it was, with other times alone, with another content, and not there any more."""
    names = ("same", "touched", "changed", "gone")
    records = {name: recorded(tmp_path / f"{name}.pdf") for name in names}
    os.utime(tmp_path / "touched.pdf", (1, 1))
    (tmp_path / "changed.pdf").write_bytes(b"%PDF CONTENT")
    os.utime(tmp_path / "changed.pdf", (1, 1))
    (tmp_path / "gone.pdf").unlink()
    files = Originals(tmp_path)
    assert [files.state(records[name]) for name in names] == ["unchanged", "unchanged", "changed", "gone"]
