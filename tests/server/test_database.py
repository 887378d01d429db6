"""The database of the server: what was written counts or does not, and what cannot be read is told."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa_engine.errors import StorageError
from qa_engine.server.database import ServerDatabase

TABLE = "CREATE TABLE IF NOT EXISTS notes (note TEXT NOT NULL)"


def notes(database: ServerDatabase) -> list[str]:
    with database.reading() as connection:
        return [row["note"] for row in connection.execute("SELECT note FROM notes ORDER BY rowid")]


def write(database: ServerDatabase, note: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES (?)", (note,))


def test_what_was_written_is_there_after_a_restart_and_what_failed_is_not(tmp_path: Path) -> None:
    database = ServerDatabase(tmp_path / "new" / "server.sqlite3")
    database.create(TABLE)
    write(database, "kept")
    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('lost')")
        raise RuntimeError
    database.close()
    database.close()
    again = ServerDatabase(tmp_path / "new" / "server.sqlite3")
    again.create(TABLE)
    assert notes(again) == ["kept"]
    again.close()


def test_many_threads_write_and_read(tmp_path: Path) -> None:
    database = ServerDatabase(tmp_path / "server.sqlite3")
    database.create(TABLE)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: (write(database, str(number)), notes(database)), range(40)))
    assert sorted(map(int, notes(database))) == list(range(40))
    database.close()


@pytest.mark.parametrize("content", [b"no database at all, but a text of some length" * 100, b"\0" * 5000])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "server.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"server\.sqlite3"):
        ServerDatabase(path)


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "server.sqlite3"
    ServerDatabase(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match="format 99, and this version reads 1"):
        ServerDatabase(path)
