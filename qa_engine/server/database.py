"""The database of the server: what it must still know after a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from qa_engine.errors import StorageError

_BUSY_SECONDS = 10
_FORMAT = 1
"""Of the tables. A version of the package that changes one counts it up, and converts what it finds."""


class ServerDatabase:
    """One SQLite file, shared by the parts of the server; each makes its own tables with `create`. Thread-safe.

    A transaction that has ended is on the disk.
    """

    def __init__(self, path: Path) -> None:
        """
        Args:
            path: the file; it and its folder are made if they are missing.

        Raises:
            StorageError: it cannot be opened or made, or is of a later version of the package.
        """
        self.path = path
        self._lock = Lock()
        self._reading = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(
                path, _BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._reader = sqlite3.connect(path, _BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._reader.row_factory = sqlite3.Row
            self._reader.execute("PRAGMA query_only = ON")
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            if found == 0:
                self._connection.execute(f"PRAGMA user_version = {_FORMAT}")
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"The database of the server, {path}, cannot be opened: {error}.") from error
        if found not in {0, _FORMAT}:
            self.close()
            raise StorageError(
                f"The database of the server, {path}, has format {found}, and this version reads {_FORMAT}: install the "
                "version of qa_engine that made it, or move the file away, with the keys and jobs in it."
            )

    def create(self, *statements: str) -> None:
        """Makes tables and indexes that are missing.

        Args:
            statements: ``CREATE … IF NOT EXISTS``.
        """
        with self.transaction() as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def transaction(self, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection for reading and writing; what was written counts if the block ends without an error.

        Call it from a thread, not from an event loop: writing waits for the disk.

        Args:
            durable: whether it waits until the disk has it; without that, a power cut may undo it.

        Raises:
            StorageError: the database cannot be read or written.
        """
        with self._lock:
            try:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise StorageError(
                    f"The database of the server, {self.path}, cannot be used: {error}."
                ) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for short reading: it sees what has been committed, and does not wait for those who write.

        Raises:
            StorageError: the database cannot be read.
        """
        with self._reading:
            try:
                yield self._reader
            except sqlite3.Error as error:
                raise StorageError(
                    f"The database of the server, {self.path}, cannot be read: {error}."
                ) from error

    def close(self) -> None:
        """Closes the file. Closing again does nothing."""
        with self._lock, self._reading:
            self._reader.close()
            self._connection.close()
