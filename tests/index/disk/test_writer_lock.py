"""One writer a collection, across processes, however the writer ends."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import python

from qa_engine.errors import IndexLockedError, StorageError
from qa_engine.index.disk.writer_lock import writer_lock

HOLD = """
import sys
from pathlib import Path
from qa_engine.index.disk.writer_lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_elsewhere(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with python(HOLD, str(folder)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path) as owner:
        with pytest.raises(IndexLockedError) as raised, writer_lock(tmp_path):
            pytest.fail("two writers")
        text = str(raised.value)
        assert re.search(rf"process {owner.pid} on \S+ since \d{{4}}-\d\d-\d\dT", text)
        assert str(tmp_path) in text


def test_lock_of_a_killed_owner_is_free(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path) as owner:
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        with writer_lock(tmp_path):
            assert json.loads((tmp_path / "writer.json").read_text())["process"] == os.getpid()


def test_waiting_writer_goes_on_when_the_owner_is_done(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path) as owner:
        assert owner.stdin is not None
        owner.stdin.write("done\n")
        owner.stdin.flush()
        with writer_lock(tmp_path, timeout_seconds=30):
            pass
        assert owner.wait() == 0


def test_waiting_ends_after_the_time_allowed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qa_engine.index")
    with held_elsewhere(tmp_path) as owner:
        with pytest.raises(IndexLockedError), writer_lock(tmp_path, timeout_seconds=0.3):
            pytest.fail("two writers")
        (message,) = caplog.messages
        assert message.startswith(f"waiting up to 0.3 s for process {owner.pid} on ")


def test_second_writer_of_the_same_process_is_refused(tmp_path: Path) -> None:
    with writer_lock(tmp_path), pytest.raises(IndexLockedError), writer_lock(tmp_path):
        pytest.fail("two writers")


def test_refused_writer_does_not_take_the_owners_name_away(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path) as owner:
        for _ in range(2):
            with pytest.raises(IndexLockedError, match=f"process {owner.pid} "), writer_lock(tmp_path):
                pytest.fail("two writers")


def test_lock_is_free_again_after_use_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path):
        raise ZeroDivisionError
    assert not (tmp_path / "writer.json").exists()
    with writer_lock(tmp_path):
        pass


@pytest.mark.parametrize("rest", ["", "{", "[]", '{"process": 1}'])
def test_unreadable_owner_is_another_process(rest: str, tmp_path: Path) -> None:
    with held_elsewhere(tmp_path):
        (tmp_path / "writer.json").write_text(rest)
        with pytest.raises(IndexLockedError, match="another process"), writer_lock(tmp_path):
            pytest.fail("two writers")


def test_files_left_behind_are_no_lock(tmp_path: Path) -> None:
    (tmp_path / "writer.lock").touch()
    (tmp_path / "writer.json").write_text('{"process": 1, "host": "gone", "since": "long ago"}')
    with writer_lock(tmp_path):
        pass


def test_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(StorageError, match="cannot be written"),
        writer_lock(tmp_path / "file" / "collection"),
    ):
        pytest.fail("locked in a file")


def test_full_disk_is_one_clear_error_and_frees_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(StorageError, match="No space left"), writer_lock(tmp_path):
            pytest.fail("owner not recorded")
    with writer_lock(tmp_path):
        pass
