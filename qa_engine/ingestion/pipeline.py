"""Files in, stored files out: reads and embeds batch by batch, and commits each file with all of its sentences.

Imports LlamaIndex and Chroma, which takes longer than a run over an unchanged corpus may take: import this module when
there is something to read.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, TransformComponent

from qa_engine.documents.parsed_pdf import ParsedPdf, left_out
from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.index.records import FileRecord
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.ingestion.embedding_windows import ContextEmbedding
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.files.metadata import store_reader_metadata
from qa_engine.ingestion.files.state import changed_since, is_document
from qa_engine.ingestion.reading.batches import FileBatch, FileReader, Parser
from qa_engine.ingestion.reading.custom_components import CustomSplitter, ParsedDocuments
from qa_engine.ingestion.reading.local import LocalReader
from qa_engine.ingestion.report import StageClock, doubtful_pages, utc_now
from qa_engine.ingestion.writing.identities import read_identity
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_file import (
    StoredFile,
    StoringPipeline,
    completed_record,
    document_parts,
)
from qa_engine.models.embedding import build_embedding

logger = logging.getLogger("qa_engine.ingestion")


class NodeAnnouncement(TransformComponent):
    """Announces nodes to the catalog before they are stored, so that a crash leaves no node unknown to it.

    Takes what announces documents, with the numbers of their nodes.
    """

    announce: Callable[[Mapping[str, int]], None]

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        self.announce(Counter(node.ref_doc_id or "" for node in nodes))
        return nodes


class _StoppedError(Exception):
    """The run is to end in the middle of a batch."""


@dataclass
class FilePipeline:
    """Reads files and stores them. `file_pipeline` makes it."""

    session: WriteSession
    reader: FileReader
    embed_model: BaseEmbedding
    clock: StageClock
    ocr: bool
    _storing: IngestionPipeline | None = field(default=None, init=False)

    def run(self, files: Sequence[FileChange]) -> Iterator[StoredFile | UnreadFile]:
        """The outcome for each file, as soon as it is committed or has failed. No two may have the same content.

        Ends early, and leaves what is half stored to `StoredNodes.delete_unfinished`, once the progress says so.

        Raises:
            ServiceUnavailableError: the Chroma server is not there.
            StorageError: the vectors cannot be opened.
        """
        batches = self.reader.batches(files)
        if self._storing is None:
            with self.clock("loading"):  # while the first files are being read
                self._storing = self._open_store()
        for item in self.clock.each("waiting for parsing", batches):
            if self.session.progress.stopped():
                return
            if isinstance(item, FileBatch):
                try:
                    yield from self._store(item, self._storing)
                except _StoppedError:
                    return
            else:
                yield item

    def _announce(self, documents: Mapping[str, int]) -> None:
        catalog = self.session.catalog
        with catalog.together():
            for document_id, nodes in documents.items():
                catalog.begin(document_id, nodes)

    def _sentences_done(self, done: int, total: int) -> None:
        self.session.progress.sentences_done(done, total)
        if done < total and self.session.progress.stopped():
            raise _StoppedError

    def _open_store(self) -> IngestionPipeline:
        session, embedding = self.session, self.session.config.embedding
        # The cache of IngestionPipeline is off: its key covers a whole batch and not the splitter; the catalog knows
        # which files are unchanged. It has no vector store: it would keep the vectors of all nodes until the end.
        return IngestionPipeline(
            transformations=[
                NodeAnnouncement(announce=self._announce),
                ContextEmbedding(
                    embed_model=self.embed_model,
                    pass_chars=embedding.pass_chars,
                    context_sentences=embedding.context_sentences,
                    on_progress=self._sentences_done,
                    token_store=session.nodes.tokens,
                    vector_store=session.nodes.store,
                    clock=self.clock,
                    embeddings=self.reader.embeddings,
                ),
            ],
            disable_cache=True,
        )

    def _store(self, batch: FileBatch, storing: IngestionPipeline) -> Iterator[StoredFile | UnreadFile]:
        """Stores the nodes of a batch that is split, then commits each file that is still what was read."""
        started = time.perf_counter()
        nodes: dict[str, list[BaseNode]] = {file.record.document_id: [] for file, _, _ in batch.files}
        for node in storing.run(nodes=batch.nodes):
            nodes[node.ref_doc_id or ""].append(node)
        total = max(1, sum(map(len, nodes.values())))
        with self.clock("committing"):
            errors = [changed_since(file.path, file.record) for file, _, _ in batch.files]
            with self.session.catalog.together():
                records = [
                    self._commit(file, parsed, nodes[file.record.document_id])
                    if error is None
                    else file.record
                    for (file, parsed, _), error in zip(batch.files, errors, strict=True)
                ]
        spent = time.perf_counter() - started
        logger.debug("batch committed: %d files, %d nodes, %.2f s", len(batch.files), total, spent)
        for (file, parsed, waited), record, error in zip(batch.files, records, errors, strict=True):
            if error is not None:
                yield file.unread(error)
            else:
                seconds = waited + spent * record.nodes / total
                warnings = list(doubtful_pages(record.file_name, parsed.pages))
                yield StoredFile(file, record, seconds, warnings, left_out(parsed.pages))

    def _commit(self, file: FileChange, parsed: ParsedPdf, nodes: Sequence[BaseNode]) -> FileRecord:
        catalog = self.session.catalog
        record = completed_record(file.record, parsed, nodes, self.ocr)
        record = replace(record, ingested_at=utc_now())
        spans = parsed.spans
        if isinstance(parsed, ParsedDocuments):
            spans = []  # they have pages, and no places on them
            record = replace(record, sidecar={**parsed.metadata, **record.sidecar})
            if parsed.metadata and not is_document(record.path):
                store_reader_metadata(catalog, record.document_id, parsed.metadata)
        parts = document_parts(parsed, nodes, spans)
        if not nodes:
            catalog.begin(record.document_id, 0)
        catalog.set_identity(record.document_id, read_identity(parts.sentences, record, parsed))
        catalog.commit(record, parts)
        if file.moved_from is not None:
            catalog.remove(file.moved_from)
        return record


@contextmanager
def file_pipeline(
    session: WriteSession, parser: Parser, node_parser: NodeParser | None, clock: StageClock, ocr: bool
) -> Iterator[StoringPipeline]:
    """The pipeline of a run, with the threads or the cluster that work for it.

    Args:
        session, clock: of the run.
        parser: parses files, unless the workers of a Ray cluster do.
        node_parser: the node parser of the caller; None splits into sentences.
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
        with closing(
            LocalReader(parser, split, embed_model, config.embedding, codec, session.progress.stopped)
        ) as reader:
            yield FilePipeline(session, reader, embed_model, clock, ocr)
        return
    if isinstance(session.catalog, SharedCatalog):
        from qa_engine.ingestion.cluster.writing import ray_writers

        with ray_writers(session, session.catalog, codec, clock, ocr) as writers:
            yield writers
        return
    from qa_engine.ingestion.cluster.scheduling import ray_reader

    with ray_reader(session, split, codec) as cluster:
        yield FilePipeline(session, cluster, embed_model, clock, ocr)
