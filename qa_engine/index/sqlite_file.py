"""A SQLite file of a collection: one connection for all threads, and errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar

from qa_engine.errors import StorageError


class SqliteFile:
    """Opens, or creates, a SQLite file. Thread-safe.

    Raises:
        StorageError: the file cannot be opened, read or written.
    """

    _what: ClassVar[str]
    """How a message calls the file, before its path."""

    def __init__(self, path: Path, create: bool) -> None:
        self._path = path
        self._lock = RLock()
        self._writing = False
        mode = "rwc" if create else "rw"
        with self._guarded():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30, check_same_thread=False
            )

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
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
            if self._writing:  # part of a larger one
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
