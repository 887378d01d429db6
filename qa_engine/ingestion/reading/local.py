"""Reads and embeds the files of a run on this machine, in threads that work ahead of the writer.

Without prefetching, the model would be idle while a batch is written: an eighth of the time of an ingestion, measured on
two cores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Condition, Semaphore, Thread

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import EmbeddingConfig
from qa_engine.ingestion.embedding_windows import (
    EmbeddedSentences,
    EmbeddingWindow,
    embed_windows,
    embedding_windows,
    first_occurrences,
    sliced,
    with_repeats,
)
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.reading.batches import FileBatch, Parser, SplitDocuments, batched
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec

MAX_SLICES = 3
"""Slices that are computed or wait to be stored: some megabytes each, token vectors included."""
_MAX_BATCHES = 3
"""Batches that are split and not stored yet: one that is being stored, one in the model, and one that waits for it."""
_MAX_CHARS = 2_000_000
"""The largest number of characters of these batches: the nodes of two books of thousands of pages would take a gigabyte."""

_Task = tuple[Future[EmbeddedSentences], Callable[[], EmbeddedSentences]]


class LocalReader:
    """A `FileReader` that parses and embeds beside the writing, in threads."""

    def __init__(
        self,
        parser: Parser,
        split: SplitDocuments,
        embed_model: BaseEmbedding,
        config: EmbeddingConfig,
        codec: TokenCodec | None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """``config`` says how much context a sentence gets; without a codec, no token vectors are computed.

        Once ``stopped`` returns True, no more files are read.
        """
        self._stopped = stopped
        self._parser = parser
        self._split = split
        self._embed_model = embed_model
        self._config = config
        # A model of the caller may not be safe to use from two threads.
        threads = 2 if isinstance(embed_model, LocalEmbedding) else 1
        self._embedding = EmbeddingPrefetcher(
            partial(embed_windows, embed_model=embed_model, codec=codec), threads
        )
        self._batches = BatchPrefetcher(self._prepare)

    def batches(self, files: Sequence[FileChange]) -> Iterator[FileBatch | UnreadFile]:
        """See `FileReader`. Reading begins at once."""
        parsed = self._parser.parse(
            [file.path for file in files], lambda: self._batches.stopped() or self._stopped()
        )
        return self._batches.prefetch(batched(parsed, files))

    def embeddings(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        """See `FileReader`."""
        return self._embedding.embeddings(nodes)

    def close(self) -> None:
        """Ends the threads."""
        self._batches.stop()
        self._embedding.stop()

    def _prepare(self, batch: FileBatch) -> None:
        nodes = batch.split(self._split)
        context = self._config.pass_chars, self._config.context_sentences
        self._embedding.start(nodes, list(sliced(embedding_windows(nodes, self._embed_model, *context))))


class BatchPrefetcher:
    """Reads batches in a thread of its own, a few ahead of the batch that is being stored."""

    def __init__(self, prepare: Callable[[FileBatch], None]) -> None:
        """``prepare`` splits a batch and starts embedding it; it is called in the thread."""
        self._prepare = prepare
        self._changed = Condition()
        self._batches = 0
        self._chars = 0
        self._stopped = False
        self._begun = False
        self._thread: Thread | None = None

    def stopped(self) -> bool:
        """Whether nobody waits for the batches any more, so that reading should end."""
        return self._stopped

    def prefetch(self, items: Iterator[FileBatch | UnreadFile]) -> Iterator[FileBatch | UnreadFile]:
        """The same items in the same order, the batches prepared. A batch counts as stored when the next item is asked for.

        Reading begins at once.

        Args:
            items: are read in the thread; they must end soon once `stopped` is true.

        Raises:
            Exception: whatever the reading or the preparing raised.
        """
        queue: _Queue = SimpleQueue()
        self._begun = False
        # A daemon: if a file system hangs, the process can end. Tracing spans belong to the caller's context.
        self._thread = Thread(
            target=copy_context().run, args=(self._read, items, queue), name="reading", daemon=True
        )
        self._thread.start()
        return self._items(queue)

    def _items(self, queue: _Queue) -> Iterator[FileBatch | UnreadFile]:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            if isinstance(item, FileBatch):
                self._count(-1, -item.chars)

    def stop(self) -> None:
        """Ends the reading, and waits until it has ended."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            begun = self._begun
        # An interrupt may fall into the start of the thread. Such a thread cannot be joined, and does nothing any more.
        if begun and self._thread is not None:
            self._thread.join()

    def _read(self, items: Iterator[FileBatch | UnreadFile], queue: _Queue) -> None:
        with self._changed:
            if self._stopped:
                return
            self._begun = True
        try:
            for item in items:
                if isinstance(item, FileBatch):
                    with self._changed:
                        self._changed.wait_for(partial(self._has_room, item.chars))
                    if self._stopped:
                        break
                    self._count(1, item.chars)
                    self._prepare(item)
                queue.put(item)
            queue.put(None)
        except BaseException as error:  # noqa: BLE001 - raised where the batches are asked for
            queue.put(error)

    def _has_room(self, chars: int) -> bool:
        if self._stopped or not self._batches:
            return True
        return self._batches < _MAX_BATCHES and self._chars + chars <= _MAX_CHARS

    def _count(self, batches: int, chars: int) -> None:
        with self._changed:
            self._batches += batches
            self._chars += chars
            self._changed.notify_all()


_Queue = SimpleQueue[FileBatch | UnreadFile | BaseException | None]
"""Items, and after the last one None or the error that ended the reading."""


class EmbeddingPrefetcher:
    """Embeds sentences in threads of its own, in the order in which it gets them."""

    def __init__(
        self, embed: Callable[[Sequence[EmbeddingWindow]], EmbeddedSentences], threads: int = 1
    ) -> None:
        """
        Args:
            embed: computes a slice; called from several threads at once if there are several.
            threads: with two, one slice is quantised while the next is in the model.
        """
        self._embed = embed
        self._room = Semaphore(MAX_SLICES)
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._started: dict[str, tuple[list[list[EmbeddingWindow]], deque[Future[EmbeddedSentences]]]] = {}
        self._stopped = False
        # Daemons: a service that does not answer must not keep the process from ending.
        self._threads = [
            Thread(target=self._work, name=f"embedding-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def start(self, nodes: Sequence[BaseNode], slices: list[list[EmbeddingWindow]]) -> None:
        """Embeds the sentences of some nodes, after those that were started before; windows that are the same once.

        Args:
            nodes: the nodes of one batch, with which `embeddings` will be called.
            slices: the windows of the nodes.
        """
        if not nodes:
            return
        futures: deque[Future[EmbeddedSentences]] = deque()
        for windows in first_occurrences(slices):
            future: Future[EmbeddedSentences] = Future()
            futures.append(future)
            # Tracing spans belong to the caller's context.
            self._tasks.put((future, partial(copy_context().run, self._embed, windows)))
        self._started[nodes[0].node_id] = slices, futures

    def embeddings(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        """The vectors of nodes that were started, in slices. Can be called once for each batch.

        Raises:
            ModelUnavailableError, ServiceUnavailableError: as the model does.
        """
        if not nodes:
            return
        slices, futures = self._started.pop(nodes[0].node_id)
        yield from with_repeats(slices, self._results(futures))

    def _results(self, futures: deque[Future[EmbeddedSentences]]) -> Iterator[EmbeddedSentences]:
        while futures:
            result = futures.popleft().result()
            self._room.release()
            yield result

    def stop(self) -> None:
        """Ends the threads. Results that nobody asked for are dropped; a running call of the model is not waited for."""
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
            except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
                future.set_exception(error)
