"""Has the workers of a Ray cluster store files in a collection whose parts are on servers; this machine commits them.

Files are announced, many in one change of the catalog, before workers get them, so that whatever a run that is cut off has
stored is found and deleted by the next one. A commit then is a change of the catalog too, again of many files at once: this
machine neither sees texts nor vectors.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from qa_engine.errors import DocumentError, QAEngineError
from qa_engine.index.records import FileRecord
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.vectors.locations import VectorLocation
from qa_engine.ingestion.cluster.connection import ray_connection
from qa_engine.ingestion.cluster.file_jobs import WAIT_SECONDS, FileJob, FileJobs
from qa_engine.ingestion.cluster.processors import (
    MAX_TRIES,
    RETRY_SECONDS,
    TASK,
    Processors,
    transient_reason,
)
from qa_engine.ingestion.cluster.settings import sent, worker_settings
from qa_engine.ingestion.cluster.storing import (
    NumberedFile,
    StoredDocument,
    StoringSettings,
    store_file,
    store_slice,
)
from qa_engine.ingestion.embedding_windows import SLICE
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.files.state import changed_since
from qa_engine.ingestion.report import StageClock, utc_now
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_file import StoredFile
from qa_engine.models.token_codes import TokenCodec

logger = logging.getLogger("qa_engine.ingestion")

_AT_ONCE = 64
"""Files that are announced, and at most committed, in one change of the catalog."""
_COMMIT_SECONDS = 0.5
"""How long a file that is stored waits for others, with which it is committed."""


@contextmanager
def ray_writers(
    session: WriteSession, catalog: SharedCatalog, codec: TokenCodec | None, clock: StageClock, ocr: bool
) -> Iterator[RayWriters]:
    """A `StoringPipeline` on the cluster that the configuration names. Its tasks end with it.

    Args:
        session, clock: of the run; the embedding model of the session, if it has one, is sent to the workers.
        catalog: that of the session.
        codec: the codec of the token vectors; None stores none.
        ocr: whether pages without text are recognised.

    Raises:
        ConfigurationError: Ray is of another version than the cluster, or cannot send the model.
        ServiceUnavailableError: no cluster answers at the address.
    """
    address = session.config.ingestion.ray_address
    assert address is not None
    with clock("loading"):
        assert session.nodes.store.is_remote
        vectors = VectorLocation.of(catalog)
        assert vectors is not None
    with ray_connection(address):
        settings = StoringSettings(
            worker_settings(session, codec),
            catalog.log.collection,
            vectors.name,
            ocr,
            catalog.token_generation,
        )
        writers = RayWriters(address, session, catalog, settings, clock)
        try:
            yield writers
        finally:
            writers.cancel()


@dataclass(eq=False)
class _LongFile:
    """A long file, the slices of which are shared among the workers.

    Attributes:
        job, stored: the file, and what was stored of it at first.
        left: the slices that are not stored yet.
        running: how many of them workers have.
        seconds: how long workers took.
        failure: why the file is given up; it has ended when no worker stores any of it.
    """

    job: FileJob
    stored: StoredDocument
    left: int
    running: int = 0
    seconds: float = 0.0
    failure: DocumentError | None = None


@dataclass(eq=False)
class _SliceJob:
    file: _LongFile
    place: int
    tries: int = 0
    not_before: float = 0.0


@dataclass(eq=False)
class _Ended:
    """A file that can be committed, or why it cannot; ``is_untouched`` if nothing of it was stored."""

    job: FileJob
    result: StoredDocument | DocumentError
    is_untouched: bool = False
    at: float = field(default_factory=time.monotonic)


class RayWriters:
    """Stores the files of one run by the workers of a cluster; see `ray_writers`."""

    def __init__(
        self,
        address: str,
        session: WriteSession,
        catalog: SharedCatalog,
        settings: StoringSettings,
        clock: StageClock,
    ) -> None:
        import ray

        self._session = session
        self._catalog = catalog
        self._clock = clock
        self._settings = sent(settings, session.embed_model)
        self._slice_task = ray.remote(**TASK)(store_slice)
        self._file_task = ray.remote(**TASK)(store_file)
        self._processors = Processors(address, session.progress)
        self._jobs = FileJobs(session.config.documents, self._processors, self._submit)
        self._unannounced: deque[FileChange] = deque()
        self._slices: deque[_SliceJob] = deque()
        self._running_slices: dict[Any, _SliceJob] = {}
        self._ended: list[_Ended] = []

    def run(self, files: Sequence[FileChange]) -> Iterator[StoredFile | UnreadFile]:
        """See `StoringPipeline`.

        Raises:
            ConfigurationError: qa_engine on a worker is missing or of another version.
            ModelUnavailableError, ServiceUnavailableError: the embedding model or a server is not there.
            StorageError, AuthenticationFailedError: a server refuses.
            IndexLockedError: another process has taken over.
        """
        self._unannounced.extend(files)
        try:
            while not self._session.progress.stopped() and self._is_busy():
                self._catalog.require_right()
                self._announce()
                for job, error in self._jobs.start(len(self._running_slices)):
                    self._ended.append(_Ended(job, error, is_untouched=not job.tries))
                self._start_slices()
                with self._clock("waiting for parsing"):
                    self._wait()
                if self._is_due():
                    yield from self._commit()
            if self._ended:
                yield from self._commit()
        finally:
            self._withdraw_waiting()

    def cancel(self) -> None:
        """Ends the tasks that still run on the workers."""
        import ray

        for ref in [*self._jobs.running, *self._running_slices]:
            with suppress(Exception):  # the cluster may be gone
                ray.cancel(ref, force=True)
        self._jobs.running.clear()
        self._running_slices.clear()

    def _is_busy(self) -> bool:
        jobs = self._jobs
        slices = self._slices or self._running_slices
        return bool(self._unannounced or jobs.waiting or jobs.running or slices or self._ended)

    def _submit(self, job: FileJob, file: Any) -> Any:
        numbered = NumberedFile(file, job.file.record, job.number)
        return self._file_task.remote(numbered, self._settings)

    # -- what is announced, and taken back

    def _announce(self) -> None:
        """Announces the next files, before workers run out of them."""
        if not self._unannounced or len(self._jobs.waiting) >= _AT_ONCE // 2:
            return
        with self._clock("announcing"):
            files = [self._unannounced.popleft() for _ in range(min(_AT_ONCE, len(self._unannounced)))]
            numbers = self._catalog.announce([file.record.document_id for file in files])
            self._session.nodes.in_work.update(numbers)
            self._jobs.waiting.extend(FileJob(file, numbers[file.record.document_id]) for file in files)

    def _withdraw_waiting(self) -> None:
        """Takes the announcements of files back that no worker was given: the run has ended early."""
        self._unannounced.clear()
        waiting = [job.file.record.document_id for job in self._jobs.waiting if not job.tries]
        self._jobs.waiting.clear()
        if waiting:
            with suppress(QAEngineError):  # the next run does it
                self._catalog.withdraw(waiting)
                self._session.nodes.in_work.difference_update(waiting)

    # -- what workers do

    def _start_slices(self) -> None:
        room = self._processors.max_jobs() - len(self._running_slices)
        while self._slices and room > 0 and self._slices[0].not_before <= time.monotonic():
            job = self._slices.popleft()
            if job.file.failure is not None:
                continue
            whole = job.file.job
            task = self._slice_task.remote(
                whole.file.record.document_id, whole.number, job.place, self._settings
            )
            self._running_slices[task] = job
            job.file.running += 1
            room -= 1

    def _wait(self) -> None:
        """Waits for a result, and takes all that are there."""
        import ray

        running = [*self._running_slices, *self._jobs.running]
        if not running:
            if self._jobs.waiting or self._slices:
                time.sleep(WAIT_SECONDS)
            return
        ready, _ = ray.wait(running, timeout=WAIT_SECONDS)
        if ready:
            ready, _ = ray.wait(running, num_returns=len(running), timeout=0)
        for ref in ready:
            if ref in self._running_slices:
                self._slice_ended(ref)
                continue
            ended = self._jobs.result(ref)
            if ended is None:
                continue
            job, result = ended
            if isinstance(result, StoredDocument) and result.slices:
                file = _LongFile(job, result, result.slices)
                self._slices.extend(_SliceJob(file, place) for place in range(result.slices))
            else:
                refused = isinstance(result, DocumentError) and not job.tries
                self._ended.append(_Ended(job, result, refused))

    def _slice_ended(self, ref: Any) -> None:
        import ray
        from ray.exceptions import RayError

        job = self._running_slices.pop(ref)
        file = job.file
        file.running -= 1
        try:
            file.seconds += ray.get(ref)
            file.left -= 1
        except RayError as error:
            self._slice_failed(job, transient_reason(error))
        if file.failure is not None:
            if not file.running:
                self._ended.append(_Ended(file.job, file.failure))
            return
        total = file.stored.record.nodes
        done = min(total, (file.stored.slices - file.left) * SLICE)
        self._session.progress.sentences_done(done, total)
        if not file.left:
            stored = replace(file.stored, seconds=file.stored.seconds + file.seconds)
            self._ended.append(_Ended(file.job, stored))

    def _slice_failed(self, job: _SliceJob, why: str) -> None:
        job.tries += 1
        name = job.file.job.file.path.name
        logger.warning("Ray worker lost on sentences of %s, try %d: %s", name, job.tries, why)
        if job.tries < MAX_TRIES:
            job.not_before = time.monotonic() + job.tries * RETRY_SECONDS
            self._slices.append(job)
        else:
            message = f"{name} was given up after {job.tries} Ray workers failed on its sentences ({why})."
            job.file.failure = DocumentError("crashed", message)

    # -- what this machine writes

    def _is_due(self) -> bool:
        if not self._ended:
            return False
        idle = not self._jobs.running and not self._running_slices
        oldest = time.monotonic() - self._ended[0].at
        return idle or len(self._ended) >= _AT_ONCE or oldest >= _COMMIT_SECONDS

    def _commit(self) -> Iterator[StoredFile | UnreadFile]:
        """Commits the files that are stored and still are what was read, in one change."""
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
