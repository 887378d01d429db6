"""The dense leg: LlamaIndex's vector retriever, within a scope, and fair to documents in another language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.indices.vector_store import VectorIndexRetriever, VectorStoreIndex
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilters

from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.index.reader import IndexSnapshot
from qa_engine.index.vectors.chroma_rows import DOCUMENT_ID
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.retrieval.cross_lingual_offset import dense_shift
from qa_engine.retrieval.filters.conditions import ALWAYS, Place, as_filters, every
from qa_engine.retrieval.filters.resolution import Scope

_DEEPER = 4
"""In a collection of several languages, how many times as many sentences are looked at before the shift."""
_DOCUMENTS_AT_ONCE = 5000
"""Chroma hands the ids of a filter to SQLite, which takes 32,766 values in one statement."""


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


class BestOfRetriever(BaseRetriever):
    """The best of what several retrievers found, whose scores can be compared and who have no sentence in common."""

    def __init__(self, retrievers: Sequence[BaseRetriever], similarity_top_k: int) -> None:
        """
        Args:
            retrievers: may be none.
            similarity_top_k: most sentences to return.
        """
        super().__init__(callback_manager=CallbackManager())
        self._retrievers = retrievers
        self._similarity_top_k = similarity_top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # The first of them puts the vector into the bundle, for the others to use.
        hits = [hit for retriever in self._retrievers for hit in retriever.retrieve(query_bundle)]
        return sorted(hits, key=lambda hit: -(hit.score or 0.0))[: self._similarity_top_k]


def build_dense_retriever(
    snapshots: Sequence[IndexSnapshot],
    embed_model: BaseEmbedding,
    similarity_top_k: int,
    scopes: Sequence[Scope | None],
) -> BaseRetriever:
    """The dense leg of one or several collections.

    Args:
        snapshots: their states.
        embed_model: the model that all of them were embedded with.
        similarity_top_k: most sentences to return.
        scopes: what to search of each; None for all of it.
    """
    fair = _of_several_languages(snapshots) and isinstance(embed_model, LocalEmbedding)
    depth = _DEEPER * similarity_top_k if fair else similarity_top_k
    parts = [
        VectorIndexRetriever(index, similarity_top_k=depth, filters=filters)
        for snapshot, scope in zip(snapshots, scopes, strict=True)
        for index in [_index(snapshot, embed_model)]
        for filters in ([None] if scope is None else _filters(scope))
    ]
    found = parts[0] if len(parts) == 1 else BestOfRetriever(parts, depth)
    return LanguageFairRetriever(found, similarity_top_k) if fair else found


def _index(snapshot: IndexSnapshot, embed_model: BaseEmbedding) -> VectorStoreIndex:
    return VectorStoreIndex.from_vector_store(
        snapshot.store,
        embed_model=embed_model,
        # Given explicitly, so that no global setting is resolved; reading uses neither.
        callback_manager=CallbackManager(),
        transformations=[SentenceNodeParser()],
    )


def _of_several_languages(snapshots: Sequence[IndexSnapshot]) -> bool:
    """Collections of one language each make several languages together, too."""
    if len(snapshots) == 1:
        return snapshots[0].mixed_languages
    return all(
        any(snapshot.holds_other_language(chinese) for snapshot in snapshots) for chinese in (True, False)
    )


def _filters(scope: Scope) -> Iterator[MetadataFilters | None]:
    """A scope for a vector store: together, these filters let through what it admits, each sentence once."""
    for condition, document_ids in scope.groups():
        if document_ids is None:
            yield None if condition == ALWAYS else as_filters(condition)
            continue
        for start in range(0, len(document_ids), _DOCUMENTS_AT_ONCE):
            batch = tuple(document_ids[start : start + _DOCUMENTS_AT_ONCE])
            yield as_filters(every([Place(DOCUMENT_ID, FilterOperator.IN, batch), condition]))
