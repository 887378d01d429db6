"""What is asked of the catalog about documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qa_engine.documents.blocks import Span
from qa_engine.index.documents.sentence_texts import (
    SentenceTexts,
    SentenceTextSource,
    misnamed_documents,
    read_document,
    read_page,
    stored_ids,
)
from qa_engine.index.files.listing import FileListing
from qa_engine.index.records import DocumentRecord, StoredSentence, unpack_spans, unpack_texts


class DocumentQueries(FileListing):
    """The part of the catalog that tells what the documents are made of."""

    def meta(self, key: str) -> str | None:
        """A recorded fact about the collection, or None."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def live_documents(self) -> dict[str, int]:
        """The number of nodes of every live document, by id."""
        return dict(
            self._rows("SELECT document_id, nodes FROM documents WHERE state = 'live' ORDER BY document_id")
        )

    def document(self, document_id: str) -> DocumentRecord | None:
        """A document whose nodes are all stored, be it live or just replaced; None without one."""
        rows = self._rows(
            "SELECT document_id, state, nodes, pages, chinese_nodes, awaits_ocr FROM documents "
            "WHERE document_id = ? AND state != 'writing'",
            (document_id,),
        )
        return DocumentRecord(*rows[0]) if rows else None

    def sections(self) -> dict[str, list[str]]:
        """The sections of every document that has some, as its sentences name them."""
        rows = self._rows("SELECT document_id, sections FROM documents WHERE sections NOT NULL")
        return {row[0]: unpack_texts(row[1]) for row in rows}

    def sections_of(self, document_id: str) -> list[str]:
        """The sections of one document."""
        return unpack_texts(self._packed("sections", document_id))

    def spans(self, document_id: str) -> Sequence[Span]:
        """The places of the lines of a document."""
        return unpack_spans(self._packed("spans", document_id))

    def tables(self, document_id: str) -> list[str]:
        """The tables of a document in Markdown, by their numbers."""
        return unpack_texts(self._packed("tables", document_id))

    def expect(self, document_ids: Iterable[str]) -> None:
        """Says that `spans` or `tables` of some documents may be asked for together."""

    def _packed(self, column: str, document_id: str) -> Any:
        rows = self._rows(f"SELECT {column} FROM documents WHERE document_id = ?", (document_id,))
        return rows[0][0] if rows else None

    def sentence_texts(self) -> SentenceTextSource:
        """The texts of the sentences, by their ids; to be closed."""
        return SentenceTexts(self.path)

    def sentences(self, document_id: str) -> list[StoredSentence]:
        """The sentences of a document, in order. Questions read theirs by `SentenceTexts`."""
        with self._guarded():
            return read_document(self._connection, document_id)

    def sentences_on_page(self, document_id: str, page: int) -> list[StoredSentence]:
        """The sentences of a document that are, at least in part, on a page, from 1, in order."""
        with self._guarded():
            return read_page(self._connection, document_id, page)

    def sentence_ids(self) -> set[str]:
        """The ids of all sentences that are there, be their documents live or not."""
        with self._guarded():
            return stored_ids(self._connection)

    def misnamed_documents(self) -> dict[str, int]:
        """The live documents whose nodes name a file that has gone or was renamed, and the number of their nodes."""
        with self._guarded():
            return dict(misnamed_documents(self._connection))

    def node_count(self) -> int:
        """Nodes of all live documents."""
        return int(self._rows("SELECT COALESCE(SUM(nodes), 0) FROM documents WHERE state = 'live'")[0][0])

    def chinese_share(self) -> float:
        """The share of the sentences, 0 to 1, that are in Chinese."""
        total, chinese = self._rows(
            "SELECT SUM(nodes), SUM(chinese_nodes) FROM documents WHERE state = 'live'"
        )[0]
        return float(chinese) / total if total else 0.0

    def unfinished(self, state: str | None = None) -> list[tuple[str, int]]:
        """Documents whose nodes are to be deleted, with the number of their nodes.

        Their state is ``writing`` (a run was cut off while it stored them) or ``stale`` (replaced or removed, and readers
        of the published state may still ask for them); None for both.
        """
        rows = self._rows(
            "SELECT document_id, nodes FROM documents WHERE state = COALESCE(?, state) AND state != 'live'",
            (state,),
        )
        return [(row[0], row[1]) for row in rows]
