"""A copy, in a SQLite file, of the catalog that the log of a collection describes: its changes are applied, and captured.

The file is a cache: it can be deleted at any time, and is then made anew from the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from qa_engine.index.search_engine.state.state_log import Change, LogPosition

REPLICA_FORMAT = 1
"""Version of the tables that a replica has beside those of the catalog."""
_SEQUENCE = "sqlite_sequence"
"""Where SQLite keeps the highest number that a document was ever given. It is in the log too: the document itself may never
have been, and its number is not to be given again."""

_KEYS = {
    "meta": "key",
    "documents": "number",
    "files": "path",
    "former_files": "rowid",
    "rebuilt": "document_id",
    "visible": "number",
    "abandoned": "number",
}
"""The tables that the log describes, each with the column that its rows are known by."""
_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS visible (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS abandoned (
    number INTEGER PRIMARY KEY, document_id TEXT NOT NULL, nodes INTEGER NOT NULL, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS replica (mark TEXT NOT NULL, number INTEGER NOT NULL, token TEXT NOT NULL);
"""
"""``visible``: the documents of the published state. ``abandoned``: numbers of documents that were given up, and whose
sentences a writer that has lost its right may still be storing. ``replica``: what the file is a copy of."""


def prepare_replica(connection: sqlite3.Connection, mark: str) -> None:
    """Makes the tables of a replica beside those of the catalog."""
    connection.executescript(_OWN_TABLES)
    with immediate(connection):
        if connection.execute("SELECT mark FROM replica").fetchall() != [(mark,)]:
            empty_replica(connection, mark)


def empty_replica(connection: sqlite3.Connection, mark: str) -> None:
    """Deletes all rows: the log is to be read from its beginning."""
    for table in _KEYS:
        where = " WHERE key != 'format'" if table == "meta" else ""
        connection.execute(f"DELETE FROM {table}{where}")
    connection.execute("DELETE FROM replica")
    connection.execute("INSERT INTO replica VALUES (?, 0, '')", (mark,))


def replica_position(connection: sqlite3.Connection) -> LogPosition:
    """How far the file has followed the log."""
    return LogPosition(*connection.execute("SELECT number, token FROM replica").fetchone())


def set_position(connection: sqlite3.Connection, position: LogPosition) -> None:
    """Notes how far the file has followed the log."""
    connection.execute("UPDATE replica SET number = ?, token = ?", (position.number, position.token))


def apply_changes(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Brings changes of the log into the tables."""
    changes = list(changes)
    # First what goes: a row that comes may be equal to it in a column that has to be unique.
    for table, key, row in changes:
        if row is None and table != _SEQUENCE:
            connection.execute(f"DELETE FROM {table} WHERE {_KEYS[table]} = ?", (key,))
    statements = {table: _insertion(connection, table) for table in _KEYS}
    for table, key, row in changes:
        if table == _SEQUENCE:
            _raise_last_number(connection, key)
        elif row is not None:
            connection.execute(statements[table], [key, *row])


def all_rows(connection: sqlite3.Connection) -> list[Change]:
    """Every row of every table, as changes that make them."""
    rows: list[Change] = [(_SEQUENCE, last_number(connection), None)]
    for table, key in _KEYS.items():
        columns = ", ".join([key, *_columns(connection, table)])
        where = " WHERE key != 'format'" if table == "meta" else ""
        for row in connection.execute(f"SELECT {columns} FROM {table}{where}"):
            rows.append((table, row[0], list(row[1:])))
    return rows


def last_number(connection: sqlite3.Connection) -> int:
    """The highest number that a document was ever given."""
    rows = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'documents'").fetchall()
    return int(rows[0][0]) if rows else 0


def _raise_last_number(connection: sqlite3.Connection, number: int) -> None:
    """Has the next document get a higher number than this."""
    if last_number(connection) < number:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'documents'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('documents', ?)", (number,))


def start_capturing(connection: sqlite3.Connection) -> None:
    """From now on, the keys of rows that are changed on this connection are noted."""
    # Without this, a row that another one replaces would go unnoticed.
    connection.execute("PRAGMA recursive_triggers = ON")
    connection.execute("CREATE TEMP TABLE changed (tab TEXT NOT NULL, key)")
    for table, key in _KEYS.items():
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
            connection.execute(
                f"CREATE TEMP TRIGGER {table}_{event}_{row} AFTER {event} ON main.{table} "
                f"BEGIN INSERT INTO changed VALUES ('{table}', {row}.{key}); END"
            )


def captured_changes(connection: sqlite3.Connection) -> list[Change]:
    """The rows that were changed since the last call, as they are now."""
    noted = connection.execute("SELECT DISTINCT tab, key FROM temp.changed").fetchall()
    forget_captured(connection)
    changes: list[Change] = []
    for table, key in noted:
        columns = ", ".join([_KEYS[table], *_columns(connection, table)])
        sql = f"SELECT {columns} FROM {table} WHERE {_KEYS[table]} = ?"
        row = connection.execute(sql, (key,)).fetchone()
        changes.append((table, key, list(row[1:]) if row is not None else None))
    if any(table == "documents" for table, _ in noted):
        changes.append((_SEQUENCE, last_number(connection), None))
    return changes


def forget_captured(connection: sqlite3.Connection) -> None:
    """What was noted so far came from the log."""
    connection.execute("DELETE FROM temp.changed")


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that keeps other writers of the file out from its beginning."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _insertion(connection: sqlite3.Connection, table: str) -> str:
    names = [_KEYS[table], *_columns(connection, table)]
    marks = ", ".join("?" * len(names))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})"


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """The columns beside the key."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    return [name for name in names if name != _KEYS[table]]
