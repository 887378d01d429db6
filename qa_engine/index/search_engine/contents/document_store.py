"""What documents are made of, in a search engine: stored and deleted under the numbers of the documents.

Whoever was told the number of a document can store it, on any machine: the number is in the id of everything that is stored,
and readers see it once the log names the document as live.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from qa_engine.index.records import DocumentParts, StoredSentence
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.contents.contents import ContentIndex
from qa_engine.index.search_engine.contents.sentences import SentenceIndex, terms_field
from qa_engine.index.search_engine.registry import RegisteredCollection
from qa_engine.text.tokenizer import TOKENIZER_VERSION

UNKNOWN = -1
"""Number of the sentences of a document that is announced before it was read."""
_NUMBERS_AT_ONCE = 1000


@dataclass(frozen=True)
class DocumentSeal:
    """What the catalog notes of the sentences of a document.

    Attributes:
        checksum: of all that is stored of them.
        file_name: the file that they name; None without sentences.
    """

    checksum: str
    file_name: str | None

    @classmethod
    def of(cls, sentences: Sequence[StoredSentence]) -> DocumentSeal:
        """The seal of the sentences of a document, in order."""
        value = 0
        for one in sentences:
            metadata = json.dumps(one.metadata, ensure_ascii=False, sort_keys=True)
            row = repr((one.text, one.start_char_idx, one.end_char_idx, metadata))
            value = zlib.crc32(row.encode("utf-8", "replace"), value)
        name = str(sentences[0].metadata.get("file_name", "")) if sentences else None
        return cls(str(value), name)


class DocumentStore:
    """Stores and deletes what documents of one collection are made of, besides their vectors."""

    def __init__(
        self, engine: SearchEngine, collection: RegisteredCollection, context_sentences: int
    ) -> None:
        self.engine = engine
        self.sentences = SentenceIndex(engine, collection)
        self.contents = ContentIndex(engine, collection)
        self._tokens = collection.tokens
        self._context = context_sentences

    @property
    def field(self) -> str:
        """The field with the terms as this version makes them."""
        return terms_field(TOKENIZER_VERSION, self._context)

    def put(self, number: int, parts: DocumentParts) -> DocumentSeal:
        """Stores the sentences with their terms, then places of lines, tables and sections; an idempotent operation."""
        self.sentences.put(number, parts.sentences, parts.terms, self.field, self._context)
        self.contents.put(number, parts)
        return DocumentSeal.of(parts.sentences)

    def delete_numbers(self, numbers: Sequence[int]) -> None:
        """Deletes all that is stored under some numbers, token vectors too, however much it is.

        Raises:
            StorageError: not everything could be deleted.
            ServiceUnavailableError: the search engine is not there.
        """
        if not numbers:
            return
        for index in (self._tokens, self.sentences.index, self.contents.index):
            starts = range(0, len(numbers), _NUMBERS_AT_ONCE)
            parts = (list(numbers[start : start + _NUMBERS_AT_ONCE]) for start in starts)
            self.engine.delete_matching(index, ({"terms": {"number": part}} for part in parts))
