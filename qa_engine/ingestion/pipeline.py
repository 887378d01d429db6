"""Files in, stored files out: reads, embeds and writes, batch by batch.

Imports LlamaIndex and Chroma, which takes longer than a run over an unchanged corpus may take: import this module when
there is something to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.node_parser import NodeParser

from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.ingestion.files.diff import FileToRead, UnreadFile
from qa_engine.ingestion.reading.batches import FileBatch, FileReader, Parser
from qa_engine.ingestion.reading.custom_components import CustomSplitter
from qa_engine.ingestion.reading.local import LocalReader
from qa_engine.ingestion.report import StageClock
from qa_engine.ingestion.writing.batch_writer import BatchWriter, StoredFile
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.models.embedding import build_embedding


class FilePipeline:
    """Reads files and stores them. `file_pipeline` makes it."""

    def __init__(
        self,
        session: WriteSession,
        reader: FileReader,
        embed_model: BaseEmbedding,
        clock: StageClock,
        ocr: bool,
    ) -> None:
        self._session = session
        self._reader = reader
        self._embed_model = embed_model
        self._clock = clock
        self._ocr = ocr
        self._writer: BatchWriter | None = None

    def run(self, files: Sequence[FileToRead]) -> Iterator[StoredFile | UnreadFile]:
        """The outcome for each file, as soon as it is committed or has failed. No two may have the same content.

        Raises:
            ServiceUnavailableError: the Chroma server is not there.
            StorageError: the vectors cannot be opened.
        """
        batches = self._reader.batches(files)
        if self._writer is None:
            with self._clock("loading"):  # while the first files are being read
                self._writer = BatchWriter(
                    self._session, self._embed_model, self._reader, self._clock, self._ocr
                )
        for item in self._clock.each("waiting for parsing", batches):
            if isinstance(item, FileBatch):
                yield from self._writer.store(item)
            else:
                yield item


@contextmanager
def file_pipeline(
    session: WriteSession, parser: Parser, node_parser: NodeParser | None, clock: StageClock, ocr: bool
) -> Iterator[FilePipeline]:
    """The pipeline of a run, with the threads or the cluster that work for it.

    Args:
        session: the session of the collection.
        parser: parses files, unless the workers of a Ray cluster do.
        node_parser: the node parser of the caller; None splits into sentences.
        clock: measures the stages.
        ocr: whether pages without text are recognised.

    Raises:
        ModelUnavailableError, ServiceUnavailableError: the embedding model or the Ray cluster is not there.
        StorageError: the token vectors cannot be opened.
    """
    config = session.config
    embed_model = session.embed_model or build_embedding(config.embedding, session.progress.stage)
    tokens = session.nodes.open_tokens(embed_model)
    codec = tokens.codec if tokens is not None else None
    sentences = SentenceNodeParser(max_sentence_chars=config.documents.max_sentence_chars)
    split = CustomSplitter(node_parser) if node_parser is not None else sentences.get_nodes_from_documents
    if config.ingestion.ray_address is None:
        with LocalReader(parser, split, embed_model, config.embedding, codec) as reader:
            yield FilePipeline(session, reader, embed_model, clock, ocr)
        return
    from qa_engine.ingestion.cluster.scheduling import ray_reader

    with ray_reader(session, split, codec) as cluster:
        yield FilePipeline(session, cluster, embed_model, clock, ocr)
