"""The catalog of a collection (SQLite): which files it holds, and what a reader needs to open it.

It is the truth about files. A document goes through three states: ``writing`` (its nodes are being stored),
``live``, ``stale`` (replaced or removed, its nodes are being deleted). What a crash leaves in the first or the last
is cleaned up by the next run.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from qa_engine.documents.blocks import Span
from qa_engine.errors import StorageError
from qa_engine.index.bm25 import DocumentTerms
from qa_engine.index.sqlite_file import SqliteFile
from qa_engine.index.user_metadata import Metadata, Scalar

FORMAT = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    document_id TEXT PRIMARY KEY, state TEXT NOT NULL, nodes INTEGER NOT NULL, spans BLOB, tables BLOB, sections BLOB,
    terms BLOB);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, file_name TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, pipeline TEXT NOT NULL, document_id TEXT NOT NULL,
    pages INTEGER NOT NULL, nodes INTEGER NOT NULL, chinese_nodes INTEGER NOT NULL, awaits_ocr INTEGER NOT NULL,
    ingested_at TEXT NOT NULL, listed TEXT NOT NULL, sidecar TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS files_by_document ON files (document_id);
"""


@dataclass(frozen=True)
class FileRecord:
    """A file as it was ingested.

    ``pipeline`` identifies parser, splitter and embedding; ``awaits_ocr`` is the number of pages that OCR could read and
    that were left out for lack of it. ``listed`` is what a table of metadata says about the file, ``sidecar`` what the
    file beside it says.
    """

    path: str
    file_name: str
    size: int
    modified_ns: int
    changed_ns: int
    sha256: str
    pipeline: str
    document_id: str
    pages: int
    nodes: int
    chinese_nodes: int
    awaits_ocr: int
    ingested_at: str
    listed: Metadata = field(default_factory=dict)
    sidecar: Metadata = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Scalar]:
        """What is noted about the file; its sidecar has the last word."""
        return {**self.listed, **self.sidecar}


_COLUMNS = ", ".join(column.name for column in fields(FileRecord))


class Catalog(SqliteFile):
    """Opens, or creates, the catalog file of a collection. Thread-safe.

    Raises:
        StorageError: the file cannot be opened or written.
    """

    _what = "The catalog"

    def __init__(self, path: Path, create: bool = False) -> None:
        super().__init__(path, create)
        if create:
            with self._guarded():
                self._connection.executescript(_SCHEMA)
                self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))
                self._connection.commit()
        if self.meta("format") != str(FORMAT):
            raise StorageError(
                f"The collection in {path.parent} has format {self.meta('format')}, this version reads {FORMAT}: "
                "ingest its files into a new collection."
            )

    # -- what readers ask

    def meta(self, key: str) -> str | None:
        """A recorded fact about the collection, or None."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def set_meta(self, **values: str) -> None:
        """Records facts about the collection."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    @property
    def identity(self) -> dict[str, Any] | None:
        """What the vectors of the collection were made with, or None if it has none yet."""
        value = self.meta("identity")
        return json.loads(value) if value else None

    @property
    def published(self) -> int:
        """Number of the last complete state of the index; readers that see another number open it again."""
        return int(self.meta("published") or 0)

    @property
    def changes(self) -> int:
        """Number of commits; what is published is complete if, and only if, the two are equal."""
        return int(self.meta("changes") or 0)

    def files(self) -> dict[str, FileRecord]:
        """The files of the collection by path."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM files ORDER BY path")
        return {row[0]: FileRecord(*row[:-2], *map(json.loads, row[-2:])) for row in rows}

    def metadata(self, document_ids: Sequence[str]) -> dict[str, dict[str, Scalar]]:
        """What is noted about the files of some documents; those that are no longer live are left out."""
        marks = ", ".join("?" * len(document_ids))
        rows = self._rows(
            f"SELECT document_id, listed, sidecar FROM files WHERE document_id IN ({marks})", document_ids
        )
        return {row[0]: {**json.loads(row[1]), **json.loads(row[2])} for row in rows}

    def sections(self) -> dict[str, list[str]]:
        """The sections of every live document that has some, as its sentences name them."""
        rows = self._rows(
            "SELECT document_id, sections FROM documents WHERE state = 'live' AND sections NOT NULL"
        )
        return {row[0]: json.loads(zlib.decompress(row[1])) for row in rows}

    def spans(self, document_id: str) -> list[Span]:
        """The places of the lines of a document."""
        rows = self._rows("SELECT spans FROM documents WHERE document_id = ?", (document_id,))
        if not rows or rows[0][0] is None:
            return []
        return [Span(*values) for values in json.loads(zlib.decompress(rows[0][0]))]

    def tables(self, document_id: str) -> list[str]:
        """The tables of a document in Markdown, by their numbers."""
        rows = self._rows("SELECT tables FROM documents WHERE document_id = ?", (document_id,))
        if not rows or rows[0][0] is None:
            return []
        tables: list[str] = json.loads(zlib.decompress(rows[0][0]))
        return tables

    def node_count(self) -> int:
        """Nodes of all live documents."""
        return int(self._rows("SELECT COALESCE(SUM(nodes), 0) FROM documents WHERE state = 'live'")[0][0])

    def chinese_share(self) -> float:
        """The share of the sentences, 0 to 1, that are in Chinese."""
        total, chinese = self._rows("SELECT SUM(nodes), SUM(chinese_nodes) FROM files")[0]
        return float(chinese) / total if total else 0.0

    # -- what the writer does

    def live_terms(self) -> list[DocumentTerms]:
        """The BM25 terms of all live documents."""
        rows = self._rows(
            "SELECT document_id, terms FROM documents WHERE state = 'live' ORDER BY document_id"
        )
        return [DocumentTerms(row[0], _unpack_terms(row[1])) for row in rows]

    def unfinished(self) -> list[tuple[str, int]]:
        """Documents whose nodes are to be deleted, with the number of their nodes."""
        rows = self._rows("SELECT document_id, nodes FROM documents WHERE state != 'live'")
        return [(row[0], row[1]) for row in rows]

    def begin(self, document_id: str, nodes: int) -> None:
        """Announces nodes before the first of them is stored."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO documents (document_id, state, nodes) VALUES (?, 'writing', ?)",
                (document_id, nodes),
            )

    def commit(
        self,
        record: FileRecord,
        spans: Sequence[Span],
        terms: Sequence[Sequence[str]],
        tables: Sequence[str] = (),
        sections: Sequence[str] = (),
    ) -> None:
        """Makes a document whose nodes are stored the live one of its file, and its predecessor stale."""
        packed_spans = zlib.compress(json.dumps([_rounded(span) for span in spans]).encode())
        with self._transaction() as connection:
            connection.execute(
                "UPDATE documents SET state = 'stale' WHERE document_id = "
                "(SELECT document_id FROM files WHERE path = ? AND document_id != ?)",
                (record.path, record.document_id),
            )
            connection.execute(
                "UPDATE documents SET state = 'live', spans = ?, tables = ?, sections = ?, terms = ? WHERE document_id = ?",
                (
                    packed_spans,
                    _pack_texts(tables),
                    _pack_texts(sections),
                    _pack_terms(terms),
                    record.document_id,
                ),
            )
            self._put_file(connection, record)
            self._count_change(connection)

    def touch(self, record: FileRecord) -> None:
        """Updates size, times and metadata of a file whose content is the same. Readers see it at once."""
        with self._transaction() as connection:
            self._put_file(connection, record)

    def remove(self, path: str) -> None:
        """Takes a file out: its document becomes stale."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE documents SET state = 'stale' WHERE document_id = (SELECT document_id FROM files WHERE path = ?)",
                (path,),
            )
            connection.execute("DELETE FROM files WHERE path = ?", (path,))
            self._count_change(connection)

    def forget(self, document_id: str) -> None:
        """Drops a document that is not live, after its nodes have been deleted."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM documents WHERE document_id = ? AND state != 'live'", (document_id,)
            )

    def count_change(self) -> None:
        """Notes that what is published no longer fits, though no file has changed."""
        with self._transaction() as connection:
            self._count_change(connection)

    def publish(self) -> int:
        """Declares the present state complete for readers, and returns its number."""
        number = self.changes
        self.set_meta(published=str(number))
        return number

    @staticmethod
    def _put_file(connection: sqlite3.Connection, record: FileRecord) -> None:
        values = [getattr(record, column.name) for column in fields(FileRecord)]
        marks = ", ".join("?" * len(values))
        connection.execute(
            f"INSERT OR REPLACE INTO files ({_COLUMNS}) VALUES ({marks})",
            [json.dumps(value) if isinstance(value, dict) else value for value in values],
        )

    @staticmethod
    def _count_change(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO meta VALUES ('changes', '1') "
            "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
        )


def _rounded(span: Span) -> list[float]:
    return [span.start, span.end, span.page, *(round(x, 1) for x in (span.x0, span.y0, span.x1, span.y1))]


def _pack_texts(texts: Sequence[str]) -> bytes | None:
    return zlib.compress(json.dumps(list(texts), ensure_ascii=False).encode()) if texts else None


def _pack_terms(sentences: Sequence[Sequence[str]]) -> bytes:
    return zlib.compress("\n".join(" ".join(sentence) for sentence in sentences).encode(), 1)


def _unpack_terms(packed: bytes) -> list[list[str]]:
    return [line.split() for line in zlib.decompress(packed).decode().split("\n")]
