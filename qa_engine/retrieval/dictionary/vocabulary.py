"""The table of the dictionary, opened for reading."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qa_engine.forks import RenewedLock, follow_forks, keep
from qa_engine.index.disk.sqlite_file import select_in


class Vocabulary:
    """What the dictionary has for words of both languages; one connection for all threads. Forked children open their own.

    All methods raise ``sqlite3.Error`` if the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = RenewedLock()
        self._connect()
        follow_forks(self)

    def _connect(self) -> None:
        # Immutable: nobody changes a table that is complete, and a cache may be on a disk that cannot be written.
        self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._finalizer = weakref.finalize(self, self._connection.close)
        self._finalizer.atexit = False

    def after_fork(self) -> None:
        """See `qa_engine.forks`."""
        self._finalizer.detach()
        keep(self._connection)
        self._connect()

    def close(self) -> None:
        """Closes the file; it cannot be used any more."""
        self._finalizer()

    def check(self) -> str:
        """The attribution of the table, after a look at all of it."""
        with self._lock:
            state = self._connection.execute("PRAGMA quick_check").fetchone()
        if state != ("ok",):
            raise sqlite3.DatabaseError(str(state[0]))
        (row,) = self._rows("SELECT value FROM about WHERE name IN ({})", ["attribution"])
        return str(row[0])

    def chinese(self, words: Sequence[str]) -> dict[str, str]:
        """The glosses of Chinese words, by word: a line each, the gloss and its stems with a tabulator between."""
        return dict(self._rows("SELECT word, glosses FROM chinese WHERE word IN ({})", words))

    def english(self, phrases: Sequence[str]) -> dict[str, str]:
        """The Chinese words, a line each, by the stems of an English phrase with blanks between."""
        return dict(self._rows("SELECT stems, words FROM english WHERE stems IN ({})", phrases))

    def readings(self, words: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The pinyin of characters, and that which words have as surnames; each is empty if there is none."""
        sql = "SELECT word, given, surname FROM readings WHERE word IN ({})"
        return {word: (given, surname) for word, given, surname in self._rows(sql, words)}

    def _rows(self, sql: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        with self._lock:
            return list(select_in(self._connection, sql, list(dict.fromkeys(keys))))
