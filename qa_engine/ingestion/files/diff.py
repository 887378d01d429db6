"""Compares files with the catalog: which are new, changed, moved, copies, unchanged, or gone. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from qa_engine.documents.files import path_text
from qa_engine.errors import DocumentError
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import DocumentRecord, FileRecord, Metadata
from qa_engine.ingestion.files.attachments import AttachedFile, stored_attachment
from qa_engine.ingestion.files.identity import ReadingIdentity
from qa_engine.ingestion.files.metadata import MetadataTable, read_sidecar, reader_metadata
from qa_engine.ingestion.files.state import (
    file_digest,
    file_stamp,
    is_gone,
    is_in_storage,
    stamp_of,
    unreadable,
)
from qa_engine.ingestion.files.uploads import UploadedFile, is_upload, stored_upload, upload_path
from qa_engine.ingestion.report import FileStatus


@dataclass(frozen=True)
class FileChange:
    """A file whose record is new or another one.

    Attributes:
        path: where its bytes are; the path of its record, unless the storage keeps them.
        record: what is known about it; without the numbers of its content if that is still to be read.
        status: the status of the file, if it can be read.
        moved_from: its former path, if it was moved.
    """

    path: Path
    record: FileRecord
    status: FileStatus
    moved_from: str | None = None

    def unread(self, error: DocumentError) -> UnreadFile:
        """The file with the reason why it could not be read, which names it as people know it."""
        if is_in_storage(self.record.path):
            message = str(error).replace(self.path.name, self.record.file_name)
            return UnreadFile(Path(self.record.path), DocumentError(error.reason, message))
        return UnreadFile(self.path, error)


class UnreadFile(NamedTuple):
    """A file that could not be read, by the path that it is recorded under, and why."""

    path: Path
    error: DocumentError


@dataclass
class FileDiff:
    """The files of a run, each in one of the lists.

    Attributes:
        unchanged: as in the catalog.
        touched: with the same content and other times or metadata; their status is ``unchanged`` or ``updated``.
        links: their content is stored already.
        reads: their content is new.
        failures: files that cannot be read, with the reason.
    """

    unchanged: list[FileRecord] = field(default_factory=list)
    touched: list[FileChange] = field(default_factory=list)
    links: list[FileChange] = field(default_factory=list)
    reads: list[FileChange] = field(default_factory=list)
    failures: list[UnreadFile] = field(default_factory=list)


@dataclass(frozen=True)
class DocumentSource:
    """A document that did not come from a file.

    Attributes:
        path: see `qa_engine.ingestion.files.state.document_path`.
        size: the size of its text in bytes.
        sha256: digest of its text and its page numbers.
        metadata: its metadata.
    """

    path: Path
    size: int
    sha256: str
    metadata: Metadata


def diff_files(
    files: Iterable[Path | DocumentSource | UploadedFile | AttachedFile],
    catalog: Catalog,
    reading: ReadingIdentity,
    table: MetadataTable | None,
) -> FileDiff:
    """Compares files with the catalog: by size and times first, then by content.

    Args:
        files: absolute paths, uploaded or attached files, or documents that did not come from files.
        catalog, reading: the collection, and how files are read in this run.
        table: metadata of the files; None if this run has none.
    """
    comparison = _Comparison(catalog, reading, table)
    for file in files:
        if isinstance(file, DocumentSource):
            comparison.add(file.path, (file.size, 0, 0), file.sha256, {}, file.metadata)
        elif isinstance(file, UploadedFile):
            comparison.add_upload(file)
        elif isinstance(file, AttachedFile):
            comparison.add_attachment(file)
        else:
            comparison.add_file(file)
    return comparison.diff


class _Comparison:
    def __init__(self, catalog: Catalog, reading: ReadingIdentity, table: MetadataTable | None) -> None:
        self.diff = FileDiff()
        self._catalog = catalog
        self._storage = catalog.path.parents[1]
        self._reading = reading
        self._table = table
        self._records = catalog.files()
        self._moved: set[str] = set()
        """Former paths of files that have been recognised in another place."""

    def add_file(self, path: Path) -> None:
        record = self._records.get(path_text(path))
        listed: Metadata = (
            record.listed if record else {}
        )  # an earlier table still holds if this run has none
        try:
            stamp = file_stamp(path)
            if self._table is not None:
                listed = self._table.row(path)
            sidecar = read_sidecar(path)
            if record and self._is_current(record) and stamp == stamp_of(record):
                digest = record.sha256
            else:
                digest = file_digest(path)
        except (DocumentError, OSError) as error:
            why = error if isinstance(error, DocumentError) else unreadable(path, error)
            self.diff.failures.append(UnreadFile(path, why))
            return
        previous = None if record else self._moved_record(digest)
        if previous is not None and self._table is None:
            listed = previous.listed
        self.add(path, stamp, digest, listed, sidecar, previous)

    def add_upload(self, file: UploadedFile) -> None:
        path, content = upload_path(file.name), stored_upload(self._storage, file.sha256, file.name)
        record = self._records.get(path_text(path))
        listed = file.metadata
        if listed is None:
            listed = record.listed if record else {}
        try:
            stamp = file_stamp(content)
        except OSError as error:
            self.diff.failures.append(UnreadFile(path, unreadable(path, error)))
            return
        self.add(path, stamp, file.sha256, listed, {}, content=content)

    def add_attachment(self, file: AttachedFile) -> None:
        """A file attached to a mail. It has the metadata of the mail, unless the table of this run names it."""
        record = self._records.get(path_text(file.path))
        previous = None if record else self._moved_record(file.sha256)
        content = stored_attachment(self._storage, file.sha256, file.path.name)
        try:
            stamp = file_stamp(content)
        except OSError as error:
            self.diff.failures.append(UnreadFile(file.path, unreadable(file.path, error)))
            return
        listed = (self._table.row(file.path) if self._table is not None else {}) or file.mail.listed
        self.add(file.path, stamp, file.sha256, listed, file.mail.sidecar, previous, content)

    def add(
        self,
        path: Path,
        stamp: tuple[int, int, int],
        digest: str,
        listed: Metadata,
        sidecar: Metadata,
        previous: FileRecord | None = None,
        content: Path | None = None,
    ) -> None:
        """Puts a file into its list.

        ``previous`` is the record that it had in another place, if it was moved; ``content`` is where its bytes are, if
        that is not its path.
        """
        fresh = FileRecord(
            path_text(path),
            path_text(Path(path.name)),
            *stamp,
            digest,
            self._reading.pipeline_of(path.name),
            self._reading.document_id(digest, path.name),
            listed=listed,
            sidecar=sidecar,
        )
        record = self._records.get(fresh.path)
        if record and self._is_current(record) and digest == record.sha256:
            # The document keeps its id, which an earlier state of OCR may be part of.
            size, modified_ns, changed_ns = stamp
            now = replace(record, size=size, modified_ns=modified_ns, changed_ns=changed_ns)
            self._keep(content or path, record, replace(now, listed=listed, sidecar=sidecar))
            return
        moved_from = previous.path if previous is not None else None
        if moved_from is not None:
            self._moved.add(moved_from)
        stored = self._catalog.document(fresh.document_id)
        status: FileStatus = "updated" if record else "moved" if previous else "added"
        if stored is None:
            self.diff.reads.append(FileChange(content or path, fresh, status, moved_from))
            return
        if status == "added" and self._catalog.files_of([stored.document_id]):
            status = "duplicate"
        ingested = previous.ingested_at if previous is not None else ""
        linked = with_content(replace(fresh, ingested_at=ingested), stored, self._catalog, self._reading)
        self.diff.links.append(FileChange(content or path, linked, status, moved_from))

    def _is_current(self, record: FileRecord) -> bool:
        """Whether the file of a record would be read now as it was read then."""
        return record.pipeline == self._reading.pipeline_of(record.file_name) and not (
            record.awaits_ocr and self._reading.ocr
        )

    def _moved_record(self, digest: str) -> FileRecord | None:
        """A file of the same content that is no longer at its path."""
        for record in self._catalog.files_with_content(digest):
            if record.path in self._moved or is_upload(record.path):
                continue
            if is_gone(record, self._storage):
                return record
        return None

    def _keep(self, path: Path, old: FileRecord, new: FileRecord) -> None:
        """A file with the same content: its vectors and terms stay, whatever else is new."""
        new = with_reader_metadata(new, self._catalog, self._reading)
        if repr(new) == repr(old):  # to == True is 1
            self.diff.unchanged.append(old)
            return
        same = repr((new.listed, new.sidecar)) == repr((old.listed, old.sidecar))
        self.diff.touched.append(FileChange(path, new, "unchanged" if same else "updated"))


def with_content(
    record: FileRecord, document: DocumentRecord, catalog: Catalog, reading: ReadingIdentity
) -> FileRecord:
    """The record of a file together with the numbers, and the metadata by its reader, of the stored content."""
    return replace(
        with_reader_metadata(record, catalog, reading),
        nodes=document.nodes,
        pages=document.pages,
        chinese_nodes=document.chinese_nodes,
        awaits_ocr=document.awaits_ocr,
    )


def with_reader_metadata(record: FileRecord, catalog: Catalog, reading: ReadingIdentity) -> FileRecord:
    """The record of a file with the metadata that a reader of the caller gave to its content. A sidecar has precedence."""
    if not reading.custom_reader:
        return record
    return replace(record, sidecar={**reader_metadata(catalog, record.document_id), **record.sidecar})


def vanished_files(
    catalog: Catalog, files: Sequence[Path], roots: Sequence[Path | str]
) -> Iterator[FileRecord]:
    """The recorded files below the given roots that are gone. ``files`` are those that were found there."""
    absolute = [Path(path_text(os.path.abspath(path))) for path in roots]  # noqa: PTH100 - as the files were found
    present = {path_text(path) for path in files}
    for key, record in catalog.files().items():
        path = Path(key)
        below = any(path == root or root in path.parents for root in absolute)
        if below and key not in present and is_gone(record, catalog.path.parents[1]):
            yield record
