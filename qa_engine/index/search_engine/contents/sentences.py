"""The sentences of a collection in a search engine: stored, read by their ids, and deleted."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.forks import RenewedLock
from qa_engine.index.records import StoredSentence
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.registry import RegisteredCollection

Numbers = Callable[[Iterable[str]], Mapping[str, int]]
"""The numbers of documents, by their ids; without those that are not known."""
_KEYS_AT_ONCE = 10_000
_MAX_TERM = 200
"""Bytes of a term that is indexed as it is: the tokenizer of the search engine cuts terms of more than 255 characters."""
_KEPT = 5000
"""Sentences that are kept in memory, a few megabytes."""


def sentence_key(number: int, ordinal: int) -> str:
    """The id of a sentence in the search engine."""
    return f"{number}-{ordinal}"


def numbered_sentences(ids: Iterable[str], numbers: Numbers) -> list[tuple[str, int, int]]:
    """The ids of sentences with the number of the document and the ordinal, without those whose document is not known."""
    split = [(identifier, *split_node_id(identifier)) for identifier in ids]
    known = numbers(dict.fromkeys(document_id for _, document_id, _ in split))
    return [
        (identifier, known[document_id], ordinal)
        for identifier, document_id, ordinal in split
        if document_id in known
    ]


def terms_field(tokenizer: str, context_sentences: int) -> str:
    """The field with the terms that a tokenizer made of sentences, those of so many neighbours on each side with them."""
    return f"terms_{hashlib.sha256(f'{tokenizer} {context_sentences}'.encode()).hexdigest()[:8]}"


def indexed_term(term: str) -> str:
    """A term as the search engine gets it: as it is, unless it is too long, no valid text, or not one word to Lucene."""
    encoded = term.encode("utf-8", "surrogatepass")
    if term and len(encoded) <= _MAX_TERM and term.isprintable() and " " not in term:
        return term
    return f"#{hashlib.blake2b(encoded, digest_size=16).hexdigest()}"


def with_neighbours(sentences: Sequence[Sequence[str]], context_sentences: int) -> Iterator[list[str]]:
    """For each sentence of a document its terms, and those of so many neighbours on each side."""
    for place in range(len(sentences)):
        first = max(0, place - context_sentences)
        yield [term for own in sentences[first : place + context_sentences + 1] for term in own]


class SentenceIndex:
    """The index of the sentences of one collection.

    Sentences have the number of their document in their ids. No number is ever given twice, so what a writer that has lost
    its right still stores or deletes is never that of a newer version of a document.
    """

    def __init__(self, engine: SearchEngine, collection: RegisteredCollection) -> None:
        self.engine = engine
        self.index = collection.sentences

    def declare_terms(self, field: str) -> None:
        """Makes the field of terms, if it is not there yet."""
        properties = {
            field: {
                "type": "text",
                "analyzer": "whitespace",
                "similarity": "terms",
                "index_options": "freqs",
            },
            f"{field}_count": {"type": "integer"},
        }
        self.engine.request("PUT", f"/{self.index}/_mapping", {"properties": properties})

    def put(
        self,
        number: int,
        sentences: Sequence[StoredSentence],
        terms: Sequence[Sequence[str]],
        field: str,
        context: int,
    ) -> None:
        """Stores the sentences of a document, with the terms of each, which become those of its neighbours as well.

        Terms in other fields are not kept.
        """
        self.engine.bulk(
            self.index,
            (
                ({"index": {"_id": sentence_key(number, source["ordinal"]), "routing": str(number)}}, source)
                for source in _sources(number, sentences, terms, field, context)
            ),
        )

    def put_beside(
        self,
        number: int,
        sentences: Sequence[StoredSentence],
        terms: Sequence[Sequence[str]],
        field: str,
        context: int,
    ) -> None:
        """As `put`, but terms in other fields are kept."""
        self.engine.bulk(
            self.index,
            (
                (
                    {"update": {"_id": sentence_key(number, source["ordinal"]), "routing": str(number)}},
                    {"doc": source, "doc_as_upsert": True},
                )
                for source in _sources(number, sentences, terms, field, context)
            ),
        )

    def replace_terms(self, number: int, terms: Sequence[Sequence[str]], field: str, context: int) -> None:
        """Stores other terms of the sentences of a document, beside those that readers use."""
        every = with_neighbours([[indexed_term(term) for term in own] for own in terms], context)
        self.engine.bulk(
            self.index,
            (
                (
                    {"update": {"_id": sentence_key(number, ordinal), "routing": str(number)}},
                    {"doc": {field: " ".join(own), f"{field}_count": len(own)}},
                )
                for ordinal, own in enumerate(every)
            ),
        )

    def rename(self, number: int, sentences: Sequence[StoredSentence]) -> None:
        """Stores other metadata of sentences."""
        self.engine.bulk(
            self.index,
            (
                (
                    {"update": {"_id": sentence_key(number, ordinal), "routing": str(number)}},
                    {"doc": {"metadata": sentence.metadata}},
                )
                for ordinal, sentence in _numbered(sentences)
            ),
        )

    def delete(self, number: int, count: int) -> None:
        """Deletes the first ``count`` sentences of a document; those that are not there are passed over."""
        self.engine.bulk(
            self.index,
            (
                ({"delete": {"_id": sentence_key(number, ordinal), "routing": str(number)}}, None)
                for ordinal in range(count)
            ),
        )

    def refresh(self) -> None:
        """Has everything that was stored be found from now on."""
        self.engine.refresh(self.index)

    def read(self, document_id: str, number: int, ordinals: Sequence[int]) -> list[StoredSentence]:
        """Sentences of a document by their ordinals, in order, without those that are not there."""
        sources = self.engine.get_many(
            self.index,
            [sentence_key(number, ordinal) for ordinal in ordinals],
            routing=[str(number)] * len(ordinals),
            realtime=True,
        )
        return [
            stored(node_id(document_id, ordinal), source)
            for ordinal, source in zip(ordinals, sources, strict=True)
            if source is not None
        ]

    def stored_keys(self) -> Iterator[tuple[int, int]]:
        """The number of the document and the ordinal of every sentence that was refreshed, in order."""
        order = [{"number": "asc"}, {"ordinal": "asc"}]
        for hit in self.engine.hits(self.index, {"size": _KEYS_AT_ONCE, "sort": order, "_source": False}):
            number, ordinal = hit["sort"]
            yield number, ordinal


class SearchEngineTexts:
    """Reads sentences by their ids, as `SentenceTexts` does, and keeps those that it read last. Thread-safe.

    What is stored under a number is replaced in one case, when a file gets another name, and that changes the catalog as
    well: `forget` has to be called when the catalog has changed.
    """

    def __init__(self, sentences: SentenceIndex, numbers: Numbers) -> None:
        self._sentences = sentences
        self._numbers = numbers
        self._kept: OrderedDict[str, StoredSentence] = OrderedDict()
        self._absent: set[str] = set()
        self._turn = 0
        self._lock = RenewedLock()

    def get(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """The sentences that are stored, by id, in the order of ``ids``. One request, unless all were read lately."""
        with self._lock:
            turn = self._turn
            known = {identifier: self._kept[identifier] for identifier in ids if identifier in self._kept}
            missing = [one for one in ids if one not in known and one not in self._absent]
        if missing:
            fresh = self._read(missing)
            self.keep(fresh.values(), turn)
            self._keep_absent([one for one in missing if one not in fresh], turn)
            known |= fresh
        return {identifier: known[identifier] for identifier in ids if identifier in known}

    @property
    def turn(self) -> int:
        """How often `forget` was called: what was read before the last time is not to be kept."""
        return self._turn

    def keep(self, sentences: Iterable[StoredSentence], turn: int) -> None:
        """Takes sentences that were read in another way: those who ask for them next get them without a request.

        ``turn`` was read before them.
        """
        with self._lock:
            if turn != self._turn:
                return
            for sentence in sentences:
                self._kept[sentence.node_id] = sentence
                self._kept.move_to_end(sentence.node_id)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def forget(self) -> None:
        """Forgets what was read: something was written since."""
        with self._lock:
            self._turn += 1
            self._kept.clear()
            self._absent.clear()

    def _keep_absent(self, ids: Sequence[str], turn: int) -> None:
        """Remembers that there are no such sentences: neighbours are asked for beyond both ends of a document."""
        with self._lock:
            if turn == self._turn:
                if len(self._absent) + len(ids) > _KEPT:
                    self._absent.clear()
                self._absent.update(ids)

    def _read(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        known = numbered_sentences(ids, self._numbers)
        sources = self._sentences.engine.get_many(
            self._sentences.index,
            [sentence_key(number, ordinal) for _, number, ordinal in known],
            routing=[str(number) for _, number, _ in known],
        )
        return {
            identifier: stored(identifier, source)
            for (identifier, _, _), source in zip(known, sources, strict=True)
            if source is not None
        }

    def close(self) -> None:
        """Nothing is open."""


def stored(identifier: str, source: Mapping[str, Any]) -> StoredSentence:
    """The sentence that a document of the search engine holds."""
    return StoredSentence(identifier, source["text"], source["metadata"], source["start"], source["stop"])


def _sources(
    number: int,
    sentences: Sequence[StoredSentence],
    terms: Sequence[Sequence[str]],
    field: str,
    context: int,
) -> Iterator[dict[str, Any]]:
    """What is stored of the sentences of a document."""
    every = with_neighbours([[indexed_term(term) for term in own] for own in terms], context)
    for (ordinal, sentence), own in zip(_numbered(sentences), every, strict=True):
        yield {
            "number": number,
            "ordinal": ordinal,
            "page": sentence.metadata.get("page"),
            "page_end": sentence.metadata.get("page_end"),
            "text": sentence.text,
            "start": sentence.start_char_idx,
            "stop": sentence.end_char_idx,
            "metadata": sentence.metadata,
            field: " ".join(own),
            f"{field}_count": len(own),
        }


def _numbered(sentences: Iterable[StoredSentence]) -> Iterator[tuple[int, StoredSentence]]:
    for sentence in sentences:
        yield split_node_id(sentence.node_id)[1], sentence
