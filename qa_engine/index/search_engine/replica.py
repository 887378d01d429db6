"""A copy, in a SQLite file, of the catalog that the log of a collection describes: its changes are applied, and captured.

The file is a cache: it can be deleted at any time, and is then made anew from the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from qa_engine.index.search_engine.state_log import Change

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
CREATE TABLE IF NOT EXISTS abandoned (number INTEGER PRIMARY KEY, nodes INTEGER NOT NULL, since TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replica (mark TEXT NOT NULL, position INTEGER NOT NULL);
"""
"""``visible``: the documents of the published state. ``abandoned``: numbers of documents that were given up, and whose
sentences a writer that has lost its right may still be storing. ``replica``: what the file is a copy of."""


def prepare_replica(connection: sqlite3.Connection, mark: str) -> None:
    """Makes the tables of a replica beside those of the catalog, and empties all that is of another collection."""
    connection.executescript(_OWN_TABLES)
    rows = connection.execute("SELECT mark FROM replica").fetchall()
    if rows != [(mark,)]:
        empty_replica(connection, mark)
        connection.commit()


def empty_replica(connection: sqlite3.Connection, mark: str) -> None:
    """Deletes all rows: the log is to be read from its beginning."""
    for table in _KEYS:
        where = " WHERE key != 'format'" if table == "meta" else ""
        connection.execute(f"DELETE FROM {table}{where}")
    connection.execute("DELETE FROM replica")
    connection.execute("INSERT INTO replica VALUES (?, 0)", (mark,))


def replica_position(connection: sqlite3.Connection) -> int:
    """The position in the log up to which changes were applied."""
    rows = connection.execute("SELECT position FROM replica").fetchall()
    return int(rows[0][0]) if rows else 0


def set_position(connection: sqlite3.Connection, position: int) -> None:
    """Notes that changes up to a position are in the file."""
    connection.execute("UPDATE replica SET position = ?", (position,))


def apply_changes(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Brings changes of the log into the tables."""
    changes = list(changes)
    for table, key, row in changes:
        if row is None:
            connection.execute(f"DELETE FROM {table} WHERE {_KEYS[table]} = ?", (key,))
    for table, key, row in changes:
        if row is None:
            continue
        names = (
            [_KEYS[table], *_columns(connection, table)]
            if _KEYS[table] == "rowid"
            else _columns(connection, table)
        )
        values = [key, *row] if _KEYS[table] == "rowid" else row
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})", values)


def all_rows(connection: sqlite3.Connection) -> list[Change]:
    """Every row of every table, as changes that make them."""
    return [
        change
        for table, key in _KEYS.items()
        for change in _rows(
            connection, table, [one for (one,) in connection.execute(f"SELECT {key} FROM {table}")]
        )
    ]


def last_number(connection: sqlite3.Connection) -> int:
    """The highest number that a document was ever given."""
    rows = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'documents'").fetchall()
    return int(rows[0][0]) if rows else 0


def raise_last_number(connection: sqlite3.Connection, number: int) -> None:
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
    connection.execute("DELETE FROM temp.changed")
    keys: dict[str, list[object]] = {}
    for table, key in noted:
        keys.setdefault(table, []).append(key)
    return [change for table, own in keys.items() for change in _rows(connection, table, own)]


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that keeps other writers of the file out from its beginning."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _rows(connection: sqlite3.Connection, table: str, keys: Iterable[object]) -> Iterator[Change]:
    sql = f"SELECT {', '.join(_columns(connection, table))} FROM {table} WHERE {_KEYS[table]} = ?"
    for key in keys:
        row = connection.execute(sql, (key,)).fetchone()
        yield table, key, list(row) if row is not None else None


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
