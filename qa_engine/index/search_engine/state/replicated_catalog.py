"""A catalog that follows the log of a collection: its file is a replica, and what is changed in it is in the log first."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from qa_engine.errors import CollectionNotFoundError, IndexLockedError, QAEngineError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.disk.atomic_file import open_private
from qa_engine.index.search_engine.state.lease import Lease
from qa_engine.index.search_engine.state.replica import (
    all_rows,
    apply_changes,
    captured_changes,
    empty_replica,
    forget_captured,
    immediate,
    last_number,
    prepare_replica,
    replica_position,
    set_position,
    start_capturing,
)
from qa_engine.index.search_engine.state.replica_files import remove_replica
from qa_engine.index.search_engine.state.state_log import LogEntry, LogPosition, StateLog

logger = logging.getLogger("qa_engine.index")
_ATTEMPTS = 5


class ReplicatedCatalog(Catalog):
    """A catalog whose file is a replica of the log of a collection. Thread-safe.

    A reader has the replica of its machine. The writer, which holds a lease, has one of its own.

    Raises:
        StorageError: the replica cannot be written, or the state in the search engine is incomplete.
        ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
        IndexLockedError: another writer has taken over.
    """

    _what = "The replica of the catalog"

    def __init__(self, path: Path, log: StateLog, lease: Lease | None = None) -> None:
        self.log = log
        self.lease = lease
        self._failure: QAEngineError | None = None
        self._captures = False
        self._file = 0
        super().__init__(path, create=True)
        self.synchronise()
        if lease is not None:
            with self._guarded():
                start_capturing(self._connection)
                self._captures = True
            self._take_over(lease)

    def _make_tables(self) -> None:
        super()._make_tables()
        with self._guarded():
            prepare_replica(self._connection, self.log.collection.mark)
            self._file = self._path.stat().st_ino

    def _set_up(self) -> None:
        super()._set_up()
        if self.lease is not None:
            # Nobody reads the writer's file after it. That of the readers has to survive the loss of power: what is
            # damaged then, SQLite might not notice.
            self._connection.execute("PRAGMA synchronous = OFF")

    def after_fork(self) -> None:
        """In a forked child, it can be read alone: the lease is the parent's."""
        super().after_fork()
        self.lease = None

    def synchronise(self) -> None:
        """Brings in what was written since, be it by another machine. One request.

        Raises:
            CollectionNotFoundError: the collection was removed, or removed and made again.
        """
        if self._has_file():
            self._catch_up()
            return
        with self._lock:  # nobody asks a catalog that is empty
            if not self._has_file():
                self._renew_file()
            self._catch_up()

    def _catch_up(self) -> None:
        for _ in range(_ATTEMPTS):
            with self._guarded():
                position = replica_position(self._connection)
            news = self.log.news(position, wait=self.lease is not None)
            if news.collection is None or news.collection.mark != self.log.collection.mark:
                raise CollectionNotFoundError(f"The collection {self.log.collection.name!r} was deleted.")
            if not news.continues:
                self._begin_anew(position)
                continue
            if news.entries:
                self._follow(news.entries)
            return
        raise StorageError(
            f"The log of the collection {self.log.collection.name!r} in the search engine at {self.log.engine.url} "
            "contradicts itself: restore its indices from a snapshot."
        )

    def _follow(self, entries: Sequence[LogEntry]) -> None:
        """Applies changes; those that another process of this machine has applied meanwhile are passed over."""
        with self._guarded(), immediate(self._connection):
            position = replica_position(self._connection)
            for entry in entries:
                if entry.position.number == position.number + 1 and entry.previous == position.token:
                    apply_changes(self._connection, entry.changes)
                    position = entry.position
            set_position(self._connection, position)
            self._forget_captured()

    def _begin_anew(self, former: LogPosition) -> None:
        """Fills the replica from the state that the log begins after, unless another process has just done so.

        Others who use the replica see it as it was, or up to date.
        """
        logger.info("the replica %s is made anew", self._path)
        position, rows = self.log.base()
        news = self.log.news(position)
        if not news.continues:
            return
        with self._guarded(), immediate(self._connection):
            if replica_position(self._connection) != former:
                return
            empty_replica(self._connection, self.log.collection.mark)
            apply_changes(self._connection, rows)
            for entry in news.entries:
                apply_changes(self._connection, entry.changes)
                position = entry.position
            set_position(self._connection, position)
            self._forget_captured()

    def _forget_captured(self) -> None:
        if self._captures:
            forget_captured(self._connection)

    def _has_file(self) -> bool:
        """Whether the file is there: whoever wants the space may delete it, and one that is damaged is deleted."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be read ({error.strerror or error}): check permissions."
            ) from error
        return found.st_ino == self._file and found.st_size > 0

    def _renew_file(self) -> None:
        """Makes the file of a reader anew, empty."""
        if self.lease is not None:
            raise StorageError(f"{self._path} was deleted while it was in use: run the same command again.")
        if self._closed:
            return
        if not self._inherited:
            self._finalizer()
            self._inherited = True  # the next use opens a connection
        with suppress(OSError):  # SQLite says it better
            open_private(self._path, "ab").close()
        self._make_tables()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with super()._guarded():
                yield
        except StorageError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
            if self.lease is None and code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                logger.warning("%s It is made anew.", error)
                remove_replica(self._path)
            raise

    def _take_over(self, lease: Lease) -> None:
        """Writes the first change of a writer: from here on, an earlier one can change nothing."""
        started = json.dumps({"since": datetime.now(UTC).isoformat(timespec="seconds"), "by": lease.token})
        for attempt in range(_ATTEMPTS):
            try:
                self.set_meta(writer=started)
                return
            except IndexLockedError:
                # The last change of the earlier writer has just arrived.
                lease.require()
                if attempt == _ATTEMPTS - 1:
                    raise
                self._failure = None
                self.synchronise()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded():
            lease = self._required_lease()
            if self._writing:  # inside another transaction
                with super()._transaction() as connection:
                    yield connection
                return
            if self._failure is not None:
                raise self._failure
            with super()._transaction() as connection:
                yield connection
                changes = captured_changes(connection)
                if changes:
                    lease.require()
                    with self._noting_failure():
                        position = self.log.append(replica_position(connection), changes)
                        set_position(connection, position)
                        connection.commit()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """After a change that may be in the log and is not in the replica, this writer writes nothing more."""
        self._failure = StorageError(
            f"A change of the collection {self.log.collection.name!r} was cut off: run the same command again."
        )
        try:
            yield
        except QAEngineError as error:
            self._failure = error
            raise
        self._failure = None

    def set_meta(self, **values: str) -> None:
        """Records facts about the collection; those that are recorded already cost nothing."""
        with self._guarded():
            changed = {key: value for key, value in values.items() if self.meta(key) != value}
            if changed:
                super().set_meta(**changed)

    def compact(self) -> None:
        """Has the log begin at the present state, if it has become long."""
        if not self.log.is_long:
            return
        with self._guarded():
            position, rows = replica_position(self._connection), all_rows(self._connection)
        self.log.begin_anew(position, rows)

    @property
    def last_number(self) -> int:
        """The highest number that a document was ever given."""
        with self._guarded():
            return last_number(self._connection)

    def require_right(self) -> None:
        """Raises `IndexLockedError` if this writer may have lost its right."""
        self._required_lease().require()

    def _required_lease(self) -> Lease:
        if self.lease is None:
            raise StorageError(
                f"The collection {self.log.collection.name!r} was opened for reading: open it for writing."
            )
        return self.lease
