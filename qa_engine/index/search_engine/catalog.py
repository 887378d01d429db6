"""The catalog of a collection whose state is in a search engine, for any number of machines.

Numbers, files and facts are in a replica here, a SQLite file, which the log of the collection keeps up to date: so whatever
is asked of a catalog is asked in the same words. What documents are made of stays in the search engine.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from qa_engine.config import Bm25Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import CollectionNotFoundError, StorageError
from qa_engine.index.catalog import TERMS_TOKENIZER, Catalog
from qa_engine.index.documents.checksums import DOCUMENT_CHECKSUM
from qa_engine.index.records import DocumentParts, FileRecord, StoredSentence
from qa_engine.index.search_engine.document_store import UNKNOWN, DocumentSeal, DocumentStore
from qa_engine.index.search_engine.lease import Lease
from qa_engine.index.search_engine.lexical import SearchEngineLexicalIndex
from qa_engine.index.search_engine.replica import (
    all_rows,
    apply_changes,
    captured_changes,
    empty_replica,
    immediate,
    last_number,
    prepare_replica,
    raise_last_number,
    replica_position,
    set_position,
    start_capturing,
)
from qa_engine.index.search_engine.sentences import SearchEngineTexts, stored
from qa_engine.index.search_engine.state_log import StateLog
from qa_engine.index.search_engine.tokens import SearchEngineTokens
from qa_engine.index.vectors.token_store import TOKEN_BITS
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.tokenizer import TOKENIZER_VERSION

TERMS_FIELD = "terms_field"
"""Fact of the catalog: the field with the terms of all live documents."""
PUBLISHED_TERMS = "published_terms_field"
"""Fact of the catalog: the field that readers search in."""
TOKEN_CODEC = "token_codec"
"""Fact of the catalog: bits and centre of the codec of the token vectors."""
_NAMED = "sentences_named"
"""Prefix of facts of the catalog: the file name that the sentences of a document carry."""
_LAST_NUMBER = "last_number"
_READ_AT_ONCE = 1000


class SharedCatalog(Catalog):
    """The catalog of a collection in a search engine. Thread-safe.

    A reader has the replica of its machine. The writer, which holds a lease, has one of its own, and what it changes is in
    the log before it is in the replica.

    Raises:
        StorageError: the replica cannot be written, or the state in the search engine is incomplete.
        ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
    """

    _what = "The replica of the catalog"

    def __init__(
        self, path: Path, log: StateLog, bm25: Bm25Config | None = None, lease: Lease | None = None
    ) -> None:
        self.log = log
        self.lease = lease
        self._context = (bm25 or Bm25Config()).context_sentences
        engine = log.engine
        self.documents = DocumentStore(engine, log.collection, self._context)
        self.sentence_index = self.documents.sentences
        self.content_index = self.documents.contents
        self._texts = SearchEngineTexts(self.sentence_index, self.numbers)
        super().__init__(path, create=True)
        with self._guarded():
            prepare_replica(self._connection, log.collection.mark)
        self.synchronise()
        if lease is not None:
            with self._guarded():
                start_capturing(self._connection)
            # The first change of a writer: from here on, an earlier one can change nothing.
            self.set_meta(writer=json.dumps({"since": datetime.now(UTC).isoformat(timespec="seconds")}))
            self.sentence_index.declare_terms(self.field)

    def _set_up(self) -> None:
        super()._set_up()
        # A cache, which is made anew if it is lost.
        self._connection.execute("PRAGMA synchronous = OFF")

    def after_fork(self) -> None:
        """In a forked child, it can be read alone: the lease is the parent's."""
        super().after_fork()
        self.lease = None

    @property
    def field(self) -> str:
        """The field with the terms as this version makes them."""
        return self.documents.field

    # -- the replica and the log

    def synchronise(self) -> None:
        """Brings in what was written since, be it by another machine. One request.

        Raises:
            CollectionNotFoundError: the collection was removed, or removed and made again.
        """
        with self._guarded():
            position = replica_position(self._connection)
        news = self.log.news(position)
        if news.collection is None or news.collection.mark != self.log.collection.mark:
            raise CollectionNotFoundError(f"The collection {self.log.collection.name!r} was deleted.")
        base = news.collection.base[0]
        if base > position:
            self._begin_anew(base)
            news = self.log.news(base)
        if news.changes:
            with self._guarded(), immediate(self._connection):
                position = replica_position(self._connection)
                for number, changes in news.changes:
                    if number == position + 1:
                        apply_changes(self._connection, changes)
                        position = number
                set_position(self._connection, position)
            self._texts.forget()

    def _begin_anew(self, base: int) -> None:
        rows = self.log.base()
        with self._guarded(), immediate(self._connection):
            if replica_position(self._connection) >= base:
                return
            empty_replica(self._connection, self.log.collection.mark)
            apply_changes(self._connection, rows)
            set_position(self._connection, base)
            found = self._connection.execute(
                "SELECT value FROM meta WHERE key = ?", (_LAST_NUMBER,)
            ).fetchall()
            raise_last_number(self._connection, int(found[0][0]) if found else 0)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        lease = self._required_lease()
        if self._writing:  # inside another transaction
            with super()._transaction() as connection:
                yield connection
            return
        with super()._transaction() as connection:
            yield connection
            changes = captured_changes(connection)
            if changes:
                lease.require()
                position = replica_position(connection) + 1
                self.log.append(position, changes)
                set_position(connection, position)

    def compact(self) -> None:
        """Has the log begin at the present state, if it has become long."""
        if not self.log.is_long:
            return
        self.set_meta(**{_LAST_NUMBER: str(last_number(self._connection))})
        with self._guarded():
            position, rows = replica_position(self._connection), all_rows(self._connection)
        self.log.begin_anew(position, rows)

    # -- what is in the search engine

    def numbers(self, document_ids: Iterable[str]) -> dict[str, int]:
        """The numbers of documents, by their ids."""
        asked = json.dumps(list(document_ids))
        return dict(
            self._rows(
                "SELECT document_id, number FROM documents WHERE document_id IN (SELECT value FROM json_each(?))",
                (asked,),
            )
        )

    def visible(self) -> dict[str, tuple[int, int]]:
        """The documents of the published state: the number of each, and the number of its sentences."""
        rows = self._rows(
            "SELECT document_id, number, nodes FROM visible JOIN documents USING (number) ORDER BY number"
        )
        return {document_id: (number, nodes) for document_id, number, nodes in rows}

    def hidden(self) -> list[int]:
        """Numbers of documents that are not in the published state, and whose sentences may be in the search engine."""
        rows = self._rows(
            "SELECT number FROM documents WHERE number NOT IN (SELECT number FROM visible) "
            "UNION SELECT number FROM abandoned"
        )
        return [number for (number,) in rows]

    def open_lexical(self, config: Bm25Config) -> SearchEngineLexicalIndex:
        """The lexical index of the published state."""
        field = self.meta(PUBLISHED_TERMS) or self.field
        index = self.sentence_index
        return SearchEngineLexicalIndex(index.engine, index.index, field, self.visible(), config, self._texts)

    def open_tokens(self) -> SearchEngineTokens | None:
        """The token vectors of the sentences; None if none are kept."""
        codec = self.codec()
        if codec is None:
            return None
        return SearchEngineTokens(self.log.engine, self.log.collection, codec, self.numbers)

    def codec(self) -> TokenCodec | None:
        """The codec of the token vectors that are kept; None if none are."""
        recorded = self.meta(TOKEN_CODEC)
        if not recorded or not int(self.meta(TOKEN_BITS) or 0):
            return None
        facts = json.loads(recorded)
        return TokenCodec(facts["bits"], np.frombuffer(base64.b64decode(facts["centre"]), "<f4"))

    def keep_tokens(self, codec: TokenCodec | None) -> None:
        """Records the codec of the token vectors from now on; None keeps none."""
        if codec is None:
            self.set_meta(**{TOKEN_BITS: "0"})
            return
        centre = base64.b64encode(codec.centre.astype("<f4").tobytes()).decode()
        facts = json.dumps({"bits": codec.bits, "centre": centre})
        self.set_meta(**{TOKEN_BITS: str(codec.bits), TOKEN_CODEC: facts})

    def sentence_texts(self) -> SearchEngineTexts:
        """The texts of the sentences, by their ids."""
        return self._texts

    def sentences(self, document_id: str) -> list[StoredSentence]:
        """The sentences of a document, in order."""
        rows = self._rows("SELECT number, nodes FROM documents WHERE document_id = ?", (document_id,))
        return [
            sentence
            for number, nodes in rows
            for start in range(0, nodes, _READ_AT_ONCE)
            for sentence in self.sentence_index.read(
                document_id, number, range(start, min(nodes, start + _READ_AT_ONCE))
            )
        ]

    def sentences_on_page(self, document_id: str, page: int) -> list[StoredSentence]:
        """The sentences of a document that are, at least in part, on a page, from 1, in order."""
        number = self.numbers([document_id]).get(document_id)
        if number is None:
            return []
        within = [
            {"term": {"number": number}},
            {"range": {"page": {"lte": page}}},
            {"range": {"page_end": {"gte": page}}},
        ]
        hits = self.sentence_index.engine.request(
            "POST",
            f"/{self.sentence_index.index}/_search",
            {"size": 10_000, "query": {"bool": {"filter": within}}, "sort": [{"ordinal": "asc"}]},
            params={"routing": str(number), "allow_partial_search_results": "false"},
        ).body["hits"]["hits"]
        return [stored(node_id(document_id, hit["_source"]["ordinal"]), hit["_source"]) for hit in hits]

    def sections(self) -> dict[str, list[str]]:
        """The sections of every document that has some, as its sentences name them."""
        known = {
            number: document_id
            for document_id, number in self._rows("SELECT document_id, number FROM documents")
        }
        return {known[number]: titles for number, titles in self.content_index.sections() if number in known}

    def _packed(self, column: str, document_id: str) -> Any:
        number = self.numbers([document_id]).get(document_id)
        return self.content_index.get(number, column) if number is not None else None

    def misnamed_documents(self) -> dict[str, int]:
        """The live documents whose sentences name a file that has gone or was renamed, and the number of these."""
        return dict(
            self._rows(
                f"SELECT document_id, nodes FROM documents JOIN meta ON key = '{_NAMED} ' || document_id "
                "WHERE state = 'live' AND NOT EXISTS (SELECT 1 FROM files WHERE files.document_id = documents.document_id "
                "AND file_name = meta.value)"
            )
        )

    # -- what the writer does

    def begin(self, document_id: str, nodes: int) -> None:
        """Announces nodes before the first of them is stored."""
        with self._transaction() as connection:
            self._abandon(connection, document_id)
            super().begin(document_id, nodes)

    def require_lease(self) -> None:
        """Raises `IndexLockedError` if the right to write may be another's by now."""
        self._required_lease().require()

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
        self._required_lease().require()
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

    def replace_terms(self, document_id: str, terms: Sequence[Sequence[str]]) -> None:
        """Replaces the BM25 terms of a document, after the tokenizer has changed."""
        number = self.numbers([document_id])[document_id]
        self._required_lease().require()
        self.sentence_index.replace_terms(number, terms, self.field, self._context)

    def rename_sentences(self, document_id: str, file_name: str) -> None:
        """Has the sentences of a document name another file."""
        number = self.numbers([document_id])[document_id]
        self._required_lease().require()
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
        self._required_lease().require()
        for number, nodes in rows:
            self._delete_content(number, nodes)
        with self._transaction() as connection:
            if rows:
                connection.execute("DELETE FROM meta WHERE key = ?", (f"{_NAMED} {document_id}",))
            super().forget(document_id)

    def forget_unread(self, document_ids: Sequence[str]) -> None:
        """Deletes what is stored of documents that were announced and not committed, and the documents, in one change.

        Their numbers are noted as given up: a worker that nobody waits for any more may still be storing under them.
        """
        self._required_lease().require()
        self.documents.delete_numbers(list(self.numbers(document_ids).values()))
        with self._transaction() as connection:
            for document_id in document_ids:
                self._abandon(connection, document_id)
            self.withdraw(document_ids)

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
        number = self.changes
        live = "SELECT number FROM documents WHERE state = 'live'"
        with self._transaction() as connection:
            connection.execute(f"DELETE FROM visible WHERE number NOT IN ({live})")
            connection.execute(f"INSERT OR IGNORE INTO visible {live}")
            self.set_meta(**{"published": str(number), PUBLISHED_TERMS: self.meta(TERMS_FIELD) or self.field})
        self.compact()
        return number

    def _note_sentences(self, document_id: str, seal: DocumentSeal) -> None:
        facts = {f"{DOCUMENT_CHECKSUM} {document_id}": seal.checksum}
        if seal.file_name is not None:
            facts[f"{_NAMED} {document_id}"] = seal.file_name
        self.set_meta(**facts)

    def _delete_content(self, number: int, nodes: int) -> None:
        tokens = self.open_tokens()
        if tokens is not None:
            tokens.delete_numbered(number, nodes)
        self.sentence_index.delete(number, nodes)
        self.content_index.delete(number)

    @staticmethod
    def _abandon(connection: sqlite3.Connection, document_id: str) -> None:
        """The number of a document that is announced again stands for nothing any more."""
        connection.execute(
            "INSERT OR IGNORE INTO abandoned SELECT number, nodes, ? FROM documents WHERE document_id = ?",
            (datetime.now(UTC).isoformat(timespec="seconds"), document_id),
        )

    def _required_lease(self) -> Lease:
        if self.lease is None:
            raise StorageError(
                f"The collection {self.log.collection.name!r} was opened for reading: open it for writing."
            )
        return self.lease
