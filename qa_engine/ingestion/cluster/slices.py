"""Schedules the sentences of long files, slice by slice, on the workers of a Ray cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qa_engine.ingestion.cluster.errors import raise_if_permanent, reason, sentences_given_up
from qa_engine.ingestion.cluster.worker import WorkerResult
from qa_engine.ingestion.embedding_windows import EmbeddedSentences, EmbeddingWindow
from qa_engine.ingestion.report import IngestProgress

logger = logging.getLogger("qa_engine.ingestion")

MAX_TRIES = 3
"""How often a file, or a slice of one, is given to a worker before it is given up."""
RETRY_SECONDS = 1.0
"""Pause after a failure: the cluster needs a moment to notice that a node is gone."""
JOBS_PER_PROCESSOR = 4
"""Jobs at the workers, or waiting for one, for each processor of the cluster: there is work while this machine writes."""
_COUNT_AGAIN_SECONDS = 5.0


class Processors:
    """The processors of the cluster, which may grow."""

    def __init__(self, address: str, progress: IngestProgress) -> None:
        self._address = address
        self._progress = progress
        self._count = 0
        self._counted_at = float("-inf")

    def max_jobs(self) -> int:
        """The number of jobs that keep all processors busy."""
        import ray

        if time.monotonic() - self._counted_at > _COUNT_AGAIN_SECONDS:
            self._counted_at = time.monotonic()
            count = int(ray.cluster_resources().get("CPU", 0))
            if count == 0:
                self._progress.stage(f"waiting for processors in the Ray cluster at {self._address}")
            elif count != self._count:
                unit = "processor" if count == 1 else "processors"
                self._progress.stage(f"{count} {unit} in the Ray cluster at {self._address}")
            self._count = count
        return JOBS_PER_PROCESSOR * max(1, self._count)


@dataclass(eq=False)
class SliceJob:
    """A slice of a long file on its way through the cluster.

    Attributes:
        windows: the windows of its sentences.
        ref: reference to the task of a worker; None before and after it.
        tries: the number of failed tries.
    """

    windows: list[EmbeddingWindow]
    ref: Any = None
    tries: int = 0


class SliceScheduler:
    """Gives slices to workers, and to other workers if those fail."""

    def __init__(self, address: str, embed_task: Any, settings: Any, processors: Processors) -> None:
        """
        Args:
            address: the address of the cluster, for messages.
            embed_task: remote function that embeds a slice.
            settings: reference to the settings of the workers.
            processors: the processors of the cluster.
        """
        self._address = address
        self._embed_task = embed_task
        self._settings = settings
        self._processors = processors

    def start(self, jobs: Sequence[SliceJob]) -> None:
        """Gives the first of these slices to workers, as far as they are not there yet."""
        for job in jobs[: self._processors.max_jobs()]:
            if job.ref is None:
                job.ref = self._embed_task.remote(job.windows, self._settings)

    def result(self, job: SliceJob) -> EmbeddedSentences:
        """Waits for a slice that was started.

        Raises:
            QAEngineError: every worker would fail with it.
            ServiceUnavailableError: worker after worker failed.
        """
        import ray
        from ray.exceptions import RayError

        while True:
            try:
                embedded: EmbeddedSentences = ray.get(job.ref)
            except RayError as error:
                raise_if_permanent(error)
                job.tries += 1
                logger.warning("Ray worker lost on sentences, try %d: %s", job.tries, reason(error))
                if job.tries >= MAX_TRIES:
                    raise sentences_given_up(self._address, MAX_TRIES, error) from error
                time.sleep(job.tries * RETRY_SECONDS)
                job.ref = self._embed_task.remote(job.windows, self._settings)
            else:
                return embedded


class EmbeddedDocument:
    """The embedded sentences of one file in slices, of which only those that are needed are held."""

    def __init__(self, result: WorkerResult, scheduler: SliceScheduler) -> None:
        """
        Args:
            result: the result of the worker that read the file: embedded, or with the windows that are still to be embedded.
            scheduler: has them embedded; the first slices are started at once.
        """
        self._slices: list[EmbeddedSentences | None] = list(result.slices)
        self._jobs = [SliceJob(windows) for windows in result.windows]
        self._slices.extend([None] * len(self._jobs))
        self._scheduler = scheduler
        self._passed = 0
        self._scheduler.start(self._jobs)

    @property
    def running(self) -> list[Any]:
        """References to the slices that workers are computing."""
        return [job.ref for job in self._jobs[self._passed :] if job.ref is not None]

    def slices(self) -> Iterator[EmbeddedSentences]:
        """All sentences, one slice at a time."""
        for number, embedded in enumerate(self._slices):
            if embedded is None:
                self._scheduler.start(self._jobs[number:])
                job = self._jobs[number]
                embedded = self._scheduler.result(job)
                job.ref, job.windows = None, []
            self._slices[number] = None
            self._passed = number + 1
            yield embedded
