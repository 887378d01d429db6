"""Does jobs: has their files gone through by a process of its own, and records what becomes of them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from qa_engine import errors
from qa_engine.config import Config
from qa_engine.ingestion.collections import complete_removals
from qa_engine.ingestion.maintenance.unused_uploads import remove_unused_uploads
from qa_engine.server.jobs.child import ChildTask
from qa_engine.server.jobs.process import CHILD_MODULE, ChildProcess
from qa_engine.server.jobs.records import Job
from qa_engine.server.jobs.store import JobStore
from qa_engine.server.problems import problem_of, without_paths

logger = logging.getLogger("qa_engine.server")

MAX_CRASHES = 5
"""Processes of one job that may end before their time; after that the rest of its files is given up."""
Outcome = Literal["over", "locked", "interrupted"]


@dataclass
class _Attempt:
    """How a process with a task ended.

    Attributes:
        ended: whether it said that it was done.
        locked: another process writes to the collection; says which.
        failure: reason and message of what nothing more can be done about.
        at_work_on: the path of the file that it had begun, where it goes through them one by one.
    """

    ended: bool = False
    locked: str | None = None
    failure: tuple[str, str] | None = None
    at_work_on: str | None = None


class JobWorker:
    """Does jobs, one at a time. Its process stays for the next job; other threads may call what ends or stops it."""

    def __init__(
        self, store: JobStore, config: Config, threads: int = 1, child_module: str = CHILD_MODULE
    ) -> None:
        """
        Args:
            store: the jobs.
            config: the settings, with the storage.
            threads: of the embedding model of a job, and processes that read its files.
            child_module: the module that its process runs.
        """
        self.storage = config.storage
        self._store = store
        self._config = config
        self._threads = threads
        self._child_module = child_module
        self._lock = Lock()
        self._process: ChildProcess | None = None
        self._job: str | None = None
        self._idle_since = 0.0
        self._released = False

    def work(self, job: Job) -> Outcome:
        """Does a job that waits.

        Returns:
            ``over``: it has ended; ``locked``: it waits again, because another process writes to its collection;
            ``interrupted``: `release` was called.
        """
        self._store.start(job.id)
        crashes, one_by_one = 0, False
        failure: tuple[str, str] | None = None
        while tasks := self._store.tasks(job.id):
            if self._released:
                self._store.interrupt(job.id)
                return "interrupted"
            if self._store.is_cancelling(job.id):
                break
            task = ChildTask(job.kind, job.collection, self._config, tuple(tasks), self._threads, one_by_one)
            attempt = self._attempt(job, task)
            if self._released:
                continue
            if attempt.locked is not None:
                self._store.wait(job.id, attempt.locked)
                return "locked"
            if attempt.failure is not None:
                failure = attempt.failure
                break
            if attempt.ended:
                if self._store.tasks(job.id) and not self._store.is_cancelling(job.id):
                    failure = ("crashed", "The file was passed over.")
                break
            crashes += 1
            logger.warning("job %s: its process ended before its time (%d times)", job.id, crashes)
            if attempt.at_work_on is not None:
                self._store.file_failed(
                    job.id, attempt.at_work_on, "crashed", "It ended the process that ingested it."
                )
            if crashes > MAX_CRASHES:
                failure = ("crashed", f"The job was given up after {crashes} of its processes ended.")
                break
            one_by_one = True
        ended = self._store.finish(job.id, failure)
        logger.info("job %s %s: %s", job.id, ended.state, ended.counts)
        return "over"

    def complete_removals(self) -> None:
        """Deletes what a server that ended left of collections that were removed."""
        complete_removals(self.storage, self._config)

    def remove_unused_uploads(self) -> None:
        """Removes uploaded contents that no file has any more, and no job awaits.

        Raises:
            StorageError: they cannot be removed.
        """
        remove_unused_uploads(self.storage, self._store.awaited_contents, self._config.index)

    def stop_job(self, job_id: str) -> None:
        """Asks the process of a job to end at the next page, if it is in work. The job is marked as cancelled already."""
        with self._lock:
            if self._process is not None and self._job == job_id:
                self._process.stop()

    def release(self) -> None:
        """Asks the process of the job in work to end; the job is interrupted, and so are others from now on."""
        with self._lock:
            self._released = True
            if self._process is not None:
                self._process.stop()

    def kill(self) -> None:
        """Ends the process of the job in work at once."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def close(self, idle_seconds: float = 0) -> None:
        """Ends the process, if it has had nothing to do for so long."""
        with self._lock:
            if self._job is None and time.monotonic() - self._idle_since >= idle_seconds:
                process, self._process = self._process, None
                if process is not None:
                    process.close()

    def _attempt(self, job: Job, task: ChildTask) -> _Attempt:
        attempt = _Attempt()
        try:
            with self._lock:
                if self._process is None:
                    self._process = ChildProcess(self._child_module)
                process, self._job = self._process, job.id
                messages = process.perform(task)
        except OSError as error:
            attempt.failure = ("storage_unavailable", f"No process could be started: {error.strerror}.")
            return attempt
        try:
            # Whoever cancelled before this found no process to stop.
            if self._released or self._store.is_cancelling(job.id):
                process.stop()
            for message in messages:
                self._record(job, message, attempt)
        finally:
            with self._lock:
                self._job, self._idle_since = None, time.monotonic()
                if not (attempt.ended or attempt.locked or attempt.failure):
                    self._process = None
                    process.close()
        return attempt

    def _record(self, job: Job, message: dict[str, Any], attempt: _Attempt) -> None:
        store, path = self._store, message.get("path", "")
        match message["event"]:
            case "begin":
                attempt.at_work_on = path
            case "pages":
                store.pages_read(job.id, path, message["read"], message["of"])
            case "file" if message["status"] == "failed":
                store.file_failed(job.id, path, message["reason"], without_paths(message["message"]))
            case "file":
                store.file_done(job.id, path, message["status"], message["pages"], message["nodes"])
            case "warnings":
                store.warn(job.id, message["warnings"])
            case "locked":
                attempt.locked = without_paths(message["message"])
            case "failed":
                problem = problem_of(getattr(errors, message["error"])(message["message"]))
                attempt.failure = (problem.code, problem.detail)
            case "ended":
                attempt.ended = True
