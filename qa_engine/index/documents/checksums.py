"""The checksums of the documents and files of a collection: noted when they are stored, and compared by ``doctor``."""

from __future__ import annotations

import sqlite3
import zlib

from qa_engine.index.documents.queries import DocumentQueries
from qa_engine.index.documents.sentence_texts import document_checksum
from qa_engine.index.files.queries import FILE_CHECKSUM, file_checksum

DOCUMENT_CHECKSUM = "document_checksum"
"""Prefix of the facts of the catalog with the checksums of documents."""


class DocumentChecksums(DocumentQueries):
    """The part of the catalog that tells whether it still holds what was stored."""

    @staticmethod
    def _seal_document(connection: sqlite3.Connection, document_id: str) -> None:
        """Notes the checksum of a document."""
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (f"{DOCUMENT_CHECKSUM} {document_id}", document_checksum(connection, document_id)),
        )

    def _is_sound(self, connection: sqlite3.Connection, document_id: str) -> bool:
        """Whether a document has a checksum, and it is right."""
        return self.meta(f"{DOCUMENT_CHECKSUM} {document_id}") == document_checksum(connection, document_id)

    def seal(self) -> None:
        """Notes the checksums of the live documents and of the files that have none, from an earlier version."""
        with self._transaction() as connection:
            for document_id in self.live_documents():
                if self.meta(f"{DOCUMENT_CHECKSUM} {document_id}") is None:
                    self._seal_document(connection, document_id)
            for path in self.files():
                if self.meta(f"{FILE_CHECKSUM} {path}") is None:
                    self._seal_file(connection, path)

    def damaged(self) -> tuple[set[str], set[str], int]:
        """The live documents and the paths of files that are not as they were stored, and the number of documents of which
        no checksum tells."""
        documents, paths, unproved = set[str](), set[str](), 0
        packed = "SELECT spans, tables, sections, terms FROM documents WHERE document_id = ?"
        with self._guarded():
            for document_id in self.live_documents():
                expected = self.meta(f"{DOCUMENT_CHECKSUM} {document_id}")
                unproved += expected is None
                if expected not in {None, document_checksum(self._connection, document_id)}:
                    documents.add(document_id)
                for row in self._connection.execute(packed, (document_id,)):
                    try:
                        for content in filter(None, row):
                            zlib.decompress(content)
                    except (zlib.error, TypeError):
                        documents.add(document_id)
            for path in self.files():
                expected = self.meta(f"{FILE_CHECKSUM} {path}")
                if expected not in {None, file_checksum(self._connection, path)}:
                    paths.add(path)
        return documents, paths, unproved
