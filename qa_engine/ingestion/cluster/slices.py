"""Schedules the sentences of long files, slice by slice, on the workers of a Ray cluster."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from qa_engine.errors import ServiceUnavailableError
from qa_engine.ingestion.cluster.processors import MAX_TRIES, RETRY_SECONDS, Processors, transient_reason
from qa_engine.ingestion.cluster.worker import WorkerResult
from qa_engine.ingestion.embedding_windows import (
    EmbeddedSentences,
    EmbeddingWindow,
    first_occurrences,
    with_repeats,
)

logger = logging.getLogger("qa_engine.ingestion")


@dataclass(eq=False)
class SliceJob:
    """A slice of a long file, and the reference to the task of a worker that embeds it; None before there is one."""

    windows: list[EmbeddingWindow]
    ref: Any = None


@dataclass
class Workers:
    """The workers of the cluster. Gives them slices, and gives these to others if those fail.

    Attributes:
        processors: of the cluster.
        embed_task, settings: the remote function that embeds a slice, and a reference to its settings.
    """

    processors: Processors
    embed_task: Any
    settings: Any

    def start(self, jobs: Iterable[SliceJob]) -> None:
        """Gives the first of these slices to workers, as far as they are not there yet."""
        for job in islice(jobs, self.processors.max_jobs()):
            if job.ref is None:
                job.ref = self.embed_task.remote(job.windows, self.settings)

    def result(self, job: SliceJob) -> EmbeddedSentences:
        """Waits for a slice that was started.

        Raises:
            QAEngineError: every worker would fail with it.
            ServiceUnavailableError: worker after worker failed.
        """
        import ray
        from ray.exceptions import RayError

        tries = 0
        while True:
            try:
                embedded: EmbeddedSentences = ray.get(job.ref)
            except RayError as error:
                why = transient_reason(error)
                tries += 1
                logger.warning("Ray worker lost on sentences, try %d: %s", tries, why)
                if tries >= MAX_TRIES:
                    raise ServiceUnavailableError(
                        f"The Ray cluster at {self.processors.address} failed {tries} times to embed the same "
                        f"sentences ({why}): check its nodes, then run the same command again."
                    ) from error
                time.sleep(tries * RETRY_SECONDS)
                job.ref = self.embed_task.remote(job.windows, self.settings)
            else:
                return embedded


class EmbeddedDocument:
    """The embedded sentences of one file in slices, of which only those that are needed are held."""

    def __init__(self, result: WorkerResult, workers: Workers) -> None:
        """Starts the first slices, if the worker that read the file did not embed it."""
        self._slices = deque(result.slices)
        self._windows = result.windows
        self._jobs = deque(map(SliceJob, first_occurrences(result.windows)))
        self._workers = workers
        workers.start(self._jobs)

    @property
    def running(self) -> list[Any]:
        """References to the slices that workers are computing."""
        return [job.ref for job in self._jobs if job.ref is not None]

    def slices(self) -> Iterator[EmbeddedSentences]:
        """All sentences, one slice at a time."""
        while self._slices:
            yield self._slices.popleft()
        yield from with_repeats(self._windows, self._results())

    def _results(self) -> Iterator[EmbeddedSentences]:
        while self._jobs:
            self._workers.start(self._jobs)
            embedded = self._workers.result(self._jobs[0])
            self._jobs.popleft()
            yield embedded
