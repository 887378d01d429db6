"""The lexical leg: a LlamaIndex retriever over a `Bm25Index`."""

from __future__ import annotations

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.index.analyser import analyse
from qa_engine.index.bm25 import Bm25Index
from qa_engine.index.vector_store import SentenceVectorStore


class BilingualBM25Retriever(BaseRetriever):
    """BM25 over Chinese and English sentences; rows without a matching term are never returned.

    The stock retriever takes a run of Han characters for one token and fills up with rows of score 0, which rank
    fusion then takes for hits: MRR@10 of the stock hybrid on Chinese questions was 0.40, against 0.97 with this one.
    """

    def __init__(self, index: Bm25Index, store: SentenceVectorStore, similarity_top_k: int = 50) -> None:
        """
        Args:
            index: the terms.
            store: where the texts of the hits are.
            similarity_top_k: most sentences to return.
        """
        super().__init__(callback_manager=CallbackManager())
        self._index = index
        self._store = store
        self._similarity_top_k = similarity_top_k

    def coverage(self, question: str) -> float:
        """The share of the question's terms, 0 to 1, that occur anywhere in the collection."""
        return self._index.coverage(analyse(question))

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._index.search(analyse(query_bundle.query_str), self._similarity_top_k)
        nodes = self._store.sentences([hit.node_id for hit in hits])
        # A sentence that a writer has just replaced is in the index and no longer in the store.
        return [
            NodeWithScore(node=nodes[hit.node_id], score=hit.score) for hit in hits if hit.node_id in nodes
        ]
