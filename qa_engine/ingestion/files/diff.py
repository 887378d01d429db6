"""Tells what has become of files since the last run: new, changed, moved, a copy, unchanged, or gone."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from qa_engine.documents.files import path_text, text_path
from qa_engine.errors import DocumentError
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import DocumentRecord, FileRecord
from qa_engine.ingestion.files.metadata import MetadataTable, noted
from qa_engine.ingestion.report import FileStatus


@dataclass(frozen=True)
class Reading:
    """What decides, besides its bytes, what is stored for a file.

    Attributes:
        pipeline: versions and settings of parser, splitter and token vectors.
        ocr: whether pages without text are recognised.
    """

    pipeline: str
    ocr: bool

    def document_id(self, sha256: str) -> str:
        """The name of the content of a file, as it is read: the same for the same bytes, wherever they are."""
        parts = (sha256, self.pipeline, "ocr" if self.ocr else "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class FileToRead:
    """A file whose content is not stored yet.

    Attributes:
        path: where it is.
        record: what is known about it before it is read.
        status: what it is if that goes well.
        moved_from: the path that it had when it was read last.
    """

    path: Path
    record: FileRecord
    status: FileStatus
    moved_from: str | None = None


@dataclass(frozen=True)
class FileToLink:
    """A file whose content is stored already.

    Attributes:
        record: what is known about it, its content included.
        status: what it is.
        moved_from: the path that it had before.
    """

    record: FileRecord
    status: FileStatus
    moved_from: str | None = None


@dataclass
class Changes:
    """The files of a run, each in one of the lists.

    Attributes:
        unchanged: as in the catalog.
        touched: of the same content, with other times or metadata; with the status ``unchanged`` or ``updated``.
        links: their content is stored already.
        reads: their content is new.
        failures: what cannot be read, and why.
    """

    unchanged: list[FileRecord] = field(default_factory=list)
    touched: list[FileToLink] = field(default_factory=list)
    links: list[FileToLink] = field(default_factory=list)
    reads: list[FileToRead] = field(default_factory=list)
    failures: list[tuple[Path, DocumentError]] = field(default_factory=list)


def compare(
    files: Iterable[Path], catalog: Catalog, reading: Reading, table: MetadataTable | None
) -> Changes:
    """Holds files against the catalog: by size and times first, by content then. Writes nothing.

    Args:
        files: absolute paths.
        catalog: of the collection.
        reading: how files are read now.
        table: what a table says about them; None if this run has none.
    """
    comparison = _Comparison(catalog, reading, table)
    for path in files:
        comparison.add(path)
    return comparison.changes


class _Comparison:
    def __init__(self, catalog: Catalog, reading: Reading, table: MetadataTable | None) -> None:
        self.changes = Changes()
        self._catalog = catalog
        self._reading = reading
        self._table = table
        self._known = catalog.files()
        self._taken: set[str] = set()
        """Former paths of files that have been recognised in another place."""

    def add(self, path: Path) -> None:
        key = path_text(path)
        record = self._known.get(key)
        try:
            stamp = file_stamp(path)
            listed, sidecar = noted(path, self._table, record.listed if record else {})
            current = record is not None and self._is_current(record)
            if record and current and stamp == (record.size, record.modified_ns, record.changed_ns):
                self._keep(record, replace(record, listed=listed, sidecar=sidecar))
                return
            digest = file_digest(path)
        except DocumentError as error:
            self.changes.failures.append((path, error))
            return
        except OSError as error:
            self.changes.failures.append((path, unreadable(path, error)))
            return
        size, modified, changed = stamp
        if record and current and digest == record.sha256:
            seen = replace(record, size=size, modified_ns=modified, changed_ns=changed)
            self._keep(record, replace(seen, listed=listed, sidecar=sidecar))
            return
        before = None if record else self._former(digest)
        if before is not None and self._table is None:
            listed = dict(before.listed)
        fresh = FileRecord(
            key,
            path_text(Path(path.name)),
            size,
            modified,
            changed,
            digest,
            self._reading.pipeline,
            self._reading.document_id(digest),
            listed=listed,
            sidecar=sidecar,
        )
        self._sort_in(path, fresh, record, before)

    def _sort_in(
        self, path: Path, fresh: FileRecord, record: FileRecord | None, before: FileRecord | None
    ) -> None:
        moved_from = before.path if before is not None else None
        if moved_from is not None:
            self._taken.add(moved_from)
        stored = self._catalog.document(fresh.document_id)
        status: FileStatus = "updated" if record else "moved" if before else "added"
        if stored is None:
            self.changes.reads.append(FileToRead(path, fresh, status, moved_from))
            return
        if status == "added" and self._catalog.files_of([stored.document_id]):
            status = "duplicate"
        ingested = before.ingested_at if before is not None else ""
        linked = with_content(replace(fresh, ingested_at=ingested), stored)
        self.changes.links.append(FileToLink(linked, status, moved_from))

    def _is_current(self, record: FileRecord) -> bool:
        """Whether a file would be read as it was."""
        return record.pipeline == self._reading.pipeline and not (record.awaits_ocr and self._reading.ocr)

    def _former(self, digest: str) -> FileRecord | None:
        """A file of the same content that is no longer where it was."""
        for record in self._catalog.files_with_content(digest):
            if record.path not in self._taken and is_gone(record.path):
                return record
        return None

    def _keep(self, old: FileRecord, new: FileRecord) -> None:
        """A file whose content is the same: its vectors and terms stay, whatever else is new."""
        if repr(new) == repr(old):  # to == True is 1
            self.changes.unchanged.append(old)
            return
        same = repr((new.listed, new.sidecar)) == repr((old.listed, old.sidecar))
        self.changes.touched.append(FileToLink(new, "unchanged" if same else "updated"))


def with_content(record: FileRecord, document: DocumentRecord) -> FileRecord:
    """A file with the numbers of its content."""
    return replace(
        record,
        nodes=document.nodes,
        pages=document.pages,
        chinese_nodes=document.chinese_nodes,
        awaits_ocr=document.awaits_ocr,
    )


def vanished(catalog: Catalog, files: Sequence[Path], named: Sequence[Path | str]) -> Iterator[FileRecord]:
    """The recorded files below the given paths that are there no more."""
    roots = [Path(path_text(os.path.abspath(path))) for path in named]  # noqa: PTH100 - as the files were found
    present = {path_text(path) for path in files}
    for key, record in catalog.files().items():
        path = Path(key)
        below = any(path == root or root in path.parents for root in roots)
        if below and key not in present and is_gone(key):
            yield record


def is_gone(path: str) -> bool:
    """Whether nothing is at a recorded path any more."""
    return not os.path.lexists(text_path(path))


def file_stamp(path: Path) -> tuple[int, int, int]:
    """Size in bytes, and the times of the last change of content and of anything, in ns.

    Raises:
        OSError: it is not there, or no regular file, which could take for ever to read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def file_digest(path: Path) -> str:
    """SHA-256 of the content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unreadable(path: Path, error: OSError) -> DocumentError:
    """The reason for a file that the operating system refuses."""
    return DocumentError("unreadable", f"{path.name} cannot be read: {error.strerror or error}.")


def now() -> str:
    """The present moment as the catalog notes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


FileState = Literal["unchanged", "changed", "gone", "unreadable"]
"""``unreadable``: something is there, and the operating system does not let us look at it."""


def file_state(record: FileRecord) -> FileState:
    """Compares a file with its record: by size and times first, by content if the times alone differ."""
    if is_gone(record.path):
        return "gone"
    path = text_path(record.path)
    try:
        stamp = file_stamp(path)
        if stamp == (record.size, record.modified_ns, record.changed_ns):
            return "unchanged"
        if stamp[0] != record.size:
            return "changed"
        return "unchanged" if file_digest(path) == record.sha256 else "changed"
    except OSError:
        return "unreadable"
