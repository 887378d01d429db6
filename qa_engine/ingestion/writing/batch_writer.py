"""Embeds and stores the sentences of a batch, and commits each file with all of its sentences."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import BaseNode, TransformComponent

from qa_engine.documents.blocks import ParsedPdf
from qa_engine.documents.sentences.node_parser import SECTION
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.index.vectors.chroma_rows import stored_sentence
from qa_engine.ingestion.embedding_windows import ContextEmbedding
from qa_engine.ingestion.files.diff import FileToRead, UnreadFile
from qa_engine.ingestion.files.metadata import store_reader_metadata
from qa_engine.ingestion.files.state import changed_since, is_document
from qa_engine.ingestion.reading.batches import FileBatch, FileReader
from qa_engine.ingestion.reading.custom_components import ParsedDocuments
from qa_engine.ingestion.report import StageClock, needs_ocr, utc_now
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_nodes import bm25_text
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import tokenize

logger = logging.getLogger("qa_engine.ingestion")


class NodeAnnouncement(TransformComponent):
    """Announces nodes to the catalog before they are stored, so that a crash leaves no node unknown to it."""

    announce: Callable[[str, int], None]

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        for document_id, count in Counter(node.ref_doc_id or "" for node in nodes).items():
            self.announce(document_id, count)
        return nodes


@dataclass(frozen=True)
class StoredFile:
    """A file that was committed.

    Attributes:
        file: as it was to be read.
        parsed: its text.
        record: the record of the file in the catalog.
        seconds: its share of the time.
    """

    file: FileToRead
    parsed: ParsedPdf
    record: FileRecord
    seconds: float


class BatchWriter:
    """Writes batches of files, in a session that holds the right to write."""

    def __init__(
        self,
        session: WriteSession,
        embed_model: BaseEmbedding,
        reader: FileReader,
        clock: StageClock,
        ocr: bool,
    ) -> None:
        """
        Args:
            session: the session of the collection; its store of nodes is opened.
            embed_model: makes the vectors.
            reader: embeds the sentences of the batches that it reads.
            clock: measures the stages.
            ocr: whether pages without text were recognised.

        Raises:
            ServiceUnavailableError: the Chroma server is not there.
            StorageError: the vectors cannot be opened.
        """
        self._catalog = session.catalog
        self._clock = clock
        self._ocr = ocr
        embedding = session.config.embedding
        # The cache of IngestionPipeline is off: its key covers a whole batch and not the splitter; the catalog knows
        # which files are unchanged. It has no vector store: it would keep the vectors of all nodes until the end.
        self._pipeline = IngestionPipeline(
            transformations=[
                NodeAnnouncement(announce=session.catalog.begin),
                ContextEmbedding(
                    embed_model=embed_model,
                    pass_chars=embedding.pass_chars,
                    context_sentences=embedding.context_sentences,
                    on_progress=session.progress.sentences_done,
                    token_store=session.nodes.tokens,
                    vector_store=session.nodes.store,
                    clock=clock,
                    embeddings=reader.embeddings,
                ),
            ],
            disable_cache=True,
        )

    def store(self, batch: FileBatch) -> Iterator[StoredFile | UnreadFile]:
        """Stores the nodes of a batch that is split, then commits each file that is still what was read."""
        started = time.perf_counter()
        nodes: dict[str, list[BaseNode]] = {file.record.document_id: [] for file, _, _ in batch.files}
        for node in self._pipeline.run(nodes=batch.nodes):
            nodes[node.ref_doc_id or ""].append(node)
        total = max(1, sum(map(len, nodes.values())))
        with self._clock("committing"):
            errors = [changed_since(file.path, file.record) for file, _, _ in batch.files]
            with self._catalog.together():
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
                yield UnreadFile(file.path, error)
            else:
                yield StoredFile(file, parsed, record, waited + spent * record.nodes / total)

    def _commit(self, file: FileToRead, parsed: ParsedPdf, nodes: Sequence[BaseNode]) -> FileRecord:
        record = replace(
            file.record,
            pages=len(parsed.pages),
            nodes=len(nodes),
            chinese_nodes=sum(is_chinese(node.get_content()) for node in nodes),
            awaits_ocr=0 if self._ocr else sum(map(needs_ocr, parsed.pages)),
            ingested_at=utc_now(),
        )
        spans = parsed.spans
        if isinstance(parsed, ParsedDocuments):
            spans = []  # they have pages, and no places on them
            record = replace(record, sidecar={**parsed.metadata, **record.sidecar})
            if parsed.metadata and not is_document(record.path):
                store_reader_metadata(self._catalog, record.document_id, parsed.metadata)
        sections = dict.fromkeys(node.metadata[SECTION] for node in nodes if node.metadata.get(SECTION))
        stored = [stored_sentence(node) for node in nodes]
        terms = [tokenize(bm25_text(sentence)) for sentence in stored]
        if not nodes:
            self._catalog.begin(record.document_id, 0)
        self._catalog.commit(record, DocumentParts(spans, terms, parsed.tables, list(sections), stored))
        if file.moved_from is not None:
            self._catalog.remove(file.moved_from)
        return record
