"""Has the workers of a Ray cluster store files in a collection whose parts are on servers; this machine commits them.

Files are announced, many in one change of the catalog, before workers get them, so that whatever a run that is cut off has
stored is found and deleted by the next one. A worker stores what a file is made of, and embeds its sentences; another one
puts the vectors of many files on the Chroma server. This machine is told when that is done, and commits the files.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from qa_engine.errors import DocumentError, QAEngineError
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.vectors.locations import VectorLocation
from qa_engine.ingestion.cluster.committing import Commits
from qa_engine.ingestion.cluster.connection import ray_connection
from qa_engine.ingestion.cluster.file_jobs import WAIT_SECONDS, FileJob, FileJobs
from qa_engine.ingestion.cluster.long_files import LongFiles, SliceJob
from qa_engine.ingestion.cluster.processors import TASK, Processors
from qa_engine.ingestion.cluster.settings import sent, worker_settings
from qa_engine.ingestion.cluster.storing import (
    NumberedFile,
    StoredDocument,
    StoringSettings,
    embed_stored_slice,
    store_file,
)
from qa_engine.ingestion.cluster.vector_jobs import EmbeddedPart, VectorJobs
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.report import StageClock
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_file import StoredFile
from qa_engine.models.token_codes import TokenCodec

logger = logging.getLogger("qa_engine.ingestion")

_AT_ONCE = 64
"""Files that are announced in one change of the catalog."""


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


@dataclass(frozen=True, eq=False)
class _ReadFile:
    """A file of which all but vectors is stored."""

    job: FileJob
    document: StoredDocument


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
        task = {**TASK, "num_returns": 2}
        self._file_task = ray.remote(**task)(store_file)
        self._slice_task = ray.remote(**task)(embed_stored_slice)
        self._processors = Processors(address, session.progress)
        self._jobs = FileJobs(session.config.documents, self._processors, self._submit)
        self._long = LongFiles(self._processors, session.progress, self._submit_slice)
        self._vectors: VectorJobs[SliceJob | _ReadFile] = VectorJobs(self._settings)
        self._unannounced: deque[FileChange] = deque()
        self._commits = Commits(session, catalog, clock)

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
                if self._vectors.has_room:
                    self._start()
                yield from self._turn()
            while self._vectors.is_busy:  # the run was stopped: what is embedded is not thrown away
                self._catalog.require_right()
                yield from self._turn(stopping=True)
            if self._commits:
                yield from self._commits.commit()
        finally:
            self._withdraw_waiting()

    def cancel(self) -> None:
        """Ends the tasks that still run on the workers."""
        import ray

        for ref in [*self._jobs.running, *self._long.running]:
            with suppress(Exception):  # the cluster may be gone
                ray.cancel(ref, force=True)
        self._jobs.running.clear()
        self._long.running.clear()
        self._vectors.cancel()

    def _is_busy(self) -> bool:
        at_work = self._jobs.running or self._long.is_busy or self._vectors.is_busy
        return bool(self._unannounced or self._jobs.waiting or at_work or self._commits)

    def _start(self) -> None:
        """Gives files and slices to workers."""
        for job, error in self._jobs.start(len(self._long.running)):
            self._commits.add(job, error, is_untouched=not job.tries)
        self._long.start()

    def _submit(self, job: FileJob, file: Any) -> Any:
        numbered = NumberedFile(file, job.file.record, job.number)
        document, job.rows = self._file_task.remote(numbered, self._settings)
        return document

    def _submit_slice(self, job: SliceJob) -> Any:
        file = job.file.job
        seconds, job.rows = self._slice_task.remote(
            file.file.record.document_id, file.number, job.place, self._settings
        )
        return seconds

    def _turn(self, stopping: bool = False) -> Iterator[StoredFile | UnreadFile]:
        """Stores vectors, waits for a result, and commits what is due. A run that is stopping waits for vectors alone."""
        self._vectors.start(at_once=stopping or self._is_nothing_embedded())
        with self._clock("waiting for parsing"):
            self._wait([] if stopping else [*self._long.running, *self._jobs.running])
        if self._commits.are_due(idle=self._is_nothing_embedded() and not self._vectors.is_busy):
            yield from self._commits.commit()

    def _is_nothing_embedded(self) -> bool:
        return not self._jobs.running and not self._long.running

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

    def _wait(self, running: list[Any]) -> None:
        """Waits for a result of some tasks, or for vectors to be stored, and takes all results that are there."""
        import ray

        running = [*self._vectors.running, *running]
        if not running:
            if self._is_busy() and not self._commits:
                time.sleep(WAIT_SECONDS)
            return
        ready, _ = ray.wait(running, timeout=WAIT_SECONDS)
        if ready:
            ready, _ = ray.wait(running, num_returns=len(running), timeout=0)
        for ref in ready:
            if ref in self._vectors.running:
                self._take_stored(ref)
            elif ref in self._long.running:
                self._take_slice(ref)
            else:
                self._take_file(ref)
        for job, result in self._long.ended():
            self._commits.add(job, result)

    def _take_file(self, ref: Any) -> None:
        ended = self._jobs.result(ref)
        if ended is None:
            return
        job, result = ended
        if isinstance(result, StoredDocument) and result.slices:
            self._long.add(job, result)
        elif isinstance(result, StoredDocument) and result.record.nodes:
            self._vectors.add(EmbeddedPart(_ReadFile(job, result), job.rows, result.record.nodes))
        else:
            refused = isinstance(result, DocumentError) and not job.tries
            self._commits.add(job, result, refused)
        job.rows = None

    def _take_slice(self, ref: Any) -> None:
        job = self._long.result(ref)
        if job is not None:
            self._vectors.add(EmbeddedPart(job, job.rows, job.count))
            job.rows = None

    def _take_stored(self, ref: Any) -> None:
        """Files and slices whose vectors are stored, or have to be computed again: a machine that had them is lost."""
        parts, lost = self._vectors.result(ref)
        for part in parts:
            origin = part.origin
            if isinstance(origin, SliceJob):
                if lost is None:
                    self._long.stored(origin, part.seconds)
                else:
                    self._long.lost(origin, lost)
                continue
            failure = None if lost is None else self._jobs.lost(origin.job, lost)
            if failure is not None:
                self._commits.add(origin.job, failure)
            elif lost is None:
                document = replace(origin.document, seconds=origin.document.seconds + part.seconds)
                self._commits.add(origin.job, document)
