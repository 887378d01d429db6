"""The lexical leg: a LlamaIndex retriever over a `Bm25Index`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.documents.sentences.node_ids import split_node_id
from qa_engine.index.bm25.index import Bm25Hit, Bm25Index, TermStatistics
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.retrieval.filters.conditions import holds
from qa_engine.retrieval.filters.resolution import Scope
from qa_engine.text.tokenizer import tokenize

_GROWTH = 4
"""How many times as many sentences are looked at next, if too few of the best satisfy the filter."""
_REMEMBERED = 16
"""Questions whose terms stay looked up: those that are being answered, in several threads."""


class BilingualBM25Retriever(BaseRetriever):
    """BM25 over Chinese and English sentences; rows without a matching term are never returned.

    The stock retriever takes a run of Han characters for one token and fills up with rows of score 0, which rank
    fusion then takes for hits: MRR@10 of the stock hybrid on Chinese questions was 0.40, against 0.97 with this one.
    """

    def __init__(
        self,
        index: Bm25Index,
        store: SentenceVectorStore,
        similarity_top_k: int = 50,
        scope: Scope | None = None,
    ) -> None:
        """
        Args:
            index: the terms.
            store: where the texts of the hits are.
            similarity_top_k: most sentences to return.
            scope: the documents and sentences to search; None for all.
        """
        super().__init__(callback_manager=CallbackManager())
        self._index = index
        self._store = store
        self._similarity_top_k = similarity_top_k
        self._scope = scope
        self._rows = None if scope is None else index.rows_of(scope.conditions)
        # The weights of the legs are worked out from what the search has looked up.
        self._found = lru_cache(maxsize=_REMEMBERED)(lambda question: index.look_up(tokenize(question)))

    def coverage(self, question: str) -> float:
        """The share of the question's terms, 0 to 1, that occur anywhere in the collection."""
        return self._found(question).coverage

    def known_terms(self, question: str) -> list[str]:
        """Those of the question's terms that occur anywhere in the collection."""
        return self._found(question).known

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._found(query_bundle.query_str)
        if self._scope is None:
            return list(self._fetched(self._index.search(found, self._similarity_top_k)))
        return self._within(self._scope, found)

    def _fetched(self, hits: Sequence[Bm25Hit]) -> Iterator[NodeWithScore]:
        nodes = self._store.sentences([hit.node_id for hit in hits])
        for hit in hits:
            # A sentence that a writer has just replaced is in the index and no longer in the store.
            if hit.node_id in nodes:
                yield NodeWithScore(node=nodes[hit.node_id], score=hit.score)

    def _within(self, scope: Scope, terms: TermStatistics) -> list[NodeWithScore]:
        """The best sentences of the scope. Pages and sections stand with the sentences, so these are fetched to be told."""
        seen: set[str] = set()
        found: list[NodeWithScore] = []
        depth = self._similarity_top_k
        while True:
            hits = self._index.search(terms, depth, self._rows)
            fresh = [hit for hit in hits if hit.node_id not in seen]
            seen.update(hit.node_id for hit in fresh)
            found += [
                node
                for node in self._fetched(fresh)
                if holds(scope.conditions[split_node_id(node.node_id)[0]], node.node.metadata)
            ]
            if len(found) >= self._similarity_top_k or len(hits) < depth:
                return found[: self._similarity_top_k]
            depth *= _GROWTH
