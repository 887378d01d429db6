"""The ingest journey: paths in, a complete and published index out."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import Config
from qa_engine.documents.discovery import find_pdfs
from qa_engine.documents.node_parser import SECTION
from qa_engine.documents.ocr import ocr_available
from qa_engine.documents.parsing_pool import parse_files
from qa_engine.documents.pdf import PARSER_VERSION, ParsedPdf
from qa_engine.documents.reader import PdfDocument, path_text
from qa_engine.documents.sentences import SPLITTER_VERSION, is_chinese
from qa_engine.errors import DocumentError, StorageError
from qa_engine.index.analyser import ANALYSER_VERSION, analyse
from qa_engine.index.catalog import Catalog, FileRecord
from qa_engine.index.collection import (
    CollectionPaths,
    collection_paths,
    embedding_identity,
    require_identity,
)
from qa_engine.index.token_store import TokenStore
from qa_engine.index.vector_store import SentenceVectorStore, open_chroma
from qa_engine.index.writer_lock import writer_lock
from qa_engine.ingestion.metadata import MetadataTable, noted
from qa_engine.ingestion.pipeline import build_pipeline, lexical_text
from qa_engine.ingestion.publishing import publish
from qa_engine.ingestion.report import Failure, IngestProgress, IngestReport, doubtful_pages, needs_ocr
from qa_engine.ingestion.token_vectors import existing_token_store, kept_token_bits, open_token_store
from qa_engine.models.embedding import build_embedding


def ingest(
    paths: Iterable[Path | str] | Path | str,
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    prune: bool = False,
    workers: int | None = None,
    embed_model: BaseEmbedding | None = None,
    progress: IngestProgress | None = None,
    metadata: Path | str | None = None,
) -> IngestReport:
    """Brings PDF files into a collection: new ones are added, changed ones replaced, unchanged ones skipped.

    A file is one commit: its new nodes are stored before the old ones go. A run that was cut off at any instant is
    completed by the next one. Readers see the new state when the run ends.

    Args:
        paths: PDF files and folders (searched recursively).
        storage: folder of the index; ``config.storage`` if None.
        collection: name of the collection, made if missing; ``config.collection`` if None.
        config: settings; see `Config.of`.
        prune: also remove files of the collection that vanished from the given paths.
        workers: processes that parse; ``config.ingestion.workers`` if None.
        embed_model: instead of the one of the configuration.
        progress: is told what is going on.
        metadata: a CSV table with what is noted about the files, see `MetadataTable`; None keeps what an earlier one
            said. Sidecars (``report.pdf.meta.json``) are read in any case.

    Raises:
        InputError: a path does not exist, there is no PDF, or the table cannot be used.
        ConfigurationError: the collection was made with another embedding model.
        StorageError: the storage cannot be written, or another process is writing to the collection.
        ModelUnavailableError, ServiceUnavailableError: the embedding model is not there.
    """
    settings = Config.of(config)
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    # With pruning, a folder whose PDFs are all gone is no mistake.
    files = find_pdfs(named, allow_none=prune)
    table = MetadataTable.read(Path(metadata)) if metadata is not None else None
    name = collection if collection is not None else settings.collection
    where = collection_paths(Path(storage) if storage is not None else settings.storage, name)
    try:
        where.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The storage {where.root} cannot be made ({error.strerror or error}): name another with --storage."
        ) from error
    with writer_lock(where.root, settings.ingestion.lock_timeout_seconds):
        catalog = Catalog(where.catalog, create=True)
        try:
            run = _IngestRun(settings, where, catalog, name, progress or IngestProgress(), embed_model, table)
            return run.run(files, named, prune, workers or settings.ingestion.workers)
        finally:
            catalog.close()


@dataclass(frozen=True)
class _Work:
    """A file to be read, with what is known about it."""

    path: Path
    record: FileRecord
    is_new: bool


class _IngestRun:
    def __init__(
        self,
        config: Config,
        where: CollectionPaths,
        catalog: Catalog,
        name: str,
        progress: IngestProgress,
        embed_model: BaseEmbedding | None,
        table: MetadataTable | None,
    ) -> None:
        self._config = config
        self._table = table
        self._where = where
        self._catalog = catalog
        self._progress = progress
        self._embed_model = embed_model
        self._report = IngestReport(name)
        self._store: SentenceVectorStore | None = None
        self._tokens: TokenStore | None = None
        if catalog.identity is not None:
            require_identity(catalog.identity, config.embedding, name, embed_model)
        else:
            identity = embedding_identity(config.embedding, embed_model)
            catalog.set_meta(name=name, identity=json.dumps(identity))

    def run(
        self, files: Sequence[Path], named: Sequence[Path | str], prune: bool, workers: int
    ) -> IngestReport:
        started = time.perf_counter()
        self._delete_unfinished()
        try:
            work = self._classify(files)
            if self._table is not None and (unmatched := self._table.unmatched(files)):
                self._report.warnings.append(unmatched)
            if work:
                self._read(work, workers)
            if prune:
                self._prune(files, named)
        finally:
            # Also after an interruption: what was committed is worth publishing.
            self._delete_unfinished()
            publish(self._catalog, self._where, self._config.bm25, self._progress)
        self._report.seconds = time.perf_counter() - started
        return self._report

    def _classify(self, files: Sequence[Path]) -> list[_Work]:
        """Tells new and changed files from unchanged ones, by size and times first, by content then."""
        self._progress.stage("comparing files with the catalog")
        known = self._catalog.files()
        pipeline = self._pipeline_identity()
        work = []
        for path in files:
            key = path_text(path)
            record = known.get(key)
            try:
                listed, sidecar = noted(path, self._table, record.listed if record else {})
                status = path.stat()
                if not stat.S_ISREG(status.st_mode):
                    # Reading a pipe could take for ever.
                    raise OSError(errno.EINVAL, "it is not a regular file")
                stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                current = record is not None and record.pipeline == pipeline
                current = current and not (record is not None and record.awaits_ocr and self._ocr_is_there())
                if record and current and stamp == (record.size, record.modified_ns, record.changed_ns):
                    self._keep(record, replace(record, listed=listed, sidecar=sidecar))
                    continue
                digest = _sha256(path)
            except DocumentError as error:
                self._fail(path, error)
                continue
            except OSError as error:
                self._fail(
                    path,
                    DocumentError("unreadable", f"{path.name} cannot be read: {error.strerror or error}."),
                )
                continue
            if record and current and digest == record.sha256:
                seen = replace(record, size=stamp[0], modified_ns=stamp[1], changed_ns=stamp[2])
                self._keep(record, replace(seen, listed=listed, sidecar=sidecar))
                continue
            recognised = "ocr" if self._ocr_is_there() else ""
            parts = (key, digest, pipeline, recognised)
            identity = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
            name = path_text(Path(path.name))
            fresh = FileRecord(key, name, *stamp, digest, pipeline, identity, 0, 0, 0, 0, "", listed, sidecar)
            work.append(_Work(path, fresh, record is None))
        return work

    def _keep(self, old: FileRecord, new: FileRecord) -> None:
        """Records what is new about a file whose content is not: its vectors and terms stay."""
        if repr(new) != repr(old):  # to == True is 1
            self._catalog.touch(new)
        if repr((new.listed, new.sidecar)) == repr((old.listed, old.sidecar)):
            self._report.unchanged += 1
        else:
            self._report.updated += 1

    def _read(self, work: Sequence[_Work], workers: int) -> None:
        embed_model = self._embed_model or build_embedding(self._config.embedding, self._progress.stage)
        self._tokens = open_token_store(self._catalog, self._where, self._config.embedding, embed_model)
        self._progress.start(len(work))
        by_path = {item.path: item for item in work}
        pipeline = build_pipeline(
            self._config,
            embed_model,
            self._open_store(),
            self._catalog.begin,
            self._progress.sentences_done,
            self._tokens,
        )
        for path, parsed in parse_files(list(by_path), self._config.documents, workers):
            item = by_path[path]
            if isinstance(parsed, DocumentError):
                self._fail(path, parsed)
                continue
            document = PdfDocument.of(parsed, path, item.record.document_id)
            nodes = pipeline.run(documents=[document])
            self._commit(item, parsed, nodes)

    def _commit(self, item: _Work, parsed: ParsedPdf, nodes: Sequence[BaseNode]) -> None:
        record = replace(
            item.record,
            pages=len(parsed.pages),
            nodes=len(nodes),
            chinese_nodes=sum(is_chinese(node.get_content()) for node in nodes),
            awaits_ocr=0 if self._ocr_is_there() else sum(map(needs_ocr, parsed.pages)),
            ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        terms = [analyse(lexical_text(node)) for node in nodes]
        sections = dict.fromkeys(node.metadata[SECTION] for node in nodes if node.metadata.get(SECTION))
        self._catalog.commit(record, parsed.spans, terms, parsed.tables, list(sections))
        self._delete_unfinished()
        self._report.warnings.extend(doubtful_pages(item.record.file_name, parsed.pages))
        if item.is_new:
            self._report.added += 1
        else:
            self._report.updated += 1
        self._report.pages += len(parsed.pages)
        self._report.nodes += len(nodes)
        self._progress.file_done(item.record.file_name, "added" if item.is_new else "updated")

    def _fail(self, path: Path, error: DocumentError) -> None:
        self._report.failures.append(Failure(path_text(path), error.reason, path_text(str(error))))
        self._progress.file_done(path_text(path.name), error.reason)

    def _prune(self, files: Sequence[Path], named: Sequence[Path | str]) -> None:
        """Removes recorded files below the given paths that are gone."""
        roots = [Path(path_text(Path(path).absolute())) for path in named]
        present = {path_text(path) for path in files}
        for key in self._catalog.files():
            path = Path(key)
            below = any(path == root or root in path.parents for root in roots)
            if below and key not in present and not os.path.lexists(key):
                self._catalog.remove(key)
                self._report.deleted += 1

    def _delete_unfinished(self) -> None:
        """Deletes the nodes of documents that were replaced, removed, or never completed."""
        for document_id, nodes in self._catalog.unfinished():
            self._open_store().delete_sentences(document_id, nodes)
            if self._tokens is None:
                self._tokens = existing_token_store(self._catalog, self._where)
            if self._tokens is not None:
                self._tokens.delete(document_id)
            self._catalog.forget(document_id)

    def _open_store(self) -> SentenceVectorStore:
        if self._store is None:
            collection = open_chroma(self._where.chroma, self._catalog.published, create=True)
            self._store = SentenceVectorStore(collection)
        return self._store

    def _ocr_is_there(self) -> bool:
        return self._config.documents.ocr != "never" and ocr_available()

    def _pipeline_identity(self) -> str:
        """What, besides the file itself, decides what is stored for a file."""
        parts = [
            PARSER_VERSION,
            SPLITTER_VERSION,
            ANALYSER_VERSION,
            self._config.documents.max_sentence_chars,
            self._config.documents.parser,
            "all pages by OCR" if self._config.documents.ocr == "always" else "",
            kept_token_bits(self._config.embedding, self._embed_model),
        ]
        return "/".join(map(str, parts))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
