"""Embeds and stores the sentences of a few files together, and commits each file with all of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import BaseNode, TransformComponent
from llama_index.core.vector_stores.types import BasePydanticVectorStore

from qa_engine.config import Config
from qa_engine.documents.pdf import ParsedPdf
from qa_engine.documents.sentences.node_parser import SECTION
from qa_engine.errors import DocumentError
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.index.vectors.chroma_rows import stored_sentence
from qa_engine.index.vectors.token_store import TokenStore
from qa_engine.ingestion.batches import FileGroup
from qa_engine.ingestion.embedding_windows import ContextEmbedding, EmbeddedSentences
from qa_engine.ingestion.files.diff import FileToRead, file_digest, file_stamp, now, unreadable
from qa_engine.ingestion.report import StageClock, needs_ocr
from qa_engine.ingestion.stored_nodes import lexical_text
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import analyse


class NodeAnnouncement(TransformComponent):
    """Tells the catalog which nodes are about to be stored, so that a crash leaves no node unknown to it."""

    announce: Callable[[str, int], None]

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        for document_id, count in Counter(node.ref_doc_id or "" for node in nodes).items():
            self.announce(document_id, count)
        return nodes


def build_pipeline(
    config: Config,
    embed_model: BaseEmbedding,
    vector_store: BasePydanticVectorStore,
    announce: Callable[[str, int], None],
    report: Callable[[int, int], None] | None = None,
    token_store: TokenStore | None = None,
    clock: StageClock | None = None,
    embedded: Callable[[Sequence[BaseNode]], Iterable[EmbeddedSentences]] | None = None,
) -> IngestionPipeline:
    """The pipeline for the sentences of a few documents a run.

    Args:
        config: how much context a sentence gets.
        embed_model: makes the vectors.
        vector_store: takes the nodes.
        announce: is told the document and the number of its nodes before the first is stored.
        report: is told how many sentences of a document are embedded, and of how many.
        token_store: takes the token vectors of the sentences; None keeps none.
        clock: measures the stages.
        embedded: gives what was embedded elsewhere.

    The cache of `IngestionPipeline` is off: its key covers a whole batch and not the splitter; the catalog knows which
    files are unchanged. It has no vector store of its own either: it would keep the vectors of all nodes until the end.
    """
    return IngestionPipeline(
        transformations=[
            NodeAnnouncement(announce=announce),
            ContextEmbedding(
                embed_model=embed_model,
                pass_chars=config.embedding.pass_chars,
                context_sentences=config.embedding.context_sentences,
                report=report,
                token_store=token_store,
                vector_store=vector_store,
                clock=clock or StageClock(),
                embedded=embedded,
            ),
        ],
        disable_cache=True,
    )


@dataclass(frozen=True)
class StoredFile:
    """What became of a file of a group.

    Attributes:
        file: as it was to be read.
        parsed: what was read.
        record: what the catalog says of it now.
        error: why it was not committed; None if it was.
        seconds: its part of the time.
    """

    file: FileToRead
    parsed: ParsedPdf
    record: FileRecord
    error: DocumentError | None
    seconds: float


class GroupWriter:
    """Writes groups of files, for the holder of the right to write."""

    def __init__(self, catalog: Catalog, pipeline: IngestionPipeline, clock: StageClock, ocr: bool) -> None:
        """
        Args:
            catalog: of the collection.
            pipeline: announces, embeds and stores; see `build_pipeline`.
            clock: measures the stages.
            ocr: whether pages without text were recognised.
        """
        self._catalog = catalog
        self._pipeline = pipeline
        self._clock = clock
        self._ocr = ocr

    def store(self, group: FileGroup) -> list[StoredFile]:
        """Stores the nodes of all files, which are split already, then commits each file that is still what was read."""
        started = time.perf_counter()
        nodes: dict[str, list[BaseNode]] = {file.record.document_id: [] for file, _, _ in group.files}
        for node in self._pipeline.run(nodes=group.nodes):
            nodes[node.ref_doc_id or ""].append(node)
        total = max(1, sum(map(len, nodes.values())))
        with self._clock("committing"):
            errors = [_changed_meanwhile(file) for file, _, _ in group.files]
            with self._catalog.together():
                records = [
                    self._commit(file, parsed, nodes[file.record.document_id])
                    if error is None
                    else file.record
                    for (file, parsed, _), error in zip(group.files, errors, strict=True)
                ]
        spent = time.perf_counter() - started
        return [
            StoredFile(file, parsed, record, error, waited + spent * record.nodes / total)
            for (file, parsed, waited), record, error in zip(group.files, records, errors, strict=True)
        ]

    def _commit(self, file: FileToRead, parsed: ParsedPdf, nodes: Sequence[BaseNode]) -> FileRecord:
        record = replace(
            file.record,
            pages=len(parsed.pages),
            nodes=len(nodes),
            chinese_nodes=sum(is_chinese(node.get_content()) for node in nodes),
            awaits_ocr=0 if self._ocr else sum(map(needs_ocr, parsed.pages)),
            ingested_at=now(),
        )
        sections = dict.fromkeys(node.metadata[SECTION] for node in nodes if node.metadata.get(SECTION))
        stored = [stored_sentence(node) for node in nodes]
        terms = [analyse(lexical_text(sentence)) for sentence in stored]
        if not nodes:
            self._catalog.begin(record.document_id, 0)
        parts = DocumentParts(parsed.spans, terms, parsed.tables, list(sections), stored)
        self._catalog.commit(record, parts)
        if file.moved_from is not None:
            self._catalog.remove(file.moved_from)
        return record


def _changed_meanwhile(file: FileToRead) -> DocumentError | None:
    """Why what was read of a file may not be what its record says."""
    record = file.record
    try:
        if file_stamp(file.path) == (record.size, record.modified_ns, record.changed_ns):
            return None
        if file_digest(file.path) == record.sha256:
            return None
    except OSError as error:
        return unreadable(file.path, error)
    return DocumentError("changed", f"{file.path.name} changed while it was read: run again.")
