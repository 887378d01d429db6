"""Keys are kept as hashes, let in what they allow, and may be changed beside a running server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qa_engine.errors import InputError
from qa_engine.server.admission.keys import PREFIX, Key, KeyStore
from qa_engine.server.admission.sessions import SessionStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.problems import ProblemError
from qa_engine.server.state import database_path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ServerDatabase]:
    """The database of `keys`, as the server has opened it."""
    database = ServerDatabase(database_path(tmp_path))
    yield database
    database.close()


def added(keys: KeyStore, name: str) -> Key:
    keys.add(name, "read")
    key = keys.named(name)
    assert key is not None
    return key


@pytest.mark.parametrize("name", ["", " a", "a ", "-a", "a\nb", "a" * 65, "a/b", "\ud800"])
def test_names_that_are_none_are_refused(keys: KeyStore, name: str) -> None:
    with pytest.raises(InputError, match="no name of a key"):
        keys.add(name, "read")


def test_a_name_is_used_once_and_a_missing_one_is_told(keys: KeyStore) -> None:
    keys.add("网页", "read")
    with pytest.raises(InputError, match="already"):
        keys.add("网页", "admin")
    with pytest.raises(InputError, match="there are: 网页"):
        keys.remove("other")


def test_the_secret_is_long_and_nowhere_on_the_disk(keys: KeyStore, tmp_path: Path) -> None:
    secret = keys.add("a", "read")
    assert secret.startswith(PREFIX)
    assert len(secret) == len(PREFIX) + 43
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(secret[len(PREFIX) :].encode() in path.read_bytes() for path in files)


def test_only_the_whole_secret_is_found(keys: KeyStore) -> None:
    secret = keys.add("a", "read")
    for wrong in ("", secret[:-1], secret + "x", secret.swapcase(), secret[len(PREFIX) :], "\ud800"):
        assert keys.find(wrong) is None
    found = keys.find(secret)
    assert found is not None
    assert found.name == "a"


def test_scopes_include_the_smaller_ones_and_collections_limit(keys: KeyStore) -> None:
    keys.add("r", "read", ["papers"])
    keys.add("w", "write")
    keys.add("a", "admin")
    reading, writing, all_ = (key.access for key in map(keys.named, "rwa") if key is not None)
    assert (reading.scopes, writing.scopes) == ({"read"}, {"read", "write"})
    assert all_.scopes == {"read", "write", "admin"}
    assert [reading.sees("papers"), reading.sees("西湖"), writing.sees("西湖")] == [True, False, True]
    with pytest.raises(ProblemError) as refused:
        reading.require(["papers", "西湖"])
    assert refused.value.code == "not_found"


def test_the_last_use_is_written_at_most_once_a_minute(keys: KeyStore, tmp_path: Path) -> None:
    secret = keys.add("a", "read")
    with closing(sqlite3.connect(database_path(tmp_path), isolation_level=None)) as other:

        def used() -> str | None:
            found: str | None = other.execute("SELECT used FROM keys").fetchone()[0]
            return found

        assert used() is None
        keys.find(secret)
        first = used()
        assert first is not None
        earlier = (datetime.now(UTC) - timedelta(seconds=30)).isoformat(timespec="seconds")
        other.execute("UPDATE keys SET used = ?", (earlier,))
        keys.find(secret)
        assert used() == earlier
        other.execute("UPDATE keys SET used = '2020-01-01T00:00:00+00:00'")
        keys.find(secret)
        assert (used() or "") >= first


def test_removal_in_another_process_counts_at_once_and_ends_sessions(
    keys: KeyStore, database: ServerDatabase
) -> None:
    at_server = KeyStore(database)
    sessions = SessionStore(database, at_server)
    secret = keys.add("a", "read")
    key = at_server.find(secret)
    assert key is not None
    session = sessions.open(key)
    assert sessions.find(session) is not None
    assert sessions.find(session + "x") is None
    keys.remove("a")
    assert at_server.find(secret) is None
    assert sessions.find(session) is None
    with pytest.raises(sqlite3.IntegrityError):
        sessions.open(key)
    keys.add("a", "admin")
    assert sessions.find(session) is None


def test_sessions_expire_and_are_few(keys: KeyStore, database: ServerDatabase) -> None:
    sessions = SessionStore(database, keys)
    key = added(keys, "a")
    ids = [sessions.open(key) for _ in range(103)]
    found = [sessions.find(session) is not None for session in ids]
    assert (sum(found), found[-1]) == (100, True)
    with database.transaction() as connection:
        connection.execute("UPDATE sessions SET expires = 1")
    assert sessions.find(ids[-1]) is None


def test_keys_are_found_while_another_process_writes(keys: KeyStore, tmp_path: Path) -> None:
    secret = keys.add("a", "read")
    assert keys.find(secret) is not None
    with closing(sqlite3.connect(database_path(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert keys.find(secret) is not None
