"""Faults of SQLite files: a file may be damaged, or sound and out of reach for now."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_SECONDS = 30.0
"""The wait for a file that another process has locked."""
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH}
_DISK = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}


@dataclass(frozen=True)
class SqliteFault:
    """Why a file cannot be used.

    Attributes:
        kind: ``damaged`` is for good; ``busy`` with another process, ``refused`` by permissions, or a ``disk`` without room.
        clause: the predicate of a message whose subject is the file.
    """

    kind: Literal["damaged", "busy", "refused", "disk"]
    clause: str

    @property
    def damaged(self) -> bool:
        """Whether its content is lost."""
        return self.kind == "damaged"

    @classmethod
    def of(cls, error: sqlite3.Error) -> SqliteFault:
        """The fault behind an error. An error without another known cause means damage."""
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in _BUSY:
            return cls("busy", f"has been in use by another process for {_SECONDS:g} s")
        if code in _REFUSED:
            return cls("refused", f"cannot be opened ({error}): check permissions")
        if code in _DISK:
            return cls("disk", f"cannot be read ({error}): check the disk and its free space")
        return cls("damaged", f"is damaged ({error})")


def find_sqlite_fault(file: Path) -> SqliteFault | None:
    """The fault that SQLite's own integrity check finds in a file; None if the file is sound."""
    if not os.access(file, os.R_OK):
        return SqliteFault("refused", "cannot be read: check permissions")
    try:
        with sqlite_connection(file) as connection:
            problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        return SqliteFault.of(error)
    if problems == ["ok"]:
        return None
    return SqliteFault("damaged", f"is damaged ({'; '.join(' '.join(line.split()) for line in problems)})")


@contextmanager
def sqlite_connection(file: Path, seconds: float | None = None) -> Iterator[sqlite3.Connection]:
    """A connection to an existing file, for reading. As for every reader, SQLite itself rolls back what a killed process
    left half written."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(
        sqlite3.connect(address, uri=True, timeout=_SECONDS if seconds is None else seconds)
    ) as connection:
        yield connection
