"""One job after the other, in the order in which they came; and the turns of what is written in between."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Condition, Thread

from filelock import FileLock, Timeout

from qa_engine.config import Config
from qa_engine.errors import IndexLockedError, QAEngineError
from qa_engine.server.database import ServerDatabase
from qa_engine.server.jobs.records import FileTask, Job, JobKind
from qa_engine.server.jobs.store import JobStore
from qa_engine.server.jobs.worker import JobWorker

logger = logging.getLogger("qa_engine.server")

_LOCKED_SECONDS = 3.0
"""After that a job is tried again whose collection another process was writing to."""
_IDLE_SECONDS = 1.0
"""How often the queue looks for what other processes have changed."""
_SPARE_SECONDS = 30.0
"""How long the process that works for jobs is kept for the next one. It holds half a gigabyte."""
_CLOSING_SECONDS = 10.0
"""For the process of the job in work, to end at the next page."""


class JobQueue:
    """Does the jobs of a store, one at a time, in a thread of its own.

    Of several servers on one storage, one does the jobs.
    """

    def __init__(self, store: JobStore, worker: JobWorker, days: int = 30) -> None:
        """
        Args:
            store: the jobs.
            worker: does them.
            days: how long jobs are remembered that are over.
        """
        self.store = store
        self.seconds_per_file = 0.0
        """A moving average of what a file took; 0 until a job is over."""
        self._worker = worker
        self._days = days
        self._changed = Condition()
        self._stopped = False
        self._first: Callable[[], None] = lambda: None
        self._writers: set[str] = set()
        self._retry_at: dict[str, float] = {}
        self._thread = Thread(target=self._run, name="jobs", daemon=True)

    @classmethod
    def over(
        cls,
        database: ServerDatabase,
        config: Config,
        changed: Callable[[], None],
        ingested: Callable[[int], None] = lambda pages: None,
    ) -> JobQueue:
        """The queue of a server.

        Args:
            database: where jobs are kept.
            config: the settings, with the storage.
            changed: is called, from any thread, when something has happened to a job.
            ingested: is called with the number of pages of each file that was read into a collection.
        """
        store = JobStore(database, changed, ingested)
        worker = JobWorker(store, config, config.server.ingestion_threads)
        return cls(store, worker, config.server.job_days)

    def add(self, kind: JobKind, collection: str, files: Sequence[FileTask]) -> Job:
        """Queues a job, see `JobStore.add`."""
        job = self.store.add(kind, collection, files)
        self.wake()
        return job

    def start(self, first: Callable[[], None] = lambda: None) -> None:
        """Starts the thread. It first queues the jobs again that were in work when the last server ended.

        Args:
            first: is called in the thread before the first job, as soon as no other server does jobs.
        """
        self._first = first
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread. A job in work is interrupted; it goes on when a queue starts the next time."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._worker.release()
        if self._thread.ident is not None:
            self._thread.join(_CLOSING_SECONDS)
        if self._thread.is_alive():
            self._worker.kill()
            self._thread.join()
        self._worker.close()

    def wake(self) -> None:
        """Says that there is a new job."""
        with self._changed:
            self._changed.notify_all()

    def cancel(self, job_id: str) -> Job:
        """Cancels a job: one in work at the next page.

        Raises:
            KeyError: there is no such job.
            JobOverError: it is over.
        """
        job = self.store.cancel(job_id)
        self._worker.stop_job(job_id)
        return job

    @contextmanager
    def turn(self, collection: str, seconds: float) -> Iterator[None]:
        """Waits for the jobs of a collection that came before, and keeps the next ones waiting until the block ends.

        Args:
            collection: its name.
            seconds: the longest wait.

        Raises:
            IndexLockedError: the jobs were not done in that time.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while collection in self._writers or self.store.is_busy(collection):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise IndexLockedError(
                        f"Jobs of the collection {collection!r} were not done within {seconds:g} s."
                    )
                self._changed.wait(min(left, _IDLE_SECONDS))
            self._writers.add(collection)
        try:
            yield
        finally:
            with self._changed:
                self._writers.discard(collection)
                self._changed.notify_all()

    def remove_unused_uploads(self) -> None:
        """Removes uploaded contents that no file has any more. What goes wrong is logged: the next time may do it."""
        try:
            self._worker.remove_unused_uploads()
        except QAEngineError as error:
            logger.warning("unused uploads were not removed: %s", error)

    # -- the thread

    def _run(self) -> None:
        lock = FileLock(self.store.database.path.with_name("jobs.lock"), mode=0o600)
        while not self._stopped:
            with suppress(Timeout):
                lock.acquire(timeout=_IDLE_SECONDS)
                break
        if self._stopped:
            lock.release()
            return
        try:
            self._work()
        finally:
            lock.release()

    def _work(self) -> None:
        while not self._stopped and not self._prepared():
            self._pause()
        while (job := self._next()) is not None:
            try:
                started = time.monotonic()
                outcome = self._worker.work(job)
                if outcome == "locked":
                    self._retry_at[job.collection] = time.monotonic() + _LOCKED_SECONDS
                elif outcome == "over":
                    self._measure(len(job.files), time.monotonic() - started)
                    self.store.forget(self._days)
                    self.remove_unused_uploads()
            except QAEngineError as error:  # the database: the disk is full, perhaps
                logger.error("job %s cannot go on now: %s", job.id, error)
                self._pause()
                self._try_to_recover()
            except Exception:  # one job must not keep the others waiting
                logger.exception("job %s failed", job.id)
                with suppress(QAEngineError):
                    self.store.finish(job.id, ("internal", "The server failed."))
            self.wake()

    def _prepared(self) -> bool:
        """Does what comes before the first job. What goes wrong is logged, and has to be done again."""
        try:
            self._first()
            self.store.recover()
            self.store.forget(self._days)
            self._worker.complete_removals()
        except QAEngineError as error:
            logger.error("jobs cannot begin: %s", error)
            return False
        self.remove_unused_uploads()
        return True

    def _next(self) -> Job | None:
        """Waits for a job; None when the queue is to end."""
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                waiting = {name for name, when in self._retry_at.items() if when > now}
                try:
                    job = self.store.next(self._writers | waiting)
                except QAEngineError as error:
                    logger.error("jobs cannot be read: %s", error)
                    job = None
                if job is not None:
                    return job
                self._worker.close(idle_seconds=_SPARE_SECONDS)
                self._changed.wait(_IDLE_SECONDS)
        return None

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, _LOCKED_SECONDS)

    def _try_to_recover(self) -> None:
        with suppress(QAEngineError):
            self.store.recover()

    def _measure(self, files: int, seconds: float) -> None:
        took = seconds / max(1, files)
        self.seconds_per_file = (
            took if not self.seconds_per_file else 0.7 * self.seconds_per_file + 0.3 * took
        )
