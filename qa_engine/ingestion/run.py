"""One run of an ingest: compares files with the catalog, has them read and stored, counts, and publishes."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.documents.files import path_text
from qa_engine.documents.parsing_pool import ParsingPool
from qa_engine.errors import DocumentError, QAEngineError
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.diff import (
    DocumentSource,
    FileDiff,
    FileToLink,
    FileToRead,
    UnreadFile,
    diff_files,
    vanished_files,
    with_content,
)
from qa_engine.ingestion.files.identity import ReadingIdentity
from qa_engine.ingestion.files.metadata import MetadataTable
from qa_engine.ingestion.report import FileResult, IngestReport, StageClock, doubtful_pages, utc_now
from qa_engine.ingestion.writing.publishing import publish
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_nodes import drop_superseded, token_bits_changed
from qa_engine.models.cores import available_cores
from qa_engine.models.e5.shared import load_shared_encoder_early

if TYPE_CHECKING:
    from llama_index.core.node_parser import NodeParser

    from qa_engine.ingestion.pipeline import FilePipeline
    from qa_engine.ingestion.reading.batches import Parser
    from qa_engine.ingestion.writing.batch_writer import StoredFile

logger = logging.getLogger("qa_engine.ingestion")

_FILES_PER_WORKER = 16
_BYTES_PER_WORKER = 1_000_000
"""Some 30 pages of text and figures."""
_MAX_WORKERS = 8
"""One writer does not keep up with more."""
_PUBLISH_SECONDS = 30
"""Readers of a long run see what is new after so many seconds, or after 20 times as long as the last publishing took."""


class IngestRun:
    """Brings files into a collection. One object is one run."""

    def __init__(
        self,
        session: WriteSession,
        table: MetadataTable | None = None,
        parser: Parser | None = None,
        parser_identity: str = "",
        node_parser: NodeParser | None = None,
    ) -> None:
        """
        Args:
            session: the right to write to the collection, with what is open for it.
            table: metadata of the files.
            parser: parses in this process; None for the processes of a `ParsingPool`, or the workers of a cluster.
            parser_identity: names the parser. It is part of the identity of all files that it reads.
            node_parser: the node parser of the caller; None splits into sentences.
        """
        self._session = session
        self._catalog = session.catalog
        self._progress = session.progress
        self._table = table
        self._parser = parser
        self._node_parser = node_parser
        self._report = IngestReport(session.name)
        self._clock = StageClock()
        self._publish_at = time.monotonic() + _PUBLISH_SECONDS
        self._reading = ReadingIdentity.of(session.config.documents, parser_identity, node_parser)

    def run(
        self,
        files: Sequence[Path] | Sequence[DocumentSource],
        roots: Sequence[Path | str] = (),
        prune: bool = False,
        workers: int | None = None,
    ) -> IngestReport:
        """Compares the files with the catalog and brings the collection to their state.

        Args:
            files: absolute paths, or documents that did not come from files.
            roots: the paths that the files were found below.
            prune: whether files that are gone leave the collection.
            workers: processes that parse; None for as many as the files are worth. A Ray cluster goes by its processors.
        """
        started = time.perf_counter()
        logger.info("ingest into collection %s started: %d files", self._session.name, len(files))
        drop_superseded(self._catalog, self._session.paths, self._session.config.index)
        self._session.nodes.delete_unfinished()
        with self._publishing_at_the_end():
            with self._clock("comparing"):
                self._session.nodes.retokenize(self._progress)
            self._change_token_bits()
            with self._clock("comparing"):
                self._progress.stage("comparing files with the catalog")
                diff = diff_files(files, self._catalog, self._reading, self._table)
            paths = [file for file in files if isinstance(file, Path)]
            if self._table is not None and (unmatched := self._table.unmatched(paths)):
                self._report.warnings.append(unmatched)
            self._record(diff)
            if diff.reads:
                self._read(diff.reads, workers)
            self._record_vanished(vanished_files(self._catalog, paths, roots), prune)
        self._report.seconds = time.perf_counter() - started
        self._report.timings = self._clock.seconds
        counts = {name: count for name, count in self._report.to_dict()["files"].items() if count}
        logger.info("ingest into collection %s ended: %s", self._session.name, counts or "no files")
        return self._report

    @contextmanager
    def _publishing_at_the_end(self) -> Iterator[None]:
        """Publishes at the end, also of a run that was interrupted: what was committed is worth it."""
        try:
            yield
        finally:
            ended_by = sys.exc_info()[1]
            try:
                self._publish()
            except QAEngineError:
                # The error that ended the run says more. The next run does what is missing.
                if ended_by is None:
                    raise

    def _publish(self) -> None:
        started = time.monotonic()
        with self._clock("publishing"):
            publish(self._catalog, self._session.paths, self._session.config.bm25, self._progress)
            self._session.nodes.delete_unfinished()
        took = time.monotonic() - started
        self._publish_at = time.monotonic() + max(_PUBLISH_SECONDS, 20 * took)

    def _change_token_bits(self) -> None:
        with self._clock("token vectors"):
            session = self._session
            if token_bits_changed(
                session.catalog, session.paths, session.config.embedding, session.embed_model
            ):
                from qa_engine.ingestion.maintenance.reembedding import (
                    change_token_bits,  # imports LlamaIndex
                )

                change_token_bits(session)
                session.nodes.close()  # what is open is no longer what the catalog names

    # -- files that need no reading

    def _record(self, diff: FileDiff) -> None:
        """Records the files that need no reading."""
        for failure in diff.failures:
            self._fail(*failure)
        for record in diff.unchanged:
            self._done(FileResult(record.path, "unchanged", pages=record.pages, nodes=record.nodes))
        with self._catalog.together():
            for file in diff.touched:
                self._catalog.touch(file.record)
        self._count_links(diff.touched)
        with self._catalog.together():
            for file in diff.links:
                self._link(file)
        self._count_links(diff.links)

    def _link(self, file: FileToLink) -> None:
        record = file.record
        if not record.ingested_at:
            record = replace(record, ingested_at=utc_now())
        self._catalog.link(record)
        if file.moved_from is not None:
            self._catalog.remove(file.moved_from)

    def _count_links(self, files: Iterable[FileToLink]) -> None:
        for file in files:
            record, former = file.record, file.moved_from or ""
            self._done(FileResult(record.path, file.status, former, pages=record.pages, nodes=record.nodes))

    def _record_vanished(self, records: Iterable[FileRecord], prune: bool) -> None:
        for record in records:
            if prune:
                self._catalog.remove(record.path)
                self._done(FileResult(record.path, "deleted"))
            else:
                self._done(FileResult(record.path, "vanished", pages=record.pages, nodes=record.nodes))

    # -- files that are read

    def _read(self, reads: Sequence[FileToRead], workers: int | None) -> None:
        """Reads files: of several with the same content one, and if it cannot be read the next."""
        config = self._session.config
        workers = workers or worthwhile_workers([file.record.size for file in reads])
        with ExitStack() as stack:
            pool = stack.enter_context(ParsingPool(config.documents, workers))
            if config.ingestion.ray_address is None:
                if self._parser is None:
                    pool.begin([file.path for file in _by_content(reads)[0]])
                if self._session.embed_model is None and config.embedding.provider == "local":
                    load_shared_encoder_early(for_passages=True)
            with self._clock("loading"):
                # LlamaIndex: an unchanged corpus is done without it, and otherwise files are being read meanwhile.
                from qa_engine.ingestion.pipeline import file_pipeline

                parser = self._parser or pool
                pipeline = stack.enter_context(
                    file_pipeline(self._session, parser, self._node_parser, self._clock, self._reading.ocr)
                )
            self._progress.start(len(reads))
            waiting = reads
            while waiting:
                distinct, copies = _by_content(waiting)
                self._store(pipeline, distinct)
                waiting = [file for file in copies if not self._link_copy(file)]

    def _store(self, pipeline: FilePipeline, files: Sequence[FileToRead]) -> None:
        for result in pipeline.run(files):
            if isinstance(result, UnreadFile):
                self._fail(*result)
            else:
                self._count_stored(result)
            if time.monotonic() >= self._publish_at:
                self._publish()

    def _link_copy(self, file: FileToRead) -> bool:
        """Links a file to the content that was just read from another; False if that could not be read."""
        stored = self._catalog.document(file.record.document_id)
        if stored is None:
            return False
        status = "duplicate" if file.status == "added" else file.status
        record = with_content(file.record, stored, self._catalog, self._reading)
        link = FileToLink(record, status, file.moved_from)
        with self._catalog.together():
            self._link(link)
        self._count_links([link])
        return True

    # -- results

    def _count_stored(self, stored: StoredFile) -> None:
        record = stored.record
        self._report.warnings.extend(doubtful_pages(record.file_name, stored.parsed.pages))
        self._report.pages += record.pages
        self._report.nodes += record.nodes
        status, former = stored.file.status, stored.file.moved_from or ""
        self._done(FileResult(record.path, status, former, "", record.pages, record.nodes, stored.seconds))

    def _fail(self, path: Path, error: DocumentError) -> None:
        logger.warning("file failed: %s (%s)", path_text(path), error.reason)
        self._done(FileResult(path_text(path), "failed", error.reason, path_text(str(error))))

    def _done(self, result: FileResult) -> None:
        self._report.count(result)
        self._progress.file_done(result)


def worthwhile_workers(sizes: Sequence[int], cores: int | None = None) -> int:
    """How many processes should parse files of some sizes in bytes: starting one takes half a second.

    For many files, as many as there are cores, though the model needs them too: PDFs with tables and columns take longer to
    read than to embed, and at first there is nothing to embed.

    Args:
        sizes: the sizes of the files, in bytes.
        cores: the cores that this process may use; None asks the operating system.
    """
    worth = max(len(sizes) // _FILES_PER_WORKER, sum(sizes) // _BYTES_PER_WORKER)
    return max(1, min(worth, cores or available_cores(), _MAX_WORKERS))


def _by_content(files: Sequence[FileToRead]) -> tuple[list[FileToRead], list[FileToRead]]:
    """The first file of each content, and the other ones."""
    first: dict[str, FileToRead] = {}
    copies = []
    for file in files:
        if file.record.document_id in first:
            copies.append(file)
        else:
            first[file.record.document_id] = file
    return list(first.values()), copies
