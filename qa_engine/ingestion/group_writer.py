"""Embeds and stores the sentences of a few files together, and commits each file with all of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import BaseNode

from qa_engine.documents.node_parser import SECTION
from qa_engine.documents.pdf import ParsedPdf
from qa_engine.documents.sentences import is_chinese
from qa_engine.errors import DocumentError
from qa_engine.index.analyser import analyse
from qa_engine.index.catalog import Catalog
from qa_engine.index.node_records import stored_sentence
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.ingestion.changes import FileToRead, file_digest, file_stamp, now, unreadable
from qa_engine.ingestion.file_groups import FileGroup
from qa_engine.ingestion.lexical_text import lexical_text
from qa_engine.ingestion.report import StageClock, needs_ocr


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
