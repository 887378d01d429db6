"""What a catalog hands over when its collection moves to another place, and what the catalog there takes in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_engine.index.documents.checksums import DOCUMENT_CHECKSUM
from qa_engine.index.documents.identities import DocumentIdentities
from qa_engine.index.records import DocumentParts, StoredSentence

_OF_THE_PLACE = frozenset(
    {
        "format",
        "published",
        "analyser",
        "terms_field",
        "published_terms_field",
        "vector_store",
        "vector_collection",
        "vector_url",
        "token_bits",
        "token_codec",
        "token_file",
        "rebuild",
        "rebuild_codec",
        "former_vectors",
        "last_number",
        "left",
        "writer",
        "search_url",
        "moving_to",
        "moved_from",
    }
)
"""Facts about where and how things are stored, which another place has of its own."""
_OF_SENTENCES = (f"{DOCUMENT_CHECKSUM} ", "sentences_named ")
"""What facts begin with that are noted when the sentences of a document are stored."""


@dataclass(frozen=True)
class NumberedDocument:
    """A document with the number that its catalog knows it by; `DocumentRecord` says what the rest is."""

    document_id: str
    number: int
    state: str
    nodes: int
    pages: int
    chinese_nodes: int
    awaits_ocr: int


@dataclass(frozen=True)
class CatalogFacts:
    """What a catalog knows besides its documents: the rows of the files, and facts that hold wherever it is."""

    files: Sequence[tuple[Any, ...]]
    facts: Mapping[str, str]


class DocumentTransfer(DocumentIdentities):
    """The part of the catalog that hands documents over, and takes documents in under the numbers that they had."""

    def numbered_documents(self) -> dict[str, NumberedDocument]:
        """All documents, whatever their state, by id in the order of their numbers."""
        rows = self._rows(
            "SELECT document_id, number, state, nodes, pages, chinese_nodes, awaits_ocr FROM documents ORDER BY number"
        )
        return {row[0]: NumberedDocument(*row) for row in rows}

    def facts(self) -> CatalogFacts:
        """What is to be handed over besides documents."""
        files = self._rows("SELECT * FROM files ORDER BY path")
        facts = {key: value for key, value in self._rows("SELECT key, value FROM meta") if _is_general(key)}
        return CatalogFacts(files, facts)

    def is_sound(self, document_id: str, sentences: Sequence[StoredSentence]) -> bool:
        """Whether a document is as it was stored; ``sentences`` are those that it has. Without a checksum, nobody knows."""
        expected = self.meta(f"{DOCUMENT_CHECKSUM} {document_id}")
        with self._guarded():
            return expected is None or self._is_sound(self._connection, document_id)

    def announce_numbered(self, documents: Iterable[NumberedDocument]) -> None:
        """Announces documents under the numbers that they have, before the first of their parts is stored."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO documents (document_id, number, state, nodes, pages, chinese_nodes, awaits_ocr) "
                "VALUES (?, ?, 'writing', ?, ?, ?, ?)",
                [
                    (one.document_id, one.number, one.nodes, one.pages, one.chinese_nodes, one.awaits_ocr)
                    for one in documents
                ],
            )

    def take_in(self, document: NumberedDocument, parts: DocumentParts) -> None:
        """Stores what an announced document is made of; it is live from now on."""
        with self._transaction() as connection:
            self._store_parts(connection, document.document_id, parts)
            self._enliven(connection, document)

    def give_up(self, document_ids: Sequence[str]) -> None:
        """Documents that were taken in are to be deleted."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE documents SET state = 'stale' WHERE document_id = ?", [(one,) for one in document_ids]
            )

    def take_over(self, taken: CatalogFacts) -> None:
        """Has the files and facts of another catalog instead of its own."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM files")
            for row in taken.files:
                connection.execute(f"INSERT INTO files VALUES ({', '.join('?' * len(row))})", row)
            own = [(key,) for (key,) in connection.execute("SELECT key FROM meta") if _is_general(key)]
            connection.executemany("DELETE FROM meta WHERE key = ?", own)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", taken.facts.items())

    def _store_parts(self, connection: sqlite3.Connection, document_id: str, parts: DocumentParts) -> None:
        """Stores what a document is made of."""
        raise NotImplementedError

    @staticmethod
    def _enliven(connection: sqlite3.Connection, document: NumberedDocument) -> None:
        connection.execute("UPDATE documents SET state = 'live' WHERE number = ?", (document.number,))


def _is_general(fact: str) -> bool:
    return fact not in _OF_THE_PLACE and not fact.startswith(_OF_SENTENCES)
