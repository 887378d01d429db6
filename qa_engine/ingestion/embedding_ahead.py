"""Embeds the sentences of files that are next in line while those before them are stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Semaphore, Thread

from llama_index.core.schema import BaseNode

from qa_engine.ingestion.model_passes import EmbeddedSentences, ModelPass

_SLICES_AHEAD = 3
"""Slices that are under way or wait to be stored: some megabytes each, token vectors included."""

_Task = tuple[Future[EmbeddedSentences], Callable[[], EmbeddedSentences]]


class EmbeddingAhead:
    """Embeds what it is given in the order in which it is given it, in threads of its own.

    Writing holds one core, and the model would wait for it: an eighth of the time of an ingestion, as measured on two cores.
    """

    def __init__(self, embed: Callable[[Sequence[ModelPass]], EmbeddedSentences], threads: int = 1) -> None:
        """
        Args:
            embed: computes a slice; called from several threads at once if there are several.
            threads: with two, one slice is quantised while the next is in the model.
        """
        self._embed = embed
        self._room = Semaphore(_SLICES_AHEAD)
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._started: dict[str, deque[Future[EmbeddedSentences]]] = {}
        self._stopped = False
        # Daemons: a service that does not answer must not keep the process from ending.
        self._threads = [
            Thread(target=self._work, name=f"embedding-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def start(self, nodes: Sequence[BaseNode], slices: Iterator[list[ModelPass]]) -> None:
        """Has the sentences of these nodes embedded, after those that were started before.

        Args:
            nodes: of a few files, as they will be asked for.
            slices: the passes of the model for them, in parts.
        """
        if not nodes:
            return
        futures: deque[Future[EmbeddedSentences]] = deque()
        for part in slices:
            future: Future[EmbeddedSentences] = Future()
            futures.append(future)
            # Spans of tracing belong to what the caller does.
            self._tasks.put((future, partial(copy_context().run, self._embed, part)))
        self._started[nodes[0].node_id] = futures

    def embedded(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        """What was computed for nodes that were started, in parts; each can be asked for once.

        Raises:
            ModelUnavailableError, ServiceUnavailableError: as the model does.
        """
        if not nodes:
            return
        futures = self._started.pop(nodes[0].node_id)
        while futures:
            found = futures.popleft().result()
            self._room.release()
            yield found

    def stop(self) -> None:
        """Ends the threads. What was not asked for is dropped; what the model is at is not waited for."""
        self._stopped = True
        for _ in self._threads:
            self._tasks.put(None)
            self._room.release()

    def _work(self) -> None:
        while True:
            self._room.acquire()
            task = self._tasks.get()
            if task is None or self._stopped:
                return
            future, compute = task
            try:
                future.set_result(compute())
            except BaseException as error:  # noqa: BLE001 - it belongs to who asks for the result
                future.set_exception(error)
