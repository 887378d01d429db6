"""Gives files to the workers of a Ray cluster, in bounded number, and gives them to other workers if those fail.

Plain Ray tasks, one for each file: results come as they are done, in bounded number, and each file has its own retries.
llama-index-ingestion-ray 0.3 collects all nodes before it stores one; Ray Data fails a whole block where one file does.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from qa_engine.config import DocumentsConfig
from qa_engine.documents.files import text_path
from qa_engine.documents.pdf.opening import opened_pdf
from qa_engine.documents.processes.parsing_pool import reading_options
from qa_engine.errors import DocumentError
from qa_engine.ingestion.cluster.processors import MAX_TRIES, RETRY_SECONDS, Processors, transient_reason
from qa_engine.ingestion.cluster.worker import SentFile
from qa_engine.ingestion.files.diff import FileChange
from qa_engine.ingestion.files.state import unreadable

logger = logging.getLogger("qa_engine.ingestion")

MAX_BYTES_SENT = 256_000_000
"""Bytes of files that are on their way at once, unless a single file has more."""
WAIT_SECONDS = 0.5
"""How long to wait for a result before the time of other things has come."""


@dataclass(eq=False)
class FileJob:
    """A file on its way through the cluster.

    Attributes:
        file: the file.
        number: what its content is stored under, if a worker stores it.
        content: a reference to its bytes, in a list; empty unless they are sent.
        rows: a reference to its embedded sentences, if a worker stores it and has embedded them.
        tries: how many workers were lost on it.
        not_before: when it may be given to the next one.
    """

    file: FileChange
    number: int = 0
    content: list[Any] = field(default_factory=list)
    rows: Any = None
    tries: int = 0
    not_before: float = 0.0


class FileJobs:
    """The files of a run that wait for a worker, and those that workers have.

    Attributes:
        waiting, running: these jobs; those that run by the references to their tasks.
    """

    def __init__(
        self, config: DocumentsConfig, processors: Processors, submit: Callable[[FileJob, SentFile], Any]
    ) -> None:
        """``submit`` starts the task for a file and returns the reference to it."""
        self.waiting: deque[FileJob] = deque()
        self.running: dict[Any, FileJob] = {}
        self._config = config
        self._processors = processors
        self._submit = submit
        self._sends_content = False

    def start(self, others: int = 0) -> Iterator[tuple[FileJob, DocumentError]]:
        """Gives files to workers while there is room, beside so many ``others`` jobs; yields those that cannot be read."""
        while self.waiting and self.waiting[0].not_before <= time.monotonic() and self._has_room(others):
            job = self.waiting.popleft()
            error = self._send(job)
            if error is not None:
                yield job, error

    def result(self, ref: Any) -> tuple[FileJob, Any] | None:
        """The job of a task that has ended, and its result or a `DocumentError`; None if the job waits again.

        Raises:
            QAEngineError: every worker would fail.
        """
        import ray
        from ray.exceptions import RayError

        job = self.running.pop(ref)
        try:
            result = ray.get(ref)
        except RayError as error:
            failure = self.lost(job, transient_reason(error))
            return None if failure is None else (job, failure)
        if result is None:
            self._sends_content = True
            self.waiting.append(job)
            return None
        job.content.clear()
        return job, result

    def lost(self, job: FileJob, why: str) -> DocumentError | None:
        """A file has to be given to another worker; the error if it is given up instead."""
        name = job.file.path.name
        job.tries += 1
        job.rows = None
        logger.warning("Ray worker lost on %s, try %d: %s", name, job.tries, why)
        if job.tries >= MAX_TRIES:
            message = f"{name} was given up after {job.tries} Ray workers failed on it ({why})."
            return DocumentError("crashed", message)
        job.not_before = time.monotonic() + job.tries * RETRY_SECONDS
        self.waiting.append(job)
        return None

    def _has_room(self, others: int) -> bool:
        if not self.running and not others:
            return True
        sent = sum(running.file.record.size for running in self.running.values())
        return len(self.running) + others < self._processors.max_jobs() and (
            not self._sends_content
            or not self.running
            or sent + self.waiting[0].file.record.size <= MAX_BYTES_SENT
        )

    def _send(self, job: FileJob) -> DocumentError | None:
        """Gives a file to a worker. Its bytes are sent once a worker has not found a file at its path."""
        import ray

        file = job.file
        if self._sends_content and not job.content:
            try:
                if file.record.size > self._config.max_file_megabytes * 1_000_000:
                    with opened_pdf(file.path, reading_options(self._config)):
                        pass  # it is refused, or has shrunk
                job.content = [ray.put(file.path.read_bytes())]
            except (DocumentError, OSError) as error:
                return error if isinstance(error, DocumentError) else unreadable(file.path, error)
        record = file.record
        sent = SentFile(
            file.path, text_path(record.path), record.sha256, record.document_id, list(job.content)
        )
        self.running[self._submit(job, sent)] = job
        return None
