"""A SQLite file of a collection: one connection for all threads, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar

from qa_engine.errors import StorageError
from qa_engine.forks import follow_forks, keep
from qa_engine.index.disk.atomic_file import open_private

_VALUES = 400
"""Most values that are bound in one statement."""


def select_in(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement with ``IN ({})``, for any number of values."""
    for start in range(0, len(values), _VALUES):
        part = values[start : start + _VALUES]
        yield from connection.execute(sql.format(", ".join("?" * len(part))), part)


class SqliteFile:
    """Opens, or creates, a SQLite file. Thread-safe.

    Raises:
        StorageError: the file cannot be opened, read or written.
    """

    _what: ClassVar[str]
    """The noun that messages put before the path of the file."""

    def __init__(self, path: Path, create: bool) -> None:
        self._path = path
        self._lock = RLock()
        self._writing = False
        self._closed = False
        self._inherited = False
        if create:
            with suppress(OSError):  # SQLite says it better
                open_private(path, "ab").close()
        with self._guarded():
            self._connect()
        follow_forks(self)

    def _connect(self) -> None:
        self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw", uri=True, timeout=30, check_same_thread=False
        )
        self._finalizer = weakref.finalize(self, self._connection.close)
        self._finalizer.atexit = False
        self._set_up()

    def _set_up(self) -> None:
        """What subclasses do with each new connection."""

    def after_fork(self) -> None:
        """In a forked child, SQLite's locks are the parent's: the next use opens a connection of its own."""
        self._lock = RLock()
        self._writing = False
        if not self._closed:
            self._finalizer.detach()
            keep(self._connection)
            self._inherited = True

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def close(self) -> None:
        """Closes the file: later uses raise `StorageError`, a second call does nothing."""
        with self._lock:
            self._closed = True
            if not self._inherited:
                self._connection.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._lock:
                if self._inherited and not self._closed:
                    self._connect()
                    self._inherited = False
                yield
        except sqlite3.Error as error:
            if self._closed:
                raise StorageError(
                    f"{self._what} {self._path} cannot be used: it was closed, open the collection again."
                ) from error
            raise StorageError(
                f"{self._what} {self._path} cannot be used ({error}): check permissions and free space."
            ) from error

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is written at once, or not at all."""
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded():
            if self._writing:  # inside another transaction
                yield self._connection
                return
            self._writing = True
            try:
                with self._connection:
                    yield self._connection
            finally:
                self._writing = False

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._guarded():
            return self._connection.execute(sql, values).fetchall()
