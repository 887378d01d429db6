"""Who may read what is written: its user alone, and the group of a folder with the setgid bit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine
from qa_engine.evaluation.questions.labelled import LabelledQuestion, write_questions
from qa_engine.evaluation.record_files import exclusive, write_json
from qa_engine.index.disk.atomic_file import make_folder, open_private, write_atomically
from qa_engine.ingestion.maintenance.delete import delete_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
HASH = HashEmbedding(model_name="hash")


@pytest.fixture(params=[0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def folders(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_dir()}


def stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage folder with a collection that was written, asked and written again."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    storage = folder / "storage"
    docs = folder.parent / "docs"
    chinese_pdf(docs / "a.pdf")
    chinese_pdf(docs / "b.pdf", ["西湖位于杭州。"])
    ingest(docs, storage)
    with QueryEngine.open(storage, embed_model=HASH) as engine:
        engine.retrieve("西湖")
    delete_files("b.pdf", storage)
    return storage


def test_an_index_is_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int) -> None:
    storage = stored(tmp_path / "mine", monkeypatch)
    assert stat.S_IMODE(storage.stat().st_mode) == 0o700
    assert stat.S_IMODE((storage / "default").stat().st_mode) == 0o700
    # Chroma writes its files as the umask says, in a folder that nobody else may enter.
    assert stat.S_IMODE((storage / "default" / "chroma").stat().st_mode) == 0o700
    written = {name: mode for name, mode in modes(storage).items() if not name.startswith("default/chroma/")}
    assert {"default/catalog.sqlite", "default/writer.lock", "default/chroma.lock"} <= written.keys()
    assert set(written.values()) == {0o600}
    assert all(mode & 0o077 == 0 for mode in folders(storage / "default" / "bm25"))


def test_below_a_folder_of_a_group_all_is_for_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2775)
    before = os.umask(0o077)
    try:
        storage = stored(shared, monkeypatch)
    finally:
        os.umask(before)
    assert set(modes(storage).values()) == {0o660}
    assert folders(shared) == {0o2770}


def test_reports_are_for_their_user_alone(tmp_path: Path, umask: int) -> None:
    write_json(tmp_path / "runs" / "first" / "run.json", {"a": 1})
    write_questions(
        tmp_path / "runs" / "questions.jsonl", [LabelledQuestion(question="问？", answers=["答"])]
    )
    with exclusive(tmp_path / "runs" / ".lock", "held"):
        assert set(modes(tmp_path / "runs").values()) == {0o600}
    assert folders(tmp_path / "runs") == {0o700}


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "log").write_text("a", encoding="utf-8")
    (folder / "log").chmod(0o644)
    make_folder(folder)
    with open_private(folder / "log", "a", encoding="utf-8") as file:
        file.write("b")
    assert (folder / "log").read_text(encoding="utf-8") == "ab"
    assert stat.S_IMODE((folder / "log").stat().st_mode) == 0o644
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file")
    with pytest.raises(OSError, match="gone"):
        write_atomically(tmp_path / "gone" / "a", "x")
