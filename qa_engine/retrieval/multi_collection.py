"""Several collections as one: sentences, token vectors and the lexical leg."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.documents.sentences.node_ids import split_node_id
from qa_engine.index.reader import IndexSnapshot
from qa_engine.index.records import StoredSentence
from qa_engine.index.vectors.token_store import StoredTokens
from qa_engine.retrieval.filters.resolution import Scope
from qa_engine.retrieval.lexical import BilingualBM25Retriever
from qa_engine.text.tokenizer import tokenize

Found = TypeVar("Found")


def _look_up(
    ids: Sequence[str], sources: Iterable[tuple[Callable[[Sequence[str]], dict[str, Found]], Scope | None]]
) -> dict[str, Found]:
    """What is known about sentences, each from the first collection whose scope has its document."""
    found: dict[str, Found] = {}
    for get, scope in sources:
        wanted = [
            identifier
            for identifier in ids
            if identifier not in found and (scope is None or split_node_id(identifier)[0] in scope.conditions)
        ]
        found |= get(wanted)
    return found


class JoinedSentences:
    """The sentences of several collections."""

    def __init__(self, snapshots: Sequence[IndexSnapshot], scopes: Sequence[Scope | None]) -> None:
        """
        Args:
            snapshots: of the collections; one that comes first goes first where two have the same document.
            scopes: the part of each that counts.
        """
        self._sources = [
            (snapshot.store.stored_sentences, scope)
            for snapshot, scope in zip(snapshots, scopes, strict=True)
        ]

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """Those of the sentences that exist, by id."""
        return _look_up(ids, self._sources)


class JoinedTokens:
    """The token vectors of several collections, all in one code."""

    def __init__(self, stores: Sequence[StoredTokens], scopes: Sequence[Scope | None]) -> None:
        self.codec = stores[0].codec
        self._sources = [(store.get, scope) for store, scope in zip(stores, scopes, strict=True)]

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of those of the sentences that are there."""
        return _look_up(node_ids, self._sources)


def joined_tokens(snapshots: Sequence[IndexSnapshot], scopes: Sequence[Scope | None]) -> StoredTokens | None:
    """The stored token vectors of the collections; None unless all keep them, in the same code."""
    stores = [snapshot.tokens for snapshot in snapshots if snapshot.tokens is not None]
    if len(stores) < len(snapshots):
        return None
    if len(stores) == 1:
        return stores[0]
    first = stores[0].codec
    alike = all(
        store.codec.bits == first.bits and np.allclose(store.codec.centre, first.centre, atol=1e-4)
        for store in stores
    )
    return JoinedTokens(stores, scopes) if alike else None


class JoinedBM25Retriever(BilingualBM25Retriever):
    """The lexical leg of several collections: the best scores of all.

    Each collection weighs a word by how rare it is there, so scores of different collections are comparable as far as
    their texts are alike.
    """

    def __init__(
        self, snapshots: Sequence[IndexSnapshot], similarity_top_k: int, scopes: Sequence[Scope | None]
    ) -> None:
        """
        Args:
            snapshots: of the collections.
            similarity_top_k: most sentences to return.
            scopes: the part of each to search.
        """
        first = snapshots[0]
        super().__init__(first.bm25, first.store, similarity_top_k)
        self._parts = [
            BilingualBM25Retriever(snapshot.bm25, snapshot.store, similarity_top_k, scope)
            for snapshot, scope in zip(snapshots, scopes, strict=True)
        ]

    def coverage(self, question: str) -> float:
        """The share of the question's terms, 0 to 1, that occur in any of the collections."""
        terms = set(tokenize(question))
        known = {term for part in self._parts for term in part.known_terms(question)}
        return len(known) / len(terms) if terms else 0.0

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = [hit for part in self._parts for hit in part.retrieve(query_bundle)]
        return sorted(hits, key=lambda hit: -(hit.score or 0.0))[: self._similarity_top_k]


def build_bm25_retriever(
    snapshots: Sequence[IndexSnapshot], similarity_top_k: int, scopes: Sequence[Scope | None]
) -> BilingualBM25Retriever:
    """The lexical leg of one or several collections, see `JoinedBM25Retriever`."""
    if len(snapshots) > 1:
        return JoinedBM25Retriever(snapshots, similarity_top_k, scopes)
    return BilingualBM25Retriever(snapshots[0].bm25, snapshots[0].store, similarity_top_k, scopes[0])
