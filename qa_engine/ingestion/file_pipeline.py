"""Files in, stored documents out: parsing beside embedding, a few files together, each a commit of its own.

Imports LlamaIndex and Chroma, which take longer than a run over an unchanged corpus may: imported when there is something
to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode

from qa_engine.config import Config
from qa_engine.documents.node_parser import SentenceNodeParser
from qa_engine.documents.parsing_pool import parsed_or_waiting
from qa_engine.documents.pdf import ParsedPdf
from qa_engine.errors import DocumentError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.ingestion.changes import FileToRead
from qa_engine.ingestion.embedding_ahead import EmbeddingAhead
from qa_engine.ingestion.group_writer import FileGroup, GroupWriter, StoredFile
from qa_engine.ingestion.model_passes import EmbeddedSentences, embed_passes, model_passes, sliced
from qa_engine.ingestion.pipeline import build_pipeline
from qa_engine.ingestion.report import IngestProgress, StageClock
from qa_engine.ingestion.stored_nodes import StoredNodes
from qa_engine.ingestion.token_vectors import open_token_store
from qa_engine.models.embedding import LocalEmbedding, build_embedding

_TOGETHER_CHARS = 20_000
"""Characters of text, about 700 sentences, that are embedded and committed together, so that short files fill batches."""
_TOGETHER_FILES = 64

_AHEAD_CHARS = 2_000_000
"""Characters of a group up to which the next one is embedded while it is stored: the nodes of two books of thousands of
pages would take a gigabyte."""

_Read = Callable[[Sequence[FileToRead]], Iterable[tuple[Path, ParsedPdf | DocumentError] | None]]
"""Gives each file with what is in it, in any order, and None before one is waited for."""
_Embedded = Callable[[Sequence[BaseNode]], Iterable[EmbeddedSentences]]
_Outcome = tuple[Path, StoredFile | DocumentError]


class FilePipeline:
    """Reads files and stores them, for the holder of the right to write."""

    def __init__(
        self,
        read: _Read,
        parser: NodeParser,
        start_embedding: Callable[[Sequence[BaseNode]], None],
        writer: GroupWriter,
        clock: StageClock,
    ) -> None:
        """
        Args:
            read: reads files.
            parser: splits their texts into sentences.
            start_embedding: is given the sentences of each group as soon as there are any.
            writer: stores and commits.
            clock: measures the stages.
        """
        self._read = read
        self._parser = parser
        self._start_embedding = start_embedding
        self._writer = writer
        self._clock = clock
        self._started: FileGroup | None = None

    def run(self, files: Sequence[FileToRead]) -> Iterator[_Outcome]:
        """What became of each file, as soon as it is committed or has failed. No two may be of the same content."""
        by_path = {file.path: file for file in files}
        group = FileGroup(_TOGETHER_CHARS, _TOGETHER_FILES)
        started = time.perf_counter()
        for found in self._clock.each("waiting for parsing", self._read(files)):
            if found is None:
                yield from self._store()
            elif isinstance(found[1], DocumentError):
                yield found[0], found[1]
            else:
                path, parsed = found[0], found[1]
                group.add(by_path[path], parsed, time.perf_counter() - started)
                if group.is_full:
                    yield from self._start(group)
                    group = FileGroup(_TOGETHER_CHARS, _TOGETHER_FILES)
            started = time.perf_counter()
        if group.files:
            yield from self._start(group)
        yield from self._store()

    def _start(self, group: FileGroup) -> Iterator[_Outcome]:
        """Has a group embedded, and stores the one before it meanwhile."""
        former = self._started
        if former is not None and max(former.chars, group.chars) > _AHEAD_CHARS:
            yield from self._store()
        self._start_embedding(group.split(self._parser))
        yield from self._store()
        self._started = group

    def _store(self) -> Iterator[_Outcome]:
        """Stores the group that is being embedded, if there is one."""
        group, self._started = self._started, None
        if group is not None:
            for stored in self._writer.store(group):
                yield stored.file.path, stored.error or stored


@contextmanager
def file_pipeline(
    config: Config,
    catalog: Catalog,
    where: CollectionPaths,
    nodes: StoredNodes,
    embed_model: BaseEmbedding | None,
    workers: int,
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
        workers: processes that parse, unless the workers of a Ray cluster do.
        ocr: whether pages without text are recognised.
        progress: is told.
        clock: measures the stages.

    Raises:
        ModelUnavailableError, ServiceUnavailableError: the embedding model, the Chroma server or the Ray cluster is not
            there.
        StorageError: the vectors cannot be opened.
    """
    embedding = embed_model or build_embedding(config.embedding, progress.stage)
    nodes.tokens = open_token_store(catalog, where, config.embedding, embedding)
    with _readers(config, nodes, embedding, embed_model, workers, progress) as (read, start, embedded):
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
        parser = SentenceNodeParser(max_sentence_chars=config.documents.max_sentence_chars)
        yield FilePipeline(read, parser, start, GroupWriter(catalog, pipeline, clock, ocr), clock)


@contextmanager
def _readers(
    config: Config,
    nodes: StoredNodes,
    embedding: BaseEmbedding,
    embed_model: BaseEmbedding | None,
    workers: int,
    progress: IngestProgress,
) -> Iterator[tuple[_Read, Callable[[Sequence[BaseNode]], None], _Embedded]]:
    """Who reads files, who is told what to embed, and who gives what was embedded: this machine or a cluster."""
    codec = nodes.tokens.codec if nodes.tokens is not None else None
    context = config.embedding.pass_chars, config.embedding.context_sentences
    if config.ingestion.ray_address is not None:
        from qa_engine.ingestion.ray_reading import ray_reading

        with ray_reading(config.ingestion.ray_address, config, codec, embed_model, progress) as cluster:
            yield cluster.read, lambda _: None, cluster.embedded  # its workers embed what they read
        return
    # One that the caller brought may not stand being used from two threads.
    ahead = EmbeddingAhead(
        partial(embed_passes, embed_model=embedding, codec=codec),
        2 if isinstance(embedding, LocalEmbedding) else 1,
    )
    try:
        yield (
            lambda files: parsed_or_waiting([file.path for file in files], config.documents, workers),
            lambda started: ahead.start(started, sliced(model_passes(started, embedding, *context))),
            ahead.embedded,
        )
    finally:
        ahead.stop()
