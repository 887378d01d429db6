"""What a catalog whose state is in a search engine tells readers: the published state, and the contents of documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_engine.config import Bm25Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.documents.checksums import DOCUMENT_CHECKSUM
from qa_engine.index.records import StoredSentence
from qa_engine.index.search_engine.contents.document_store import DocumentSeal, DocumentStore
from qa_engine.index.search_engine.contents.sentences import SearchEngineTexts, stored
from qa_engine.index.search_engine.contents.tokens import (
    SearchEngineTokens,
    new_generation,
    pack_codec,
    unpack_codec,
)
from qa_engine.index.search_engine.state.lease import Lease
from qa_engine.index.search_engine.state.replicated_catalog import ReplicatedCatalog
from qa_engine.index.search_engine.state.state_log import LogEntry, LogPosition, StateLog
from qa_engine.index.search_engine.terms.lexical import SearchEngineLexicalIndex
from qa_engine.index.vectors.token_store import TOKEN_BITS
from qa_engine.models.token_codes import TokenCodec

TERMS_FIELD = "terms_field"
"""Fact of the catalog: the field with the terms of all live documents."""
PUBLISHED_TERMS = "published_terms_field"
"""Fact of the catalog: the field that readers search in."""
TOKEN_CODEC = "token_codec"
"""Fact of the catalog: bits and centre of the codec of the token vectors."""
NAMED = "sentences_named"
"""Prefix of facts of the catalog: the file name that the sentences of a document carry."""
_READ_AT_ONCE = 1000


@dataclass(frozen=True)
class PublishedState:
    """What readers see of a collection, all of it at one moment.

    Attributes:
        number: of the state; 0 before the first.
        field: the field that its terms are in.
        documents: by id, the number of each document and the number of its sentences.
    """

    number: int
    field: str
    documents: dict[str, tuple[int, int]]


class SharedContents(ReplicatedCatalog):
    """The part of `SharedCatalog` that readers use."""

    def __init__(
        self, path: Path, log: StateLog, bm25: Bm25Config | None = None, lease: Lease | None = None
    ) -> None:
        self._context = (bm25 or Bm25Config()).context_sentences
        self.documents = DocumentStore(log.engine, log.collection, self._context)
        self.sentence_index = self.documents.sentences
        self.content_index = self.documents.contents
        self._texts = SearchEngineTexts(self.sentence_index, self.numbers)
        super().__init__(path, log, lease)
        if lease is not None:
            self.sentence_index.declare_terms(self.field)

    @property
    def field(self) -> str:
        """The field with the terms as this version makes them."""
        return self.documents.field

    def _follow(self, entries: Sequence[LogEntry]) -> None:
        super()._follow(entries)
        self._texts.forget()

    def _begin_anew(self, former: LogPosition) -> None:
        super()._begin_anew(former)
        self._texts.forget()

    # -- what readers see

    def published_state(self) -> PublishedState:
        """What readers see, as it is in the replica."""
        with self._guarded():
            writes = self._connection.in_transaction
            if not writes:
                self._connection.execute("BEGIN")  # another process may be applying changes
            try:
                return PublishedState(
                    self.published, self.meta(PUBLISHED_TERMS) or self.field, self.visible()
                )
            finally:
                if not writes:
                    self._connection.rollback()

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

    def numbers_to_write(self, document_ids: Iterable[str]) -> dict[str, int]:
        """The numbers of documents that are about to be written.

        Raises:
            IndexLockedError: this writer may have lost its right.
        """
        self.require_right()
        return self.numbers(document_ids)

    def visible(self) -> dict[str, tuple[int, int]]:
        """The documents of the published state: the number of each, and the number of its sentences."""
        rows = self._rows(
            "SELECT document_id, number, nodes FROM visible JOIN documents USING (number) ORDER BY number"
        )
        return {document_id: (number, nodes) for document_id, number, nodes in rows}

    def open_lexical(
        self, config: Bm25Config, state: PublishedState | None = None
    ) -> SearchEngineLexicalIndex:
        """The lexical index of the published state, or of one that was read before."""
        state = state or self.published_state()
        index = self.sentence_index
        return SearchEngineLexicalIndex(
            index.engine, index.index, state.field, state.documents, config, self._texts
        )

    def open_tokens(self) -> SearchEngineTokens | None:
        """The token vectors of the sentences; None if none are kept."""
        codec = self.codec()
        return self.tokens_of(codec, self.token_generation) if codec is not None else None

    def tokens_of(self, codec: TokenCodec, generation: str) -> SearchEngineTokens:
        """The token vectors of a generation, be it that of the readers or another one."""
        numbers = self.numbers if self.lease is None else self.numbers_to_write
        return SearchEngineTokens(self.log.engine, self.log.collection, codec, numbers, generation)

    def codec(self) -> TokenCodec | None:
        """The codec of the token vectors that are kept; None if none are."""
        recorded = self.meta(TOKEN_CODEC)
        if not recorded or not int(self.meta(TOKEN_BITS) or 0):
            return None
        return unpack_codec(recorded)

    @property
    def token_generation(self) -> str:
        """The generation of the token vectors that are kept, or were kept last; empty without any."""
        return str(json.loads(self.meta(TOKEN_CODEC) or "{}").get("generation", ""))

    def keep_tokens(self, codec: TokenCodec | None, generation: str | None = None) -> None:
        """Records the codec of the token vectors from now on, and their generation, or a new one; without it, none."""
        if codec is None:
            self.set_meta(**{TOKEN_BITS: "0"})
            return
        packed = pack_codec(codec, generation or new_generation())
        self.set_meta(**{TOKEN_BITS: str(codec.bits), TOKEN_CODEC: packed})

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

    def is_damaged(self, document_id: str) -> bool:
        """Whether the sentences of a document are not as they were stored, by its checksum."""
        expected = self.meta(f"{DOCUMENT_CHECKSUM} {document_id}")
        return expected is not None and expected != DocumentSeal.of(self.sentences(document_id)).checksum

    def sections(self) -> dict[str, list[str]]:
        """The sections of every document that has some, as its sentences name them."""
        known = {
            number: document_id
            for document_id, number in self._rows("SELECT document_id, number FROM documents")
        }
        return {known[number]: titles for number, titles in self.content_index.sections() if number in known}

    def expect(self, document_ids: Iterable[str]) -> None:
        """Has one request read what is stored of these documents, as soon as one of them is asked for."""
        self.content_index.expect(self.numbers(document_ids).values())

    def _packed(self, column: str, document_id: str) -> Any:
        number = self.numbers([document_id]).get(document_id)
        return self.content_index.get(number, column) if number is not None else None

    def misnamed_documents(self) -> dict[str, int]:
        """The live documents whose sentences name a file that has gone or was renamed, and the number of these."""
        return dict(
            self._rows(
                f"SELECT document_id, nodes FROM documents JOIN meta ON key = '{NAMED} ' || document_id "
                "WHERE state = 'live' AND NOT EXISTS (SELECT 1 FROM files WHERE files.document_id = documents.document_id "
                "AND file_name = meta.value)"
            )
        )

    # -- whether everything is there

    def sentence_ids(self) -> set[str]:
        """The ids of all sentences that are there, be their documents live or not. A request for ten thousand of them."""
        known = {number: name for name, number in self._rows("SELECT document_id, number FROM documents")}
        keys = self.sentence_index.stored_keys()
        return {node_id(known[number], ordinal) for number, ordinal in keys if number in known}

    def damaged(self) -> tuple[set[str], set[str], int]:
        """What is not as it was stored, see `Catalog.damaged`. Reads every sentence, a thousand a request."""
        _, paths, unproved = super().damaged()
        live = self.numbers(self.live_documents())
        lacking = self.content_index.damaged(list(live.values()))
        documents = {document_id for document_id, number in live.items() if number in lacking}
        for document_id in live.keys() - documents:
            noted = self.meta(f"{DOCUMENT_CHECKSUM} {document_id}")
            if noted not in {None, DocumentSeal.of(self.sentences(document_id)).checksum}:
                documents.add(document_id)
        return documents, paths, unproved
