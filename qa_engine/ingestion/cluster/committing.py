"""Commits the files that workers have stored, many in one change of the catalog, each whole or not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from qa_engine.errors import DocumentError
from qa_engine.index.records import FileRecord
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.ingestion.cluster.file_jobs import FileJob
from qa_engine.ingestion.cluster.storing import StoredDocument
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.files.state import changed_since
from qa_engine.ingestion.report import StageClock, utc_now
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_file import StoredFile

logger = logging.getLogger("qa_engine.ingestion")

_AT_ONCE = 64
"""Files that need not wait for others."""
_COMMIT_SECONDS = 0.5
"""How long a file that is stored waits for others, with which it is committed."""


@dataclass(eq=False)
class _Ended:
    """A file that can be committed, or why it cannot; ``is_untouched`` if nothing of it was stored."""

    job: FileJob
    result: StoredDocument | DocumentError
    is_untouched: bool
    at: float = field(default_factory=time.monotonic)


class Commits:
    """The files of a run that have ended and are not committed yet."""

    def __init__(self, session: WriteSession, catalog: SharedCatalog, clock: StageClock) -> None:
        self._session = session
        self._catalog = catalog
        self._clock = clock
        self._ended: list[_Ended] = []

    def __bool__(self) -> bool:
        return bool(self._ended)

    def add(self, job: FileJob, result: StoredDocument | DocumentError, is_untouched: bool = False) -> None:
        """Takes a file that is stored, or cannot be; ``is_untouched`` if nothing of it was stored."""
        self._ended.append(_Ended(job, result, is_untouched))

    def are_due(self, idle: bool) -> bool:
        """Whether to commit now; ``idle`` if no others will come soon."""
        if not self._ended:
            return False
        oldest = time.monotonic() - self._ended[0].at
        return idle or len(self._ended) >= _AT_ONCE or oldest >= _COMMIT_SECONDS

    def commit(self) -> Iterator[StoredFile | UnreadFile]:
        """Commits the files that still are what was read, in one change."""
        ended, self._ended = self._ended, []
        outcomes: list[StoredFile | UnreadFile] = []
        with self._clock("committing"):
            unstored = []
            with self._catalog.together():
                for one in ended:
                    file, result = one.job.file, one.result
                    if isinstance(result, StoredDocument):
                        error = changed_since(file.path, file.record)
                        if error is None:
                            record = self._commit_file(file, result)
                            outcomes.append(
                                StoredFile(file, record, result.seconds, result.warnings, result.left_out)
                            )
                            continue
                    else:
                        error = result
                        if one.is_untouched:
                            unstored.append(file.record.document_id)
                    outcomes.append(file.unread(error))
                self._catalog.withdraw(unstored)
        self._session.nodes.in_work.difference_update(one.job.file.record.document_id for one in ended)
        logger.debug("committed: %d files", len(ended))
        yield from outcomes

    def _commit_file(self, file: FileChange, stored: StoredDocument) -> FileRecord:
        record = replace(stored.record, ingested_at=utc_now())
        self._catalog.set_identity(record.document_id, stored.identity)
        self._catalog.commit_stored(record, stored.seal)
        if file.moved_from is not None:
            self._catalog.remove(file.moved_from)
        return record
