"""Schedules the sentences of long files, slice by slice, on the workers of a Ray cluster."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from qa_engine.errors import ConfigurationError, QAEngineError, ServiceUnavailableError
from qa_engine.ingestion.cluster.worker import WorkerResult
from qa_engine.ingestion.embedding_windows import (
    EmbeddedSentences,
    EmbeddingWindow,
    first_occurrences,
    with_repeats,
)
from qa_engine.ingestion.report import IngestProgress
from qa_engine.text.one_line import first_line

logger = logging.getLogger("qa_engine.ingestion")

MAX_TRIES = 3
"""How often a file, or a slice of one, is given to a worker before it is given up."""
RETRY_SECONDS = 1.0
"""Pause after a failure: the cluster needs a moment to notice that a node is gone."""
JOBS_PER_PROCESSOR = 4
"""Jobs at the workers, or waiting for one, for each processor of the cluster: there is work while this machine writes."""
_COUNT_AGAIN_SECONDS = 5.0


@dataclass(eq=False)
class SliceJob:
    """A slice of a long file, and the reference to the task of a worker that embeds it; None before there is one."""

    windows: list[EmbeddingWindow]
    ref: Any = None


@dataclass
class Workers:
    """The workers of the cluster, whose number may grow. Gives them slices, and gives these to others if those fail.

    Attributes:
        address: the address of the cluster, for messages.
        embed_task, settings: the remote function that embeds a slice, and a reference to its settings.
        progress: is told the number of processors.
    """

    address: str
    embed_task: Any
    settings: Any
    progress: IngestProgress
    _processors: int = field(default=0, init=False)
    _counted_at: float = field(default=-math.inf, init=False)

    def max_jobs(self) -> int:
        """The number of jobs that keep all processors busy."""
        import ray

        if time.monotonic() - self._counted_at > _COUNT_AGAIN_SECONDS:
            self._counted_at = time.monotonic()
            count = int(ray.cluster_resources().get("CPU", 0))
            if count == 0:
                self.progress.stage(f"waiting for processors in the Ray cluster at {self.address}")
            elif count != self._processors:
                unit = "processor" if count == 1 else "processors"
                self.progress.stage(f"{count} {unit} in the Ray cluster at {self.address}")
            self._processors = count
        return JOBS_PER_PROCESSOR * max(1, self._processors)

    def start(self, jobs: Iterable[SliceJob]) -> None:
        """Gives the first of these slices to workers, as far as they are not there yet."""
        for job in islice(jobs, self.max_jobs()):
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
                        f"The Ray cluster at {self.address} failed {tries} times to embed the same sentences ({why}): "
                        "check its nodes, then run the same command again."
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


def transient_reason(error: Exception) -> str:
    """A short reason why a worker failed, if another worker may succeed.

    Args:
        error: the error of Ray, with the error of the worker as its ``cause``.

    Raises:
        QAEngineError: every worker would fail: the error of the worker, or one about a worker without qa_engine.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, QAEngineError):
        raise cause from None
    if isinstance(cause, ImportError) or "No module named" in str(error):
        raise ConfigurationError(
            f"A Ray worker lacks a package ({first_line(cause or error)}): install qa-engine, of the same version "
            "as here, into the Python of every node."
        ) from error
    return first_line(cause or error)[:200].rstrip(".") or type(error).__name__
