"""Puts the vectors that workers have computed on the Chroma server, those of many files at once, and one request at a time.

A Chroma server applies each request to its index before it answers, and reads everything since it last wrote the index to
disk again for it. So many small requests cost it several times the processor time of a large one, and requests that overlap
even more: in Chroma 1.5, one whose rows were applied together with those of another has the next one apply them again.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from qa_engine.index.vectors.sentence_rows import SentenceRows
from qa_engine.ingestion.cluster.processors import transient_reason
from qa_engine.ingestion.cluster.storing import StoringSettings, vector_store

logger = logging.getLogger("qa_engine.ingestion")

_ROWS_AT_ONCE = 4000
"""Rows of a request, unless a single part has more; Chroma takes 5,461."""
_ENOUGH_ROWS = 1000
"""So many rows need not wait for others."""
_WAIT_SECONDS = 2.0
"""How long fewer rows wait for others while workers are at work."""
_MAX_WAITING_ROWS = 2 * _ROWS_AT_ONCE
"""If so many rows wait, workers are given nothing more: the server is slower than they are."""

Origin = TypeVar("Origin")


class VectorWriter:
    """Runs on a Ray worker of its own, which keeps its connection: stores the vectors of sentences in one collection."""

    def __init__(self, settings: StoringSettings) -> None:
        self._settings = settings
        self._store: Any = None

    def put(self, *parts: SentenceRows) -> float:
        """Stores rows, and returns the seconds it took.

        Raises:
            ServiceUnavailableError, AuthenticationFailedError, StorageError: the server is not there, or refuses.
        """
        started = time.perf_counter()
        if self._store is None:
            self._store = vector_store(self._settings)
        self._store.put(SentenceRows.joined(parts))
        return time.perf_counter() - started


@dataclass(eq=False)
class EmbeddedPart(Generic[Origin]):
    """Sentences whose vectors a worker has computed.

    Attributes:
        origin: what they belong to.
        rows: a reference to them.
        count: how many they are.
        seconds: its share of the time of the request that stored it.
    """

    origin: Origin
    rows: Any
    count: int
    seconds: float = 0.0
    since: float = field(default_factory=time.monotonic)


class VectorJobs(Generic[Origin]):
    """The vectors of a run that wait for the server, and the request that stores some of them.

    Attributes:
        running: the parts of the request that runs, by the reference to its result; no request or one.
    """

    def __init__(self, settings: Any) -> None:
        """``settings`` is a reference to the `StoringSettings` of the run."""
        self.running: dict[Any, list[EmbeddedPart[Origin]]] = {}
        self._settings = settings
        self._waiting: deque[EmbeddedPart[Origin]] = deque()
        self._writer: Any = None

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting or self.running)

    @property
    def has_room(self) -> bool:
        """Whether workers can be given more sentences to embed."""
        return self._waiting_rows() < _MAX_WAITING_ROWS

    def add(self, part: EmbeddedPart[Origin]) -> None:
        """Takes what a worker has embedded."""
        self._waiting.append(part)

    def start(self, at_once: bool) -> None:
        """Sends what waits, if no request runs and enough waits, or for long enough, or if there is no more to wait for."""
        writer = self._started_writer()  # before there are vectors: it takes some seconds to start
        if self.running or not self._waiting:
            return
        waited = time.monotonic() - self._waiting[0].since
        if not at_once and waited < _WAIT_SECONDS and self._waiting_rows() < _ENOUGH_ROWS:
            return
        parts = [self._waiting.popleft()]
        rows = parts[0].count
        while self._waiting and rows + self._waiting[0].count <= _ROWS_AT_ONCE:
            parts.append(self._waiting.popleft())
            rows += parts[-1].count
        self.running[writer.put.remote(*(part.rows for part in parts))] = parts

    def result(self, ref: Any) -> tuple[Sequence[EmbeddedPart[Origin]], str | None]:
        """The parts of a request that has ended, and why they are not stored, if they are not.

        Raises:
            QAEngineError: every worker would fail.
        """
        import ray
        from ray.exceptions import RayError

        parts = self.running.pop(ref)
        rows = sum(part.count for part in parts)
        try:
            seconds = ray.get(ref)
        except RayError as error:
            why = transient_reason(error)
            logger.warning("Ray worker lost that stored %d vectors: %s", rows, why)
            self._end_writer()
            return parts, why
        logger.debug("vectors stored: %d of %d parts, %.2f s", rows, len(parts), seconds)
        for part in parts:
            part.seconds = seconds * part.count / rows
        return parts, None

    def cancel(self) -> None:
        """Ends the worker that stores."""
        self.running.clear()
        self._waiting.clear()
        self._end_writer()

    def _waiting_rows(self) -> int:
        return sum(part.count for part in self._waiting)

    def _started_writer(self) -> Any:
        import ray

        if self._writer is None:
            # It waits for the server nearly all the time, and takes no processor from those who read and embed.
            self._writer = ray.remote(num_cpus=0)(VectorWriter).remote(self._settings)
        return self._writer

    def _end_writer(self) -> None:
        import ray

        if self._writer is not None:
            with suppress(Exception):  # the cluster may be gone
                ray.kill(self._writer)
            self._writer = None
