"""Merges what the dense and the lexical leg found for every query, and keeps what each of them said."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.config import RetrievalConfig
from qa_engine.retrieval.expansion.expanded_query import queries_of
from qa_engine.retrieval.lexical import BilingualBM25Retriever

SCORES = "scores"
"""Metadata key of the scores of a node by stage: ``dense`` (cosine), ``bm25``, ``fused``, then ``rerank``."""
RANKS = "ranks"
"""Metadata key of the places (from 1) that a node took in the lists of the same stages."""

_FULL_COVERAGE = 0.35
"""From this share of known terms on, the lexical leg has its whole weight. Measured shares: 0.57 to 0.93 (5th and 95th
percentile) for Chinese questions on Chinese articles, 0 to 0.11 on English ones."""

Results = dict[tuple[str, int], list[NodeWithScore]]


@dataclass(frozen=True)
class QueryWeights:
    """How much what one query found counts.

    Attributes:
        query: the words that BM25 searched for.
        embedded: the text whose vector the dense leg searched for.
        coverage: the share of the query's terms, 0 to 1, that the collection knows.
        weights: the share of each leg in the fused score, by its name; those of all queries add up to 1. Empty where the
            lists are joined by rank, which knows no weights.
    """

    query: str
    embedded: str
    coverage: float
    weights: dict[str, float]


class HybridRetriever(QueryFusionRetriever):
    """A `QueryFusionRetriever` whose nodes carry the score and the rank of each leg in their metadata.

    Scores are joined as z-scores within each leg (``dist_based_score``): on cmrc2018_trial that gave MRR@10 .878
    against .868 for reciprocal ranks. The weight of the lexical leg shrinks with the share of the question's terms
    that the collection does not know: to a Chinese question, BM25 over English documents has little to say.

    The queries of an `ExpandedQuery` take the place of those that the parent would ask its language model for: each
    runs in both legs, and has weights of its own.
    """

    def __init__(
        self, legs: Mapping[str, BaseRetriever], config: RetrievalConfig, similarity_top_k: int
    ) -> None:
        """
        Args:
            legs: the retrievers by name, ``dense`` first.
            config: fusion mode and weights.
            similarity_top_k: most nodes to return.
        """
        self._leg_names = list(legs)
        self._query = QueryBundle("")
        rest = (1 - config.dense_weight) / max(len(legs) - 1, 1)
        weights = [config.dense_weight if name == "dense" else rest for name in legs]
        super().__init__(
            list(legs.values()),
            llm=MockLLM(),  # never called with one query; without it an OpenAI model would be resolved
            mode=FUSION_MODES(config.fusion),
            similarity_top_k=similarity_top_k,
            num_queries=1,
            use_async=False,
            retriever_weights=weights,
            callback_manager=CallbackManager(),
        )

    def weights(self, query: QueryBundle) -> list[QueryWeights]:
        """The weights of each of the queries that run for a question, the question itself first."""
        by_rank = self.mode is FUSION_MODES.RECIPROCAL_RANK
        found = []
        for asked in queries_of(query):
            weights, coverage = self._leg_weights(asked.query_str)
            found.append((asked, coverage, {} if by_rank else weights))
        total = sum(sum(weights.values()) for _, _, weights in found)
        return [
            QueryWeights(
                asked.query_str,
                " ".join(asked.embedding_strs),
                coverage,
                {leg: weight / total if total else 0.0 for leg, weight in weights.items()},
            )
            for asked, coverage, weights in found
        ]

    def _leg_weights(self, query: str) -> tuple[dict[str, float], float]:
        """The weight of each leg for one query before they are made to add up to 1, and the coverage."""
        weights = {}
        known = 1.0
        for name, leg, weight in zip(self._leg_names, self._retrievers, self._retriever_weights, strict=True):
            if isinstance(leg, BilingualBM25Retriever):
                known = leg.coverage(query)
                weight *= min(1.0, known / _FULL_COVERAGE)
            weights[name] = weight
        return weights, known

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return QueryFusionRetriever._retrieve(self._asked(query_bundle), query_bundle)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await QueryFusionRetriever._aretrieve(self._asked(query_bundle), query_bundle)

    def _asked(self, query: QueryBundle) -> HybridRetriever:
        """This retriever with the further queries of a question. A copy, since other threads use this one."""
        asked = copy.copy(self)
        asked._query = query
        asked.num_queries = len(queries_of(query))
        return asked

    def _get_queries(self, original_query: str) -> list[QueryBundle]:
        return queries_of(self._query)[1:]

    async def _aget_queries(self, original_query: str) -> list[QueryBundle]:
        return queries_of(self._query)[1:]

    def _relative_score_fusion(
        self, results: Results, dist_based: bool | None = False
    ) -> list[NodeWithScore]:
        """As the parent does it, but nodes are told apart by their ids, and each list has a weight of its own.

        The parent knows a weight for each leg; it takes nodes for one whose text and metadata are equal, and makes a hash of
        them for that, which takes longer than all the rest.
        """
        legs = self._legs_by_node(results)
        by_query = {given.query: given.weights for given in self.weights(self._query)}
        found: dict[str, NodeWithScore] = {}
        scores: dict[str, float] = {}
        for (query, leg), nodes in results.items():
            weight = by_query[query][self._leg_names[leg]]
            for node, share in zip(nodes, _shares(nodes, bool(dist_based)), strict=True):
                found.setdefault(node.node_id, node)
                scores[node.node_id] = scores.get(node.node_id, 0.0) + share * weight
        for name, node in found.items():
            node.score = scores[name]
        return _annotate(sorted(found.values(), key=lambda node: -scores[node.node_id]), legs)

    def _reciprocal_rerank_fusion(self, results: Results) -> list[NodeWithScore]:
        legs = self._legs_by_node(results)
        with _told_apart(results):
            fused = super()._reciprocal_rerank_fusion(results)
        return _annotate(fused, legs)

    def _legs_by_node(self, results: Results) -> dict[str, _Said]:
        """Fusion overwrites scores in place, so they are read before. Of several queries, the best score and rank."""
        found: dict[str, _Said] = {}
        for (_, leg), nodes in results.items():
            name = self._leg_names[leg]
            for rank, node in enumerate(nodes, 1):
                said = found.setdefault(node.node_id, _Said({}, {}))
                score = float(node.score or 0.0)
                said.scores[name] = max(score, said.scores.get(name, score))
                said.ranks[name] = min(rank, said.ranks.get(name, rank))
        return found


@dataclass
class _Said:
    """What the legs said about a node."""

    scores: dict[str, float]
    ranks: dict[str, int]


def _shares(nodes: Sequence[NodeWithScore], dist_based: bool) -> list[float]:
    """Where the score of each node lies between the lowest, 0, and the highest, 1.

    Args:
        nodes: of one list.
        dist_based: whether three standard deviations below and above the mean stand for the lowest and the highest.
    """
    scores = [node.score or 0.0 for node in nodes]
    if not scores:
        return []
    low, high = min(scores), max(scores)
    if dist_based:
        mean = sum(scores) / len(scores)
        deviation = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
        low, high = mean - 3 * deviation, mean + 3 * deviation
    if low == high:
        return [1.0 if high > 0 else 0.0] * len(scores)
    return [(score - low) / (high - low) for score in scores]


@contextmanager
def _told_apart(results: Results) -> Iterator[None]:
    """Fusion takes nodes for one whose text and metadata are equal, to the order of the keys: here, those of one id."""
    kept = [(node.node, node.node.metadata) for nodes in results.values() for node in nodes]
    for node, _ in kept:
        node.metadata = {"id": node.node_id}
    try:
        yield
    finally:
        for node, metadata in kept:
            node.metadata = metadata


def _annotate(nodes: list[NodeWithScore], legs: Mapping[str, _Said]) -> list[NodeWithScore]:
    for rank, node in enumerate(nodes, 1):
        said = legs[node.node_id]
        node.node.metadata[SCORES] = {**said.scores, "fused": float(node.score or 0.0)}
        node.node.metadata[RANKS] = {**said.ranks, "fused": rank}
        # In place: what is assigned to a node is validated.
        node.node.excluded_embed_metadata_keys.extend((SCORES, RANKS))
        node.node.excluded_llm_metadata_keys.extend((SCORES, RANKS))
    return nodes
