"""The dense leg: LlamaIndex's vector retriever, made fair to documents in another language than the question."""

from __future__ import annotations

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.indices.vector_store import VectorIndexRetriever, VectorStoreIndex
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.documents.node_parser import SentenceNodeParser
from qa_engine.index.reader import IndexSnapshot
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.retrieval.language_shift import dense_shift

_DEEPER = 4
"""In a collection of several languages, how many times as many sentences are looked at before the shift."""


class LanguageFairRetriever(BaseRetriever):
    """Looks deeper than asked, raises the cosine of sentences in the other language, and returns the best.

    For the local embedding model and collections that mix Chinese with other languages.
    """

    def __init__(self, retriever: BaseRetriever, similarity_top_k: int) -> None:
        """
        Args:
            retriever: returns more sentences than wanted.
            similarity_top_k: most sentences to return.
        """
        super().__init__(callback_manager=CallbackManager())
        self._retriever = retriever
        self._similarity_top_k = similarity_top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._retriever.retrieve(query_bundle)
        for hit in hits:
            hit.score = (hit.score or 0.0) + dense_shift(query_bundle.query_str, hit.node.get_content())
        return sorted(hits, key=lambda hit: -(hit.score or 0.0))[: self._similarity_top_k]


def build_dense_retriever(
    snapshot: IndexSnapshot, embed_model: BaseEmbedding, similarity_top_k: int
) -> BaseRetriever:
    """The dense leg of a snapshot for the model that it was embedded with."""
    index = VectorStoreIndex.from_vector_store(
        snapshot.store,
        embed_model=embed_model,
        # Given explicitly, so that no global setting is resolved; reading uses neither.
        callback_manager=CallbackManager(),
        transformations=[SentenceNodeParser()],
    )
    if not (snapshot.mixed_languages and isinstance(embed_model, LocalEmbedding)):
        return VectorIndexRetriever(index, similarity_top_k=similarity_top_k)
    deep = VectorIndexRetriever(index, similarity_top_k=_DEEPER * similarity_top_k)
    return LanguageFairRetriever(deep, similarity_top_k)
