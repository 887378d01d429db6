"""How much the workers of a Ray cluster are given at once, and when something is given to another worker."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from qa_engine.errors import ConfigurationError, QAEngineError
from qa_engine.ingestion.report import IngestProgress
from qa_engine.text.one_line import first_line

MAX_TRIES = 3
"""How often a file, or a slice of one, is given to a worker before it is given up."""
RETRY_SECONDS = 1.0
"""Pause after a failure: the cluster needs a moment to notice that a node is gone."""
JOBS_PER_PROCESSOR = 4
"""Jobs at the workers, or waiting for one, for each processor of the cluster: there is work while this machine writes."""
TASK = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
"""Options of all tasks. Tries are counted here: Ray's own would run a file that exhausts the memory for ever."""
_COUNT_AGAIN_SECONDS = 5.0


@dataclass
class Processors:
    """The processors of the cluster, whose number may grow.

    Attributes:
        address: the address of the cluster, for messages.
        progress: is told the number.
    """

    address: str
    progress: IngestProgress
    _count: int = field(default=0, init=False)
    _counted_at: float = field(default=-math.inf, init=False)

    def max_jobs(self) -> int:
        """The number of jobs that keep all processors busy."""
        import ray

        if time.monotonic() - self._counted_at > _COUNT_AGAIN_SECONDS:
            self._counted_at = time.monotonic()
            count = int(ray.cluster_resources().get("CPU", 0))
            if count == 0:
                self.progress.stage(f"waiting for processors in the Ray cluster at {self.address}")
            elif count != self._count:
                unit = "processor" if count == 1 else "processors"
                self.progress.stage(f"{count} {unit} in the Ray cluster at {self.address}")
            self._count = count
        return JOBS_PER_PROCESSOR * max(1, self._count)


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
