"""One run of an ingest: compares files with the catalog, has them read and stored, counts, and publishes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.documents.files import path_text
from qa_engine.documents.parsed_pdf import LeftOut
from qa_engine.documents.processes.parsing_pool import ParsingPool
from qa_engine.errors import DocumentError, QAEngineError
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.attachments import (
    MAX_DEPTH,
    AttachedFile,
    attached_files,
    is_mail,
    superseded_attachments,
)
from qa_engine.ingestion.files.diff import (
    DocumentSource,
    FileChange,
    FileDiff,
    UnreadFile,
    diff_files,
    vanished_files,
    with_content,
)
from qa_engine.ingestion.files.identity import ReadingIdentity
from qa_engine.ingestion.files.metadata import MetadataTable
from qa_engine.ingestion.files.state import content_path
from qa_engine.ingestion.files.uploads import UploadedFile, upload_path
from qa_engine.ingestion.report import (
    FileResult,
    FileStatus,
    IngestReport,
    StageClock,
    utc_now,
)
from qa_engine.ingestion.writing.identities import identify_documents
from qa_engine.ingestion.writing.publishing import publish
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.models.e5.shared import load_shared_encoder_early
from qa_engine.models.runtime.cores import available_cores

if TYPE_CHECKING:
    from llama_index.core.node_parser import NodeParser

    from qa_engine.ingestion.reading.batches import Parser
    from qa_engine.ingestion.writing.stored_file import StoringPipeline

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
            session, table: the collection, and metadata of the files.
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
        files: Sequence[Path] | Sequence[DocumentSource] | Sequence[UploadedFile],
        roots: Sequence[Path | str] = (),
        prune: bool = False,
        workers: int | None = None,
    ) -> IngestReport:
        """Compares the files with the catalog and brings the collection to their state.

        Args:
            files: absolute paths, uploaded files, or documents that did not come from files.
            roots: the paths that the files were found below.
            prune: whether files that are gone leave the collection.
            workers: processes that parse; None for as many as the files are worth. A Ray cluster goes by its processors.
        """
        started = time.perf_counter()
        logger.info("ingest into collection %s started: %d files", self._session.name, len(files))
        self._session.nodes.drop_superseded()
        self._session.nodes.delete_unfinished()
        try:
            with self._clock("comparing"):
                self._session.nodes.retokenize(self._progress)
                identify_documents(self._catalog, self._progress)
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
            if self._parser is None:  # a reader of the caller reads what is attached as it likes
                self._run_attachments([_recorded_path(file) for file in files], workers)
            if not self._progress.stopped():
                self._record_vanished(vanished_files(self._catalog, paths, roots), prune)
        except BaseException:
            # What was committed is worth publishing. If that fails too, the first error says more, and the next run does
            # what is missing.
            with suppress(QAEngineError):
                self._publish()
            raise
        self._publish()
        self._report.seconds = time.perf_counter() - started
        self._report.timings = self._clock.seconds
        counts = {name: count for name, count in self._report.to_dict()["files"].items() if count}
        logger.info("ingest into collection %s ended: %s", self._session.name, counts or "no files")
        return self._report

    def _publish(self) -> None:
        started = time.monotonic()
        with self._clock("publishing"):
            self._session.nodes.correct_names()
            publish(
                self._catalog,
                self._session.paths,
                self._session.config.bm25,
                self._progress,
                self._session.nodes,
            )
            self._session.nodes.delete_unfinished()
        took = time.monotonic() - started
        self._publish_at = time.monotonic() + max(_PUBLISH_SECONDS, 20 * took)

    def _change_token_bits(self) -> None:
        nodes = self._session.nodes
        with self._clock("token vectors"):
            if nodes.token_bits_changed(self._session.embed_model):
                from qa_engine.ingestion.maintenance.reembedding import (
                    change_token_bits,  # imports LlamaIndex
                )

                change_token_bits(self._session)
                nodes.close()  # what is open is no longer what the catalog names

    def _run_attachments(self, paths: Iterable[str], workers: int | None) -> None:
        """Brings what is attached to the mails among some files, and to those mails, to its state, as other files.

        Args:
            paths: that the files are recorded under.
        """
        storage = self._session.paths.root.parent
        mails: list[FileRecord] = []
        attached: list[AttachedFile] = []
        level = [path for path in paths if is_mail(path)]
        for _ in range(MAX_DEPTH):
            if not level or self._progress.stopped():
                break
            found: list[AttachedFile] = []
            records = self._catalog.files()
            for record in (records[path] for path in level if path in records):
                try:
                    found += attached_files(
                        self._catalog, record, content_path(record, storage), storage, self._reading.ocr
                    )
                    mails.append(record)
                except DocumentError as error:
                    self._fail(Path(record.path), error)
            attached += found
            diff = diff_files(found, self._catalog, self._reading, self._table)
            self._record(diff)
            if diff.reads:
                self._read(diff.reads, workers)
            level = [path_text(file.path) for file in found if is_mail(file.path)]
        if mails and not self._progress.stopped():
            self._record_vanished(superseded_attachments(self._catalog, mails, attached), prune=True)

    # -- files that need no reading

    def _record(self, diff: FileDiff) -> None:
        """Records the files that need no reading."""
        for failure in diff.failures:
            self._fail(*failure)
        for record in diff.unchanged:
            self._done(record, "unchanged")
        with self._catalog.together():
            for file in diff.touched:
                self._catalog.touch(file.record)
        for file in diff.touched:
            self._done(file.record, file.status)
        self._link(diff.links)

    def _link(self, files: Sequence[FileChange]) -> None:
        with self._catalog.together():
            for file in files:
                self._catalog.link(replace(file.record, ingested_at=file.record.ingested_at or utc_now()))
                if file.moved_from is not None:
                    self._catalog.remove(file.moved_from)
        for file in files:
            self._done(file.record, file.status, file.moved_from)

    def _record_vanished(self, records: Iterable[FileRecord], prune: bool) -> None:
        records = list(records)
        if prune and records:
            with self._catalog.together():
                for record in records:
                    self._catalog.remove(record.path)
        for record in records:
            if prune:
                self._count(FileResult(record.path, "deleted"))
            else:
                self._done(record, "vanished")

    # -- files that are read

    def _read(self, reads: Sequence[FileChange], workers: int | None) -> None:
        """Reads files: of several with the same content one, and if it cannot be read the next."""
        config = self._session.config
        workers = workers or worthwhile_workers([file.record.size for file in reads])
        names = {file.path: file.record.path for file in reads}
        storage = self._session.paths.root.parent

        def pages_read(path: Path, done: int, of: int) -> None:
            self._progress.pages_read(names[path], done, of)

        with ExitStack() as stack:
            pool = stack.enter_context(ParsingPool(config.documents, workers, pages_read, storage))
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
            while waiting and not self._progress.stopped():
                distinct, copies = _by_content(waiting)
                self._store(pipeline, distinct)
                waiting = [file for file in copies if not self._link_copy(file)]

    def _store(self, pipeline: StoringPipeline, files: Sequence[FileChange]) -> None:
        for result in pipeline.run(files):
            if isinstance(result, UnreadFile):
                self._fail(*result)
            else:
                record, file = result.record, result.file
                self._report.warnings.extend(result.warnings)
                self._report.pages += record.pages
                self._report.nodes += record.nodes
                self._done(record, file.status, file.moved_from, result.seconds, result.left_out)
            if time.monotonic() >= self._publish_at:
                self._publish()

    def _link_copy(self, file: FileChange) -> bool:
        """Links a file to the content that was just read from another; False if that could not be read."""
        stored = self._catalog.document(file.record.document_id)
        if stored is None:
            return False
        status = "duplicate" if file.status == "added" else file.status
        record = with_content(file.record, stored, self._catalog, self._reading)
        self._link([replace(file, record=record, status=status)])
        return True

    # -- results

    def _fail(self, path: Path, error: DocumentError) -> None:
        logger.warning("file failed: %s (%s)", path_text(path), error.reason)
        self._count(FileResult(path_text(path), "failed", error.reason, path_text(str(error))))

    def _done(
        self,
        record: FileRecord,
        status: FileStatus,
        moved_from: str | None = None,
        seconds: float = 0.0,
        skipped: Sequence[LeftOut] = (),
    ) -> None:
        pages, nodes = record.pages, record.nodes
        self._count(FileResult(record.path, status, moved_from or "", "", pages, nodes, seconds, skipped))

    def _count(self, result: FileResult) -> None:
        self._report.count(result)
        self._progress.file_done(result)


def _recorded_path(file: Path | DocumentSource | UploadedFile) -> str:
    if isinstance(file, UploadedFile):
        return path_text(upload_path(file.name))
    return path_text(file if isinstance(file, Path) else file.path)


def worthwhile_workers(sizes: Sequence[int], cores: int | None = None) -> int:
    """How many processes should parse files of some sizes in bytes: starting one takes half a second.

    For many files, as many as there are cores, though the model needs them too: PDFs with tables and columns take longer to
    read than to embed, and at first there is nothing to embed. None asks the operating system for the cores.
    """
    worth = max(len(sizes) // _FILES_PER_WORKER, sum(sizes) // _BYTES_PER_WORKER)
    return max(1, min(worth, cores or available_cores(), _MAX_WORKERS))


def _by_content(files: Sequence[FileChange]) -> tuple[list[FileChange], list[FileChange]]:
    """The first file of each content, and the other ones."""
    first: dict[str, FileChange] = {}
    copies = []
    for file in files:
        if first.setdefault(file.record.document_id, file) is not file:
            copies.append(file)
    return list(first.values()), copies
