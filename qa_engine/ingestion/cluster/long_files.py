"""Shares the sentences of long files among the workers of a Ray cluster, which embed a slice of them each."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qa_engine.errors import DocumentError
from qa_engine.ingestion.cluster.file_jobs import FileJob
from qa_engine.ingestion.cluster.processors import MAX_TRIES, RETRY_SECONDS, Processors, transient_reason
from qa_engine.ingestion.cluster.storing import StoredDocument
from qa_engine.ingestion.embedding_windows import SLICE
from qa_engine.ingestion.report import IngestProgress

logger = logging.getLogger("qa_engine.ingestion")


@dataclass(eq=False)
class LongFile:
    """A long file.

    Attributes:
        job, stored: the file, and what was stored of it at first.
        left: the slices that are not stored yet.
        at_work: how many of them workers have, or are on their way to the Chroma server.
        seconds: how long workers took.
        failure: why the file is given up; it has ended when nothing of it is at work.
    """

    job: FileJob
    stored: StoredDocument
    left: int
    at_work: int = 0
    seconds: float = 0.0
    failure: DocumentError | None = None


@dataclass(eq=False)
class SliceJob:
    """A slice of a long file.

    Attributes:
        file, place: the file, and which slice it is, from 0.
        rows: a reference to its embedded sentences, while a worker has it.
        tries: how many workers were lost on it.
        not_before: when it may be given to the next one.
    """

    file: LongFile
    place: int
    rows: Any = None
    tries: int = 0
    not_before: float = 0.0

    @property
    def count(self) -> int:
        """The number of its sentences."""
        return min(SLICE, self.file.stored.record.nodes - self.place * SLICE)


class LongFiles:
    """The long files of a run.

    Attributes:
        running: slices that workers embed, by the references to their results.
    """

    def __init__(
        self, processors: Processors, progress: IngestProgress, submit: Callable[[SliceJob], Any]
    ) -> None:
        """``submit`` starts the task for a slice, sets its ``rows``, and returns the reference to the result."""
        self.running: dict[Any, SliceJob] = {}
        self._processors = processors
        self._progress = progress
        self._submit = submit
        self._waiting: deque[SliceJob] = deque()
        self._ended: list[tuple[FileJob, StoredDocument | DocumentError]] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting or self.running)

    def add(self, job: FileJob, stored: StoredDocument) -> None:
        """Takes a file of which all but vectors is stored."""
        file = LongFile(job, stored, stored.slices)
        self._waiting.extend(SliceJob(file, place) for place in range(stored.slices))

    def start(self) -> None:
        """Gives slices to workers while there is room."""
        room = self._processors.max_jobs() - len(self.running)
        while self._waiting and room > 0 and self._waiting[0].not_before <= time.monotonic():
            job = self._waiting.popleft()
            if job.file.failure is not None:
                continue
            self.running[self._submit(job)] = job
            job.file.at_work += 1
            room -= 1

    def result(self, ref: Any) -> SliceJob | None:
        """The slice whose task has ended, once its sentences are embedded; None if it waits again, or is given up.

        Raises:
            QAEngineError: every worker would fail.
        """
        import ray
        from ray.exceptions import RayError

        job = self.running.pop(ref)
        try:
            job.file.seconds += ray.get(ref)
        except RayError as error:
            self.lost(job, transient_reason(error))
            return None
        return job

    def lost(self, job: SliceJob, why: str) -> None:
        """A slice has to be embedded again, or its file is given up."""
        job.tries += 1
        job.rows = None
        job.file.at_work -= 1
        name = job.file.job.file.path.name
        logger.warning("Ray worker lost on sentences of %s, try %d: %s", name, job.tries, why)
        if job.tries < MAX_TRIES:
            job.not_before = time.monotonic() + job.tries * RETRY_SECONDS
            self._waiting.append(job)
        else:
            message = f"{name} was given up after {job.tries} Ray workers failed on its sentences ({why})."
            job.file.failure = DocumentError("crashed", message)
        self._end(job.file)

    def stored(self, job: SliceJob, seconds: float) -> None:
        """The vectors of a slice are stored, which took so long."""
        file = job.file
        job.rows = None
        file.at_work -= 1
        file.left -= 1
        file.seconds += seconds
        if file.failure is None:
            total = file.stored.record.nodes
            self._progress.sentences_done(min(total, (file.stored.slices - file.left) * SLICE), total)
        self._end(file)

    def ended(self) -> list[tuple[FileJob, StoredDocument | DocumentError]]:
        """The files that have ended since the last call, stored or given up."""
        ended, self._ended = self._ended, []
        return ended

    def _end(self, file: LongFile) -> None:
        if file.failure is not None:
            if not file.at_work:
                self._ended.append((file.job, file.failure))
        elif not file.left:
            stored = replace(file.stored, seconds=file.stored.seconds + file.seconds)
            self._ended.append((file.job, stored))
