"""The dense retriever: LlamaIndex's vector retriever within a scope, fair to documents in another language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.indices.vector_store import VectorIndexRetriever, VectorStoreIndex
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.utils import iter_batch
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilters

from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.index.reader import IndexSnapshot
from qa_engine.index.vectors.chroma_rows import DOCUMENT_ID
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.retrieval.filters.conditions import ALWAYS, SentenceTest, as_filters, every
from qa_engine.retrieval.filters.resolution import Scope
from qa_engine.retrieval.hybrid.targets import SearchTarget, best_of
from qa_engine.retrieval.reranking.cross_lingual_offset import DENSE, language_shift

_DEEPER = 4
"""In a collection of several languages, so many times as many sentences are read before their cosines are shifted."""
_DOCUMENTS_AT_ONCE = 5000
"""Chroma hands the ids of a filter to SQLite, which takes 32,766 values in one statement."""


class JoinedVectorRetriever(BaseRetriever):
    """The best sentences of several vector retrievers, whose scores can be compared and which have no sentence in common.

    It takes the best ``depth`` sentences. If it is to be fair to languages, it raises the cosines of those in another one
    than the question's, which is for the local embedding model and collections that mix Chinese with other languages. It
    returns the best ``similarity_top_k``.
    """

    def __init__(
        self, retrievers: Sequence[BaseRetriever], depth: int, similarity_top_k: int, fair: bool
    ) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._retrievers = retrievers
        self._depth = depth
        self._similarity_top_k = similarity_top_k
        self._fair = fair

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # The first retriever puts the vector into the bundle, and the others use it.
        hits = best_of((retriever.retrieve(query_bundle) for retriever in self._retrievers), self._depth)
        if self._fair:
            for hit in hits:
                text = hit.node.get_content()
                hit.score = (hit.score or 0.0) + language_shift(query_bundle.query_str, text, DENSE)
        return best_of([hits], self._similarity_top_k)


def build_dense_retriever(
    targets: Sequence[SearchTarget], embed_model: BaseEmbedding, similarity_top_k: int
) -> BaseRetriever:
    """The dense retriever of one or several collections, which were all embedded with the model.

    It returns at most ``similarity_top_k`` sentences.
    """
    fair = _is_fair(targets, embed_model)
    depth = _DEEPER * similarity_top_k if fair else similarity_top_k
    parts = [
        VectorIndexRetriever(index, similarity_top_k=depth, filters=filters)
        for target in targets
        for index in [_index(target.snapshot, embed_model)]
        for filters in ([None] if target.scope is None else _filters(target.scope))
    ]
    if len(parts) == 1 and not fair:
        return parts[0]
    return JoinedVectorRetriever(parts, depth, similarity_top_k, fair)


def dense_scores(
    targets: Sequence[SearchTarget],
    embed_model: BaseEmbedding,
    query: QueryBundle,
    document_id: str,
    sentences: Mapping[str, str],
) -> dict[str, float]:
    """The scores that sentences of one document have in a dense search.

    Args:
        targets: that are searched.
        embed_model: of the search.
        query: that was searched for, and so has its vector.
        document_id: of the document.
        sentences: the texts of its sentences, by id.
    """
    holding = (
        one for one in targets if one.holds(document_id) and document_id in one.snapshot.bm25.document_ids
    )
    target = next(holding, None)
    if target is None or query.embedding is None:
        return {}
    cosines = target.snapshot.store.cosines(query.embedding, document_id, list(sentences))
    if not _is_fair(targets, embed_model):
        return cosines
    shifts = {key: language_shift(query.query_str, sentences[key], DENSE) for key in cosines}
    return {key: cosine + shifts[key] for key, cosine in cosines.items()}


def _is_fair(targets: Sequence[SearchTarget], embed_model: BaseEmbedding) -> bool:
    snapshots = [target.snapshot for target in targets]
    return _of_several_languages(snapshots) and isinstance(embed_model, LocalEmbedding)


def _index(snapshot: IndexSnapshot, embed_model: BaseEmbedding) -> VectorStoreIndex:
    return VectorStoreIndex.from_vector_store(
        snapshot.store,
        embed_model=embed_model,
        # Both are passed so that LlamaIndex resolves no global setting; reading uses neither.
        callback_manager=CallbackManager(),
        transformations=[SentenceNodeParser()],
    )


def _of_several_languages(snapshots: Sequence[IndexSnapshot]) -> bool:
    """Whether the collections together hold several languages; each of them may hold only one."""
    return all(
        any(snapshot.holds_other_language(chinese) for snapshot in snapshots) for chinese in (True, False)
    )


def _filters(scope: Scope) -> Iterator[MetadataFilters | None]:
    """A scope as filters for a vector store: each sentence of the scope passes exactly one of them."""
    for condition, document_ids in scope.groups():
        if document_ids is None:
            yield None if condition == ALWAYS else as_filters(condition)
            continue
        for batch in iter_batch(document_ids, _DOCUMENTS_AT_ONCE):
            yield as_filters(every([SentenceTest(DOCUMENT_ID, FilterOperator.IN, tuple(batch)), condition]))
