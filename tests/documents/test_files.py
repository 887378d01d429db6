"""Which files a list of paths stands for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from qa_engine.documents.files import find_documents
from qa_engine.documents.reader import PdfReader
from qa_engine.errors import DocumentError, InputError
from qa_engine.evaluation.questions.labelled import read_questions
from qa_engine.ingestion.files.metadata import MetadataTable, read_sidecar


def make(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%PDF-")


def test_folders_are_searched_to_the_bottom_and_sorted(tmp_path: Path) -> None:
    paths = [tmp_path / "a.pdf", tmp_path / "b" / "c" / "d.pdf", tmp_path / "b" / "z.pdf"]
    make(*reversed(paths))
    assert find_documents([tmp_path]) == paths


def test_suffix_counts_whatever_its_case(tmp_path: Path) -> None:
    make(tmp_path / "A.PDF", tmp_path / "b.Pdf", tmp_path / "c.pdf.part", tmp_path / "pdf")
    assert [path.name for path in find_documents([tmp_path])] == ["A.PDF", "b.Pdf"]


def test_named_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    make(tmp_path / "report")
    assert find_documents([tmp_path / "report"]) == [tmp_path / "report"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    make(tmp_path / "a.pdf", tmp_path / ".b.pdf", tmp_path / "._a.pdf", tmp_path / ".git" / "c.pdf")
    assert find_documents([tmp_path]) == [tmp_path / "a.pdf"]


def test_hidden_folder_that_is_named_is_searched(tmp_path: Path) -> None:
    make(tmp_path / ".inbox" / "a.pdf")
    assert find_documents([tmp_path / ".inbox"]) == [tmp_path / ".inbox" / "a.pdf"]


def test_each_file_once_however_often_it_is_named(tmp_path: Path) -> None:
    make(tmp_path / "a.pdf")
    assert find_documents([tmp_path, tmp_path / "a.pdf", str(tmp_path), tmp_path / "." / "a.pdf"]) == [
        tmp_path / "a.pdf"
    ]


def test_relative_paths_become_absolute(tmp_path: Path) -> None:
    make(tmp_path / "docs" / "a.pdf")
    assert (
        find_documents(["docs"])
        == find_documents([Path("docs/../docs/a.pdf")])
        == [tmp_path / "docs" / "a.pdf"]
    )


def test_loop_of_links_ends(tmp_path: Path) -> None:
    make(tmp_path / "docs" / "a.pdf")
    (tmp_path / "docs" / "loop").symlink_to(tmp_path / "docs")
    (tmp_path / "docs" / "up").symlink_to(tmp_path)
    found = find_documents([tmp_path])
    assert [path.name for path in found] == ["a.pdf"]


def test_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere" / "a.pdf")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "link").symlink_to(tmp_path / "elsewhere")
    assert find_documents([tmp_path / "docs"]) == [tmp_path / "docs" / "link" / "a.pdf"]


def test_folder_with_the_suffix_of_a_file_is_searched_and_not_taken(tmp_path: Path) -> None:
    make(tmp_path / "folder.pdf" / "a.pdf")
    assert find_documents([tmp_path]) == [tmp_path / "folder.pdf" / "a.pdf"]


def test_missing_path_is_named(tmp_path: Path) -> None:
    make(tmp_path / "a.pdf")
    with pytest.raises(InputError, match="nowhere does not exist"):
        find_documents([tmp_path, tmp_path / "nowhere"])


def test_no_path_at_all() -> None:
    with pytest.raises(InputError, match="No path was given"):
        find_documents([])


def test_folder_without_documents_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.bin").write_text("x")
    with pytest.raises(InputError, match=f"No documents in {tmp_path}"):
        find_documents([tmp_path])


def test_name_too_long_for_the_disk_is_refused() -> None:
    with pytest.raises(InputError, match=r"cannot be read|does not exist"):
        find_documents(["x" * 5000])


def test_name_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(InputError, match=r"does not exist|cannot be read"):
        find_documents(["a\0b.pdf"])


def test_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a.pdf", tmp_path / "closed" / "b.pdf")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InputError, match=r"closed cannot be listed: Permission denied"):
        find_documents([tmp_path])


def test_names_in_chinese_and_with_blanks(tmp_path: Path) -> None:
    make(tmp_path / "合同 2024.pdf")
    assert find_documents([tmp_path]) == [tmp_path / "合同 2024.pdf"]


def test_name_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.pdf")
    try:
        make(tmp_path / name)
    except (OSError, UnicodeError):
        pytest.skip("this disk takes UTF-8 names only")
    assert find_documents([tmp_path]) == [tmp_path / name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_regular_file_is_refused_and_never_waited_for(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket has to be short
    path = Path("a.pdf.meta.json")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    for read, error in (
        (lambda: read_sidecar(Path("a.pdf")), DocumentError),
        (lambda: PdfReader().load_data(path), DocumentError),
        (lambda: MetadataTable.read(path), InputError),
        (lambda: read_questions(path), InputError),
    ):
        with pytest.raises(error, match="no regular file"):
            read()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_pipe_that_the_shell_opened_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"file,year\na.pdf,2024\n")
    os.close(writing)
    assert MetadataTable.read(Path(f"/dev/fd/{reading}")).row(Path("/x/a.pdf")) == {"year": 2024}
    os.close(reading)
