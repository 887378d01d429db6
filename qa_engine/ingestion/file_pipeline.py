"""Files in, stored documents out: parsing beside embedding, a few files together, each a commit of its own.

Imports LlamaIndex and Chroma, which take longer than a run over an unchanged corpus may: imported when there is something
to read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Semaphore, Thread

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import Config
from qa_engine.documents.blocks import ParsedPdf
from qa_engine.documents.parsing_pool import ParsingPool
from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.errors import DocumentError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.ingestion.batch_writer import GroupWriter, StoredFile, build_pipeline
from qa_engine.ingestion.batches import FileGroup, ReadingAhead, Unread, grouped
from qa_engine.ingestion.embedding_windows import (
    EmbeddedSentences,
    ModelPass,
    embed_passes,
    model_passes,
    sliced,
)
from qa_engine.ingestion.files.diff import FileToRead
from qa_engine.ingestion.report import IngestProgress, StageClock
from qa_engine.ingestion.stored_nodes import StoredNodes
from qa_engine.ingestion.token_vectors import open_token_store
from qa_engine.models.embedding import LocalEmbedding, build_embedding

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


_TOGETHER_CHARS = 20_000
"""Characters of text, about 700 sentences, that are embedded and committed together, so that short files fill batches."""
_TOGETHER_FILES = 64

_Read = Callable[[Sequence[FileToRead]], Iterable[tuple[Path, ParsedPdf | DocumentError]]]
"""Gives each file with what is in it, in any order."""
_Prepared = Callable[[Iterator[FileGroup | Unread]], Iterator[FileGroup | Unread]]
"""Gives the groups split into sentences."""
_Embedded = Callable[[Sequence[BaseNode]], Iterable[EmbeddedSentences]]
_Outcome = tuple[Path, StoredFile | DocumentError]


class FilePipeline:
    """Reads files and stores them, for the holder of the right to write."""

    def __init__(
        self, read: _Read, prepared: _Prepared, open_writer: Callable[[], GroupWriter], clock: StageClock
    ) -> None:
        """
        Args:
            read: reads files.
            prepared: splits groups of them, and may have them read and embedded before they are asked for.
            open_writer: opens what stores and commits; called once, when reading has begun.
            clock: measures the stages.
        """
        self._read = read
        self._prepared = prepared
        self._open_writer = open_writer
        self._writer: GroupWriter | None = None
        self._clock = clock

    def run(self, files: Sequence[FileToRead]) -> Iterator[_Outcome]:
        """What became of each file, as soon as it is committed or has failed. No two may be of the same content.

        Raises:
            ServiceUnavailableError: the Chroma server is not there.
            StorageError: the vectors cannot be opened.
        """
        by_path = {file.path: file for file in files}
        groups = self._prepared(grouped(self._read(files), by_path, _TOGETHER_CHARS, _TOGETHER_FILES))
        if self._writer is None:
            with self._clock("loading"):
                self._writer = self._open_writer()
        for found in self._clock.each("waiting for parsing", groups):
            if isinstance(found, FileGroup):
                for stored in self._writer.store(found):
                    yield stored.file.path, stored.error or stored
            else:
                yield found


@contextmanager
def file_pipeline(
    config: Config,
    catalog: Catalog,
    where: CollectionPaths,
    nodes: StoredNodes,
    embed_model: BaseEmbedding | None,
    parsing: ParsingPool,
    ocr: bool,
    progress: IngestProgress,
    clock: StageClock,
) -> Iterator[FilePipeline]:
    """The pipeline of a run, with the processes or the cluster that work for it.

    Args:
        config: settings.
        catalog: of the collection.
        where: its parts are.
        nodes: its nodes; gets the token vectors, if any are kept.
        embed_model: instead of the one of the configuration.
        parsing: parses, unless the workers of a Ray cluster do.
        ocr: whether pages without text are recognised.
        progress: is told.
        clock: measures the stages.

    Raises:
        ModelUnavailableError, ServiceUnavailableError: the embedding model or the Ray cluster is not there.
        StorageError: the token vectors cannot be opened.
    """
    embedding = embed_model or build_embedding(config.embedding, progress.stage)
    nodes.tokens = open_token_store(catalog, where, config.embedding, embedding)
    with _readers(config, nodes, embedding, embed_model, parsing, progress) as (read, prepared, embedded):

        def open_writer() -> GroupWriter:
            pipeline = build_pipeline(
                config,
                embedding,
                nodes.store,
                catalog.begin,
                progress.sentences_done,
                nodes.tokens,
                clock,
                embedded,
            )
            return GroupWriter(catalog, pipeline, clock, ocr)

        yield FilePipeline(read, prepared, open_writer, clock)


@contextmanager
def _readers(
    config: Config,
    nodes: StoredNodes,
    embedding: BaseEmbedding,
    embed_model: BaseEmbedding | None,
    parsing: ParsingPool,
    progress: IngestProgress,
) -> Iterator[tuple[_Read, _Prepared, _Embedded]]:
    """Who reads files, who splits them, and who gives what was embedded: this machine or a cluster."""
    parser = SentenceNodeParser(max_sentence_chars=config.documents.max_sentence_chars)
    codec = nodes.tokens.codec if nodes.tokens is not None else None
    if config.ingestion.ray_address is not None:
        from qa_engine.ingestion.cluster.ray_reading import ray_reading

        def split(groups: Iterator[FileGroup | Unread]) -> Iterator[FileGroup | Unread]:
            for group in groups:
                if isinstance(group, FileGroup):
                    group.split(parser)
                yield group

        with ray_reading(config.ingestion.ray_address, config, codec, embed_model, progress) as cluster:
            yield cluster.read, split, cluster.embedded  # its workers embed what they read
        return
    # One that the caller brought may not stand being used from two threads.
    embedding_ahead = EmbeddingAhead(
        partial(embed_passes, embed_model=embedding, codec=codec),
        2 if isinstance(embedding, LocalEmbedding) else 1,
    )
    context = config.embedding.pass_chars, config.embedding.context_sentences

    def prepare(group: FileGroup) -> None:
        nodes = group.split(parser)
        embedding_ahead.start(nodes, sliced(model_passes(nodes, embedding, *context)))

    reading_ahead = ReadingAhead(prepare)
    try:
        yield (
            lambda files: parsing.parse([file.path for file in files], reading_ahead.stopped),
            reading_ahead.over,
            embedding_ahead.embedded,
        )
    finally:
        reading_ahead.stop()
        embedding_ahead.stop()
