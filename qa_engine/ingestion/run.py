"""One run of an ingest: compares, reads, stores, publishes and cleans up."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.config import Config
from qa_engine.documents.files import path_text
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.documents.parsing_pool import ParsingPool
from qa_engine.documents.pdf import PARSER_VERSION
from qa_engine.documents.sentences.splitting import SPLITTER_VERSION
from qa_engine.errors import DocumentError, QAEngineError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.ingestion.files.diff import (
    Changes,
    FileToLink,
    FileToRead,
    Reading,
    compare,
    now,
    vanished,
    with_content,
)
from qa_engine.ingestion.files.metadata import MetadataTable
from qa_engine.ingestion.publishing import drop_former, publish
from qa_engine.ingestion.report import (
    FileResult,
    IngestProgress,
    IngestReport,
    StageClock,
    doubtful_pages,
)
from qa_engine.ingestion.stored_nodes import StoredNodes
from qa_engine.ingestion.token_vectors import change_token_bits
from qa_engine.models.cores import available_cores
from qa_engine.models.e5.shared import load_shared_encoder_early

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    from qa_engine.ingestion.batch_writer import StoredFile
    from qa_engine.ingestion.file_pipeline import FilePipeline


_FILES_A_WORKER = 16
_BYTES_A_WORKER = 1_000_000
"""Some 30 pages of text and figures."""
_MOST_WORKERS = 8
"""One writer does not keep up with more."""


def worthwhile_workers(sizes: Sequence[int]) -> int:
    """Processes that should parse files of these bytes: starting one takes half a second.

    Not fewer than the processors for many files, though the model needs them too: PDFs with tables and columns take longer
    to read than to embed, and at first there is nothing to embed.
    """
    worth = max(len(sizes) // _FILES_A_WORKER, sum(sizes) // _BYTES_A_WORKER)
    return max(1, min(worth, available_cores(), _MOST_WORKERS))


_PUBLISH_SECONDS = 30
"""Readers of a long run see what is new after so many seconds, or after 20 times as long as the last publishing took."""


class IngestRun:
    """Brings files into a collection whose right to write is held. One object is one run."""

    def __init__(
        self,
        config: Config,
        where: CollectionPaths,
        catalog: Catalog,
        name: str,
        progress: IngestProgress,
        embed_model: BaseEmbedding | None = None,
        table: MetadataTable | None = None,
    ) -> None:
        self._config = config
        self._table = table
        self._where = where
        self._catalog = catalog
        self._progress = progress
        self._embed_model = embed_model
        self._report = IngestReport(name)
        self._clock = StageClock()
        self._nodes = StoredNodes(catalog, where, config.index)
        self._publish_at = time.monotonic() + _PUBLISH_SECONDS
        self._reading = Reading(
            self._pipeline_identity(), config.documents.ocr != "never" and ocr_available()
        )

    def run(
        self, files: Sequence[Path], named: Sequence[Path | str], prune: bool, workers: int | None
    ) -> IngestReport:
        """Compares the files with the catalog and brings the collection to where they are.

        Args:
            files: absolute paths.
            named: the paths that they were found below.
            prune: whether files that are gone leave the collection.
            workers: processes that parse, unless the workers of a Ray cluster do; None for as many as the files are worth.
        """
        started = time.perf_counter()
        drop_former(self._catalog, self._where, self._config.index)
        self._nodes.delete_unfinished()
        with self._finishing():
            with self._clock("comparing"):
                self._nodes.reanalyse(self._progress)
            with self._clock("token vectors"):
                change_token_bits(self._catalog, self._where, self._config, self._embed_model, self._progress)
            with self._clock("comparing"):
                self._progress.stage("comparing files with the catalog")
                changes = compare(files, self._catalog, self._reading, self._table)
            if self._table is not None and (unmatched := self._table.unmatched(files)):
                self._report.warnings.append(unmatched)
            self._take_over(changes)
            if changes.reads:
                self._read(changes.reads, workers)
            self._settle_vanished(files, named, prune)
        self._report.seconds = time.perf_counter() - started
        self._report.timings = self._clock.seconds
        return self._report

    @contextmanager
    def _finishing(self) -> Iterator[None]:
        """Publishes at the end, also of a run that was interrupted: what was committed is worth it."""
        try:
            yield
        finally:
            ended_by = sys.exc_info()[1]
            try:
                self._publish()
            except QAEngineError:
                # What ended the run says more. The next run does what is missing.
                if ended_by is None:
                    raise

    def _publish(self) -> None:
        started = time.monotonic()
        with self._clock("publishing"):
            publish(self._catalog, self._where, self._config.bm25, self._progress)
            self._nodes.delete_unfinished()
        took = time.monotonic() - started
        self._publish_at = time.monotonic() + max(_PUBLISH_SECONDS, 20 * took)

    def _take_over(self, changes: Changes) -> None:
        """Records the files that need no reading."""
        for path, error in changes.failures:
            self._fail(path, error)
        for record in changes.unchanged:
            self._done(FileResult(record.path, "unchanged", pages=record.pages, nodes=record.nodes))
        with self._catalog.together():
            for file in changes.touched:
                self._catalog.touch(file.record)
        for file in changes.touched:
            self._done(
                FileResult(file.record.path, file.status, pages=file.record.pages, nodes=file.record.nodes)
            )
        with self._catalog.together():
            for file in changes.links:
                self._link(file)
        for file in changes.links:
            self._count_link(file)

    def _link(self, file: FileToLink | FileToRead) -> None:
        if not file.record.ingested_at:
            file = replace(file, record=replace(file.record, ingested_at=now()))
        self._catalog.link(file.record)
        if file.moved_from is not None:
            self._catalog.remove(file.moved_from)

    def _count_link(self, file: FileToLink) -> None:
        record = file.record
        self._done(
            FileResult(
                record.path, file.status, file.moved_from or "", pages=record.pages, nodes=record.nodes
            )
        )

    def _read(self, reads: Sequence[FileToRead], workers: int | None) -> None:
        """Reads files; of those with the same content one, and if that fails the next."""
        workers = workers or worthwhile_workers([file.record.size for file in reads])
        with ExitStack() as stack:
            parsing = stack.enter_context(ParsingPool(self._config.documents, workers))
            if self._config.ingestion.ray_address is None:
                distinct, _ = _first_of_each(reads)
                parsing.begin([file.path for file in distinct])
                if self._embed_model is None and self._config.embedding.provider == "local":
                    load_shared_encoder_early()
            with self._clock("loading"):
                # LlamaIndex: an unchanged corpus is done before it is imported, and others are being read meanwhile.
                from qa_engine.ingestion.file_pipeline import file_pipeline

                pipeline = stack.enter_context(
                    file_pipeline(
                        self._config,
                        self._catalog,
                        self._where,
                        self._nodes,
                        self._embed_model,
                        parsing,
                        self._reading.ocr,
                        self._progress,
                        self._clock,
                    )
                )
            self._read_by(pipeline, reads)

    def _read_by(self, pipeline: FilePipeline, reads: Sequence[FileToRead]) -> None:
        self._progress.start(len(reads))
        waiting = reads
        while waiting:
            distinct, copies = _first_of_each(waiting)
            self._read_distinct(pipeline, distinct)
            waiting = [file for file in copies if not self._link_copy(file)]

    def _link_copy(self, file: FileToRead) -> bool:
        """Lets a file share what was just read from another; False if that could not be read."""
        stored = self._catalog.document(file.record.document_id)
        if stored is None:
            return False
        status = "duplicate" if file.status == "added" else file.status
        link = FileToLink(with_content(file.record, stored), status, file.moved_from)
        with self._catalog.together():
            self._link(link)
        self._count_link(link)
        return True

    def _read_distinct(self, pipeline: FilePipeline, files: Sequence[FileToRead]) -> None:
        for path, found in pipeline.run(files):
            if isinstance(found, DocumentError):
                self._fail(path, found)
            else:
                self._count_stored(found)
            if time.monotonic() >= self._publish_at:
                self._publish()

    def _count_stored(self, stored: StoredFile) -> None:
        record = stored.record
        self._report.warnings.extend(doubtful_pages(record.file_name, stored.parsed.pages))
        self._report.pages += record.pages
        self._report.nodes += record.nodes
        status, former = stored.file.status, stored.file.moved_from or ""
        self._done(FileResult(record.path, status, former, "", record.pages, record.nodes, stored.seconds))

    def _settle_vanished(self, files: Sequence[Path], named: Sequence[Path | str], prune: bool) -> None:
        for record in vanished(self._catalog, files, named):
            if prune:
                self._catalog.remove(record.path)
            status = FileResult(record.path, "deleted" if prune else "vanished")
            self._done(status if prune else replace(status, pages=record.pages, nodes=record.nodes))

    def _fail(self, path: Path, error: DocumentError) -> None:
        self._done(FileResult(path_text(path), "failed", error.reason, path_text(str(error))))

    def _done(self, result: FileResult) -> None:
        self._report.count(result)
        self._progress.file_done(result)

    def _pipeline_identity(self) -> str:
        """What, besides the file itself, decides what is stored for a file."""
        parts = [
            PARSER_VERSION,
            SPLITTER_VERSION,
            self._config.documents.max_sentence_chars,
            self._config.documents.parser,
            "all pages by OCR" if self._config.documents.ocr == "always" else "",
        ]
        return "/".join(map(str, parts))


def _first_of_each(files: Sequence[FileToRead]) -> tuple[list[FileToRead], list[FileToRead]]:
    """The first file of each content, and the other ones."""
    first: dict[str, FileToRead] = {}
    copies = []
    for file in files:
        if file.record.document_id in first:
            copies.append(file)
        else:
            first[file.record.document_id] = file
    return list(first.values()), copies
