"""Files in, stored documents out: parsing beside embedding, a few files together, each a commit of its own.

Imports LlamaIndex and Chroma, which take longer than a run over an unchanged corpus may: imported when there is something
to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import Config
from qa_engine.documents.parsing_pool import parse_files
from qa_engine.documents.pdf import ParsedPdf
from qa_engine.errors import DocumentError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.ingestion.changes import FileToRead
from qa_engine.ingestion.group_writer import FileGroup, GroupWriter, StoredFile
from qa_engine.ingestion.model_passes import EmbeddedSentences
from qa_engine.ingestion.pipeline import build_pipeline
from qa_engine.ingestion.report import IngestProgress, StageClock
from qa_engine.ingestion.stored_nodes import StoredNodes
from qa_engine.ingestion.token_vectors import open_token_store
from qa_engine.models.embedding import build_embedding

_TOGETHER_CHARS = 20_000
"""Characters of text, about 700 sentences, that are embedded and committed together, so that short files fill batches."""
_TOGETHER_FILES = 64

_Read = Callable[[Sequence[FileToRead]], Iterable[tuple[Path, ParsedPdf | DocumentError]]]
_Embedded = Callable[[Sequence[BaseNode]], EmbeddedSentences]


class FilePipeline:
    """Reads files and stores them, for the holder of the right to write."""

    def __init__(self, read: _Read, writer: GroupWriter, clock: StageClock) -> None:
        """
        Args:
            read: gives for files what is in them, in any order.
            writer: stores and commits.
            clock: measures the stages.
        """
        self._read = read
        self._writer = writer
        self._clock = clock

    def run(self, files: Sequence[FileToRead]) -> Iterator[tuple[Path, StoredFile | DocumentError]]:
        """What became of each file, as soon as it is committed or has failed. No two may be of the same content."""
        by_path = {file.path: file for file in files}
        group = FileGroup(_TOGETHER_CHARS, _TOGETHER_FILES)
        results = iter(self._read(files))
        while True:
            started = time.perf_counter()
            with self._clock("waiting for parsing"):
                found = next(results, None)
            if found is None:
                break
            path, parsed = found
            if isinstance(parsed, DocumentError):
                yield path, parsed
                continue
            group.add(by_path[path], parsed, time.perf_counter() - started)
            if group.is_full:
                yield from self._store(group)
                group = FileGroup(_TOGETHER_CHARS, _TOGETHER_FILES)
        if group.files:
            yield from self._store(group)

    def _store(self, group: FileGroup) -> Iterator[tuple[Path, StoredFile | DocumentError]]:
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
    with _readers(config, nodes, embed_model, workers, progress) as (read, embedded):
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
        yield FilePipeline(read, GroupWriter(catalog, pipeline, clock, ocr), clock)


@contextmanager
def _readers(
    config: Config,
    nodes: StoredNodes,
    embed_model: BaseEmbedding | None,
    workers: int,
    progress: IngestProgress,
) -> Iterator[tuple[_Read, _Embedded | None]]:
    """Who reads the files, and who embeds them if not this process: processes here, or the workers of a cluster."""
    address = config.ingestion.ray_address
    if address is None:
        yield lambda files: parse_files([file.path for file in files], config.documents, workers), None
        return
    from qa_engine.ingestion.ray_reading import ray_reading

    codec = nodes.tokens.codec if nodes.tokens is not None else None
    with ray_reading(address, config, codec, embed_model, progress) as cluster:
        yield cluster.read, cluster.embedded
