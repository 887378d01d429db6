"""Prefers the documents that a question names: a search within them joins the fusion, and their passages go first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.config import RetrievalConfig
from qa_engine.documents.sentences.node_ids import split_node_id
from qa_engine.retrieval.expansion.expanded_query import queries_of
from qa_engine.retrieval.filters.conditions import ALWAYS, Condition
from qa_engine.retrieval.filters.resolution import Scope
from qa_engine.retrieval.hybrid.dense import build_dense_retriever, dense_scores
from qa_engine.retrieval.hybrid.fusion import HybridRetriever
from qa_engine.retrieval.hybrid.lexical import build_bm25_retriever
from qa_engine.retrieval.hybrid.targets import SearchTarget
from qa_engine.retrieval.naming.identity_index import IdentityIndex, NamedDocuments
from qa_engine.retrieval.page_trace import SentenceList, TracedPage
from qa_engine.types import RANKS, SCORES, passage_of, with_changes

_FUSED, _RERANKED = 1.0, 2.0
"""What a preferred document adds to the fused score of a sentence, which is 0 to 1, and to the final score of a passage,
a mean of z-scores; what a document that is set aside loses."""
_NEWEST = 1.0
_ELSEWHERE = 12
"""So many sentences outside of the named documents are looked at."""
_MOST_SCOPED = 1000
"""More documents than these are not searched on their own: the filter would take longer than the search."""


def hybrid_retriever(
    targets: Sequence[SearchTarget], embed_model: BaseEmbedding, config: RetrievalConfig
) -> HybridRetriever:
    """The retriever of sentences by vectors and by BM25, over all targets together."""
    return HybridRetriever(
        {
            "dense": build_dense_retriever(targets, embed_model, config.dense_top_k),
            "bm25": build_bm25_retriever(targets, config.bm25_top_k),
        },
        config,
        similarity_top_k=config.dense_top_k + config.bm25_top_k,
        remote=any(target.snapshot.store.is_remote for target in targets),
    )


@dataclass(frozen=True)
class DocumentSearch:
    """A search for sentences.

    Attributes:
        retriever: searches.
        query: that it searches for.
        targets: that it searches.
    """

    retriever: HybridRetriever
    query: QueryBundle
    targets: Sequence[SearchTarget]


class DocumentPreference:
    """Finds the documents that a question names, and prefers them. A question that names none is left as it is."""

    def __init__(
        self,
        targets: Sequence[SearchTarget],
        embed_model: BaseEmbedding,
        config: RetrievalConfig,
        identities: IdentityIndex | None,
    ) -> None:
        """``identities`` may have more documents than the targets."""
        self._targets = targets
        self._embed_model = embed_model
        self._config = config
        self._identities = identities
        self._lexical = (
            HybridRetriever({"bm25": build_bm25_retriever(targets, _ELSEWHERE)}, config, _ELSEWHERE)
            if config.dense_weight < 1
            else None
        )
        self._scopes = list(map(_scope, targets))
        self._all: Set[str] = {document for scope in self._scopes for document in scope.conditions}

    def named(self, query: QueryBundle) -> NamedDocuments:
        """The documents that a question names, among those that are searched."""
        if self._identities is None:
            return NamedDocuments()
        return self._identities.named(query.query_str, self._all)

    def hits(
        self, named: NamedDocuments, query: QueryBundle, everywhere: HybridRetriever
    ) -> list[NodeWithScore]:
        """The sentences for a question, best first.

        The documents it names are searched with the words that do not name them, since a company's name pulls towards the
        pages that repeat it, such as the auditor's; the others with all of its words, and by BM25 alone: a second search by
        vectors took half as long again as the whole question.
        """
        found = [one.retriever.retrieve(one.query) for one in self.searches(named, query, everywhere)]
        if not named or len(named.preferred) == len(self._all):
            return found[0]
        return _joined(found[0], found[1] if len(found) > 1 else [], named)

    def searches(
        self, named: NamedDocuments, query: QueryBundle, everywhere: HybridRetriever
    ) -> list[DocumentSearch]:
        """The searches for a question: one; or that in the documents it names, and that of all others."""
        if not named:
            return [DocumentSearch(everywhere, query, self._targets)]
        asked = named.question(query)
        within = named.preferred or self._all - named.set_aside
        if len(named.preferred) == len(self._all) or len(within) > _MOST_SCOPED:
            return [DocumentSearch(everywhere, asked, self._targets)]
        targets = self._targets_within(within)
        own = hybrid_retriever(targets, self._embed_model, self._config)
        return [
            DocumentSearch(own, asked, targets),
            DocumentSearch(self._lexical or everywhere, query, self._targets),
        ]

    def lists(self, search: DocumentSearch, page: TracedPage) -> Iterator[SentenceList]:
        """What a search finds for each query of its question, with the scores of the sentences of a page."""
        texts = {sentence.node_id: sentence.text for sentence in page.sentences}
        for name, query, hits in search.retriever.lists(queries_of(search.query)):
            if name == "dense":
                scores = dense_scores(search.targets, self._embed_model, query, page.document_id, texts)
            else:
                scores = search.retriever.lexical_scores(query, page.document_id)
            yield SentenceList(name, query.query_str, hits, scores)

    def ordered(
        self,
        named: NamedDocuments,
        passages: Sequence[NodeWithScore],
        query: QueryBundle,
        compared: QueryBundle,
    ) -> list[NodeWithScore]:
        """Reranked passages with those of preferred documents first, unless others are much better.

        What the passages were ``compared`` with stands for the question: the words that it lacks are true of the documents.
        """
        if not named:
            return list(passages)
        changed = []
        for node in passages:
            passage = passage_of(node)
            score = (passage.score or 0.0) + _RERANKED * weight(named, passage.document_id)
            changes: dict[str, Any] = {"score": score}
            if passage.compared_with == compared.query_str and compared.query_str == named.focus:
                changes["compared_with"] = query.query_str
            changed.append(with_changes(node, passage, **changes))
        return sorted(changed, key=lambda node: -(node.score or 0.0))

    def _targets_within(self, documents: Set[str]) -> list[SearchTarget]:
        return [
            replace(target, scope=Scope(conditions, complete=False, files=scope.files))
            for target, scope in zip(self._targets, self._scopes, strict=True)
            if (conditions := _part(scope.conditions, documents))
        ]


def weight(named: NamedDocuments, document_id: str) -> float:
    """1 for a preferred document, a little more for the newest of several, -1 for one that is set aside, else 0."""
    preferred = float(document_id in named.preferred) + _NEWEST * (document_id in named.newest)
    return preferred - float(document_id in named.set_aside)


def _scope(target: SearchTarget) -> Scope:
    """The scope of a target that has none: all that it holds."""
    return target.scope or Scope(dict.fromkeys(target.snapshot.bm25.document_ids, ALWAYS), complete=True)


def _part(conditions: Mapping[str, Condition], documents: Set[str]) -> dict[str, Condition]:
    return {document: condition for document, condition in conditions.items() if document in documents}


def _joined(
    own: Sequence[NodeWithScore], others: Sequence[NodeWithScore], named: NamedDocuments
) -> list[NodeWithScore]:
    """The hits within the named documents and those everywhere, each sentence once, by their fused scores."""
    hits: dict[str, NodeWithScore] = {}
    for hit in (*own, *others):
        known = hits.setdefault(hit.node_id, hit)
        if known is not hit:
            known.score = max(known.score or 0.0, hit.score or 0.0)
            for key, better in ((SCORES, max), (RANKS, min)):
                mine, other = known.node.metadata[key], hit.node.metadata[key]
                known.node.metadata[key] = {
                    stage: better(mine.get(stage, other.get(stage)), other.get(stage, mine.get(stage)))
                    for stage in {**mine, **other}
                }
    for hit in hits.values():
        hit.score = (hit.score or 0.0) + _FUSED * weight(named, split_node_id(hit.node_id)[0])
        hit.node.metadata[SCORES]["fused"] = hit.score
    ranked = sorted(hits.values(), key=lambda hit: -(hit.score or 0.0))
    for rank, hit in enumerate(ranked, 1):
        hit.node.metadata[RANKS]["fused"] = rank
    return ranked
