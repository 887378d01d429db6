"""The catalog of a collection whose state is in a search engine, for any number of machines.

Numbers, files and facts are in a replica here, a SQLite file, which the log of the collection keeps up to date: so whatever
is asked of a catalog is asked in the same words. What documents are made of stays in the search engine.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from qa_engine.index.catalog import TERMS_TOKENIZER
from qa_engine.index.documents.checksums import DOCUMENT_CHECKSUM
from qa_engine.index.documents.transfer import NumberedDocument
from qa_engine.index.files.queries import FILE_CHECKSUM
from qa_engine.index.records import DocumentParts, FileRecord, StoredSentence
from qa_engine.index.search_engine.catalog_contents import (
    NAMED,
    PUBLISHED_TERMS,
    TERMS_FIELD,
    SharedContents,
)
from qa_engine.index.search_engine.contents.document_store import UNKNOWN, DocumentSeal
from qa_engine.text.tokenizer import TOKENIZER_VERSION


class AbandonedNumber(NamedTuple):
    """The number of a document that was given up while it was written, its id, and its sentences."""

    number: int
    document_id: str
    nodes: int


class SharedCatalog(SharedContents):
    """The catalog of a collection in a search engine. Thread-safe. Raises as `ReplicatedCatalog` does.

    These are the changes that the writer makes, who holds a lease.
    """

    def seal(self) -> None:
        """Notes the checksums of the live documents and of the files that have none."""
        with self._transaction() as connection:
            for document_id in self.live_documents():
                if self.meta(f"{DOCUMENT_CHECKSUM} {document_id}") is None:
                    self._note_sentences(document_id, DocumentSeal.of(self.sentences(document_id)))
            for path in self.files():
                if self.meta(f"{FILE_CHECKSUM} {path}") is None:
                    self._seal_file(connection, path)

    def begin(self, document_id: str, nodes: int) -> None:
        """Announces nodes before the first of them is stored."""
        with self._transaction() as connection:
            self._abandon(connection, document_id)
            super().begin(document_id, nodes)

    def announce(self, document_ids: Sequence[str]) -> dict[str, int]:
        """Announces documents that others will read and store, and returns their numbers."""
        with self._transaction():
            for document_id in document_ids:
                self.begin(document_id, UNKNOWN)
        return self.numbers(document_ids)

    def withdraw(self, document_ids: Sequence[str]) -> None:
        """Takes announcements back under which nothing was stored."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM documents WHERE document_id = ? AND state = 'writing'",
                [(document_id,) for document_id in document_ids],
            )

    def commit(self, record: FileRecord, parts: DocumentParts) -> None:
        """Stores what a document is made of, then makes it the live one of its file."""
        number = self.numbers([record.document_id])[record.document_id]
        self.require_right()
        self.commit_stored(record, self.documents.put(number, parts))

    def commit_stored(self, record: FileRecord, seal: DocumentSeal) -> None:
        """Makes a document that is stored under its number the live one of its file."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE documents SET nodes = ?, pages = ?, chinese_nodes = ?, awaits_ocr = ? WHERE document_id = ?",
                (record.nodes, record.pages, record.chinese_nodes, record.awaits_ocr, record.document_id),
            )
            self._note_sentences(record.document_id, seal)
            self.link(record)

    def is_sound(self, document_id: str, sentences: Sequence[StoredSentence]) -> bool:
        """See `DocumentTransfer`."""
        return self.meta(f"{DOCUMENT_CHECKSUM} {document_id}") in {
            None,
            DocumentSeal.of(sentences).checksum,
        }

    def take_in(self, document: NumberedDocument, parts: DocumentParts) -> None:
        """Stores what an announced document is made of; it is live from now on."""
        self.require_right()
        seal = self.documents.put(document.number, parts)
        with self._transaction() as connection:
            self._note_sentences(document.document_id, seal)
            self._enliven(connection, document)

    def replace_terms(self, document_id: str, terms: Sequence[Sequence[str]]) -> None:
        """Replaces the BM25 terms of a document, after the tokenizer has changed."""
        number = self.numbers([document_id])[document_id]
        self.require_right()
        self.sentence_index.replace_terms(number, terms, self.field, self._context)

    def restore_sentences(
        self, document_id: str, sentences: Sequence[StoredSentence], terms: Sequence[Sequence[str]]
    ) -> None:
        """Stores the sentences of a live document once more, with their terms as this version makes them.

        Unless readers still use the terms of another version, these go.
        """
        number = self.numbers([document_id])[document_id]
        self.require_right()
        if self.meta(PUBLISHED_TERMS) in {None, self.field}:
            self.sentence_index.put(number, sentences, terms, self.field, self._context)
        else:
            self.sentence_index.put_beside(number, sentences, terms, self.field, self._context)

    def rename_sentences(self, document_id: str, file_name: str) -> None:
        """Has the sentences of a document name another file."""
        number = self.numbers([document_id])[document_id]
        self.require_right()
        renamed = [
            one._replace(metadata=one.metadata | {"file_name": file_name})
            for one in self.sentences(document_id)
        ]
        self.sentence_index.rename(number, renamed)
        self._note_sentences(document_id, DocumentSeal.of(renamed))

    def forget(self, document_id: str) -> None:
        """Deletes what a document that is not live is made of, and the document."""
        rows = self._rows(
            "SELECT number, nodes FROM documents WHERE document_id = ? AND state != 'live'", (document_id,)
        )
        self.require_right()
        for number, nodes in rows:
            self._delete_content(number, nodes)
        with self._transaction() as connection:
            if rows:
                connection.execute("DELETE FROM meta WHERE key = ?", (f"{NAMED} {document_id}",))
                self._abandon(connection, document_id)
            super().forget(document_id)

    def forget_unread(self, document_ids: Sequence[str]) -> None:
        """Deletes what is stored of documents that were announced and not committed, and the documents, in one change.

        Their numbers are noted as given up: a worker that nobody waits for any more may still be storing under them.
        """
        self.require_right()
        self.documents.delete_numbers(list(self.numbers(document_ids).values()))
        with self._transaction() as connection:
            for document_id in document_ids:
                self._abandon(connection, document_id)
            self.withdraw(document_ids)

    def abandoned(self, before: float | None = None) -> list[AbandonedNumber]:
        """Documents that were given up while they were written, those before a time or all.

        The process that wrote them may live, without knowing that it has lost its right: what it still stores has to be
        deleted once more when it surely has ended.
        """
        limit = math.inf if before is None else before
        rows = self._rows("SELECT number, document_id, nodes FROM abandoned WHERE since < ?", (limit,))
        return [AbandonedNumber(*row) for row in rows]

    def forget_abandoned(self, abandoned: Iterable[AbandonedNumber]) -> None:
        """Deletes what was stored under numbers of documents that were given up."""
        abandoned = list(abandoned)
        self.require_right()
        self.documents.delete_numbers([one.number for one in abandoned])
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM abandoned WHERE number = ?", [(one.number,) for one in abandoned]
            )

    def terms_are_current(self) -> bool:
        """Whether the terms of all live documents are in the field of this version and this configuration."""
        return self.meta(TERMS_FIELD) == self.field and self.meta(TERMS_TOKENIZER) == TOKENIZER_VERSION

    def note_terms(self) -> None:
        """Notes that the terms of all live documents are as this version makes them, for this configuration."""
        self.set_meta(**{TERMS_TOKENIZER: TOKENIZER_VERSION, TERMS_FIELD: self.field})

    def publish(self) -> int:
        """Declares the present state complete for readers, and returns its number."""
        self.sentence_index.refresh()
        self.content_index.refresh()
        self._texts.forget()
        number = self.changes
        live = "SELECT number FROM documents WHERE state = 'live'"
        with self._transaction() as connection:
            connection.execute(f"DELETE FROM visible WHERE number NOT IN ({live})")
            connection.execute(f"INSERT OR IGNORE INTO visible {live}")
            self.set_meta(**{"published": str(number), PUBLISHED_TERMS: self.meta(TERMS_FIELD) or self.field})
        if not self._writing:  # the state is in the log once the whole of it is
            self.compact()
        return number

    def _note_sentences(self, document_id: str, seal: DocumentSeal) -> None:
        facts = {f"{DOCUMENT_CHECKSUM} {document_id}": seal.checksum}
        if seal.file_name is not None:
            facts[f"{NAMED} {document_id}"] = seal.file_name
        self.set_meta(**facts)

    def _delete_content(self, number: int, nodes: int) -> None:
        tokens = self.open_tokens()
        if tokens is not None:
            tokens.delete_numbered(number, nodes)
        self.sentence_index.delete(number, nodes)
        self.content_index.delete(number)

    @staticmethod
    def _abandon(connection: sqlite3.Connection, document_id: str) -> None:
        """The number of a document that was being written stands for nothing any more."""
        connection.execute(
            "INSERT OR IGNORE INTO abandoned SELECT number, document_id, nodes, ? FROM documents "
            "WHERE document_id = ? AND state = 'writing'",
            (time.time(), document_id),
        )
