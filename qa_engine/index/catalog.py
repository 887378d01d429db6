"""The catalog of a collection (SQLite): which files it holds, and what a reader needs to open it.

It is the truth about files. A document goes through three states: ``writing`` (its nodes are being stored),
``live``, ``stale`` (replaced or removed, its nodes are being deleted). What a crash leaves in the first or the last
is cleaned up by the next run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qa_engine.errors import StorageError
from qa_engine.index.bm25.segment import DocumentTerms
from qa_engine.index.documents.checksums import DOCUMENT_CHECKSUM
from qa_engine.index.documents.identities import DOCUMENT_IDENTITY
from qa_engine.index.documents.sentence_texts import (
    SENTENCE_TABLES,
    drop_sentences,
    rename_sentences,
    write_sentences,
)
from qa_engine.index.documents.transfer import DocumentTransfer
from qa_engine.index.files.queries import FILE_TABLES
from qa_engine.index.records import (
    DocumentParts,
    FileRecord,
    pack_spans,
    pack_terms,
    pack_texts,
    unpack_terms,
)
from qa_engine.text.tokenizer import TOKENIZER_VERSION

FORMAT = 5
TERMS_TOKENIZER = "analyser"
"""Fact of the catalog: the version of the tokenizer that made its BM25 terms."""
_TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    nodes INTEGER NOT NULL, pages INTEGER NOT NULL DEFAULT 0, chinese_nodes INTEGER NOT NULL DEFAULT 0,
    awaits_ocr INTEGER NOT NULL DEFAULT 0, spans BLOB, tables BLOB, sections BLOB, terms BLOB);
CREATE TABLE IF NOT EXISTS rebuilt (document_id TEXT PRIMARY KEY, nodes INTEGER NOT NULL);
{FILE_TABLES}{SENTENCE_TABLES}"""
"""The number of a document is never given again: it stands for the document in the keys of its sentences."""


class Catalog(DocumentTransfer):
    """Opens, or creates, the catalog file of a collection. Thread-safe.

    Raises:
        StorageError: the file cannot be opened or written.
    """

    _what = "The catalog"

    def __init__(self, path: Path, create: bool = False) -> None:
        super().__init__(path, create)
        if create:
            self._make_tables()
        if self.meta("format") != str(FORMAT):
            raise StorageError(
                f"The collection in {path.parent} has format {self.meta('format')}, this version reads {FORMAT}: "
                "ingest its files into a new collection."
            )

    def _make_tables(self) -> None:
        with self._guarded():
            self._connection.executescript(_TABLES)
            self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))
            self._connection.commit()

    def _set_up(self) -> None:
        super()._set_up()
        # The sentences of a book are more than SQLite's cache holds; written before the end, they keep readers out.
        self._connection.execute("PRAGMA cache_spill = OFF")

    def synchronise(self) -> None:
        """Brings in what other machines have written; of a catalog in the storage, everything is there."""

    def terms_are_current(self) -> bool:
        """Whether the BM25 terms of the stored sentences are as this version makes them."""
        return self.meta(TERMS_TOKENIZER) == TOKENIZER_VERSION

    # -- what readers ask

    def set_meta(self, **values: str) -> None:
        """Records facts about the collection."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    @property
    def identity(self) -> dict[str, Any] | None:
        """What the vectors of the collection were made with, or None if it has none yet."""
        value = self.meta("identity")
        # Collections from before sentences shared an embedding window do not record its size.
        return {"pass_chars": 0, **json.loads(value)} if value else None

    @property
    def published(self) -> int:
        """Number of the last complete state of the index; readers that see another number open it again."""
        return int(self.meta("published") or 0)

    @property
    def changes(self) -> int:
        """Number of commits; what is published is complete if, and only if, the two are equal."""
        return int(self.meta("changes") or 0)

    # -- what the writer does

    def terms(self, document_ids: Sequence[str]) -> Iterator[DocumentTerms]:
        """The BM25 terms of some documents."""
        for document_id in document_ids:
            for row in self._rows("SELECT terms FROM documents WHERE document_id = ?", (document_id,)):
                yield DocumentTerms(document_id, unpack_terms(row[0]))

    def note_terms(self) -> None:
        """Notes that the terms of all live documents are as this version makes them."""
        self.set_meta(**{TERMS_TOKENIZER: TOKENIZER_VERSION})

    def replace_terms(self, document_id: str, terms: Sequence[Sequence[str]]) -> None:
        """Replaces the BM25 terms of a document, after the tokenizer has changed."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE documents SET terms = ? WHERE document_id = ?", (pack_terms(terms), document_id)
            )

    def rename_sentences(self, document_id: str, file_name: str) -> None:
        """Has the sentences of a document name another file; those in Chroma do so already."""
        with self._transaction() as connection:
            is_sound = self._is_sound(connection, document_id)
            rename_sentences(connection, document_id, file_name)
            if is_sound:
                self._seal_document(connection, document_id)

    def begin(self, document_id: str, nodes: int) -> None:
        """Announces nodes before the first of them is stored."""
        with self._transaction() as connection:
            drop_sentences(connection, document_id)
            connection.execute(
                "INSERT OR REPLACE INTO documents (document_id, state, nodes) VALUES (?, 'writing', ?)",
                (document_id, nodes),
            )

    def commit(self, record: FileRecord, parts: DocumentParts) -> None:
        """Makes a document whose nodes are stored the live one of its file, and its predecessor stale."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE documents SET pages = ?, chinese_nodes = ?, awaits_ocr = ? WHERE document_id = ?",
                (record.pages, record.chinese_nodes, record.awaits_ocr, record.document_id),
            )
            self._store_parts(connection, record.document_id, parts)
            self.link(record)

    def _store_parts(self, connection: sqlite3.Connection, document_id: str, parts: DocumentParts) -> None:
        packed = (
            pack_spans(parts.spans),
            pack_texts(parts.tables),
            pack_texts(parts.sections),
            pack_terms(parts.terms),
        )
        connection.execute(
            "UPDATE documents SET spans = ?, tables = ?, sections = ?, terms = ? WHERE document_id = ?",
            (*packed, document_id),
        )
        drop_sentences(connection, document_id)
        write_sentences(connection, document_id, parts.sentences)
        self._seal_document(connection, document_id)

    def link(self, record: FileRecord) -> None:
        """Lets a file have a document whose nodes are stored; its predecessor becomes stale if no other file has it."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE documents SET state = 'live' WHERE document_id = ?", (record.document_id,)
            )
            connection.execute("DELETE FROM former_files WHERE document_id = ?", (record.document_id,))
            former = self._take_out(connection, record.path)
            self._put_file(connection, record)
            self._retire(connection, former)
            self.count_change()

    def touch(self, record: FileRecord) -> None:
        """Updates size, times and metadata of a file whose content is the same. Readers see it at once."""
        with self._transaction() as connection:
            self._put_file(connection, record)
            self.note_metadata_change()

    def remove(self, path: str) -> None:
        """Takes a file out: its document becomes stale if no other file has it."""
        with self._transaction() as connection:
            self._retire(connection, self._take_out(connection, path))
            self.count_change()

    def forget(self, document_id: str) -> None:
        """Drops a document that is not live, after its nodes have been deleted."""
        with self._transaction() as connection:
            live = "SELECT 1 FROM documents WHERE document_id = ? AND state = 'live'"
            if not connection.execute(live, (document_id,)).fetchall():
                drop_sentences(connection, document_id)
                connection.execute("DELETE FROM documents WHERE document_id = ?", (document_id,))
                facts = [f"{name} {document_id}" for name in (DOCUMENT_CHECKSUM, DOCUMENT_IDENTITY)]
                connection.execute("DELETE FROM meta WHERE key IN (?, ?)", facts)
            connection.execute("DELETE FROM former_files WHERE document_id = ?", (document_id,))

    def rebuilt(self) -> dict[str, int]:
        """The documents that the rebuild under way is done with, and the number of their nodes."""
        return dict(self._rows("SELECT document_id, nodes FROM rebuilt"))

    def mark_rebuilt(self, document_ids: Sequence[str]) -> None:
        """Notes that a rebuild is done with some documents."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO rebuilt SELECT document_id, nodes FROM documents WHERE document_id = ?",
                [(document_id,) for document_id in document_ids],
            )

    def forget_rebuilt(self) -> None:
        """A rebuild begins, or has ended."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM rebuilt")

    def count_change(self) -> None:
        """Notes that what is published no longer fits, though no file has changed."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO meta VALUES ('changes', '1') "
                "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
            )

    def publish(self) -> int:
        """Declares the present state complete for readers, and returns its number."""
        number = self.changes
        self.set_meta(published=str(number))
        return number

    @staticmethod
    def _retire(connection: sqlite3.Connection, document_id: str | None) -> None:
        """Makes a document stale whose last file was just taken out; one that other files have keeps no former file."""
        held = "EXISTS (SELECT 1 FROM files WHERE files.document_id = :name)"
        name = {"name": document_id}
        connection.execute(
            f"UPDATE documents SET state = 'stale' WHERE document_id = :name AND state = 'live' AND NOT {held}",
            name,
        )
        connection.execute(f"DELETE FROM former_files WHERE document_id = :name AND {held}", name)
