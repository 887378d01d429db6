"""Merges the dense and the lexical leg, and keeps what each of them said."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore

from qa_engine.config import RetrievalConfig
from qa_engine.retrieval.bm25_retriever import BilingualBM25Retriever

SCORES = "scores"
"""Metadata key of the scores of a node by stage: ``dense`` (cosine), ``bm25``, ``fused``, then ``rerank``."""

_FULL_COVERAGE = 0.35
"""From this share of known terms on, the lexical leg has its whole weight. Measured shares: 0.57 to 0.93 (5th and 95th
percentile) for Chinese questions on Chinese articles, 0 to 0.11 on English ones."""

Results = dict[tuple[str, int], list[NodeWithScore]]


class HybridRetriever(QueryFusionRetriever):
    """A `QueryFusionRetriever` whose nodes carry the score of each leg in their metadata.

    Scores are joined as z-scores within each leg (``dist_based_score``): on cmrc2018_trial that gave MRR@10 .878
    against .868 for reciprocal ranks. The weight of the lexical leg shrinks with the share of the question's terms
    that the collection does not know: to a Chinese question, BM25 over English documents has little to say.
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

    def _relative_score_fusion(
        self, results: Results, dist_based: bool | None = False
    ) -> list[NodeWithScore]:
        legs = self._legs_by_node(results)
        with _told_apart(results):
            fused = QueryFusionRetriever._relative_score_fusion(self._weighted(results), results, dist_based)
        return _annotate(fused, legs)

    def _reciprocal_rerank_fusion(self, results: Results) -> list[NodeWithScore]:
        legs = self._legs_by_node(results)
        with _told_apart(results):
            fused = super()._reciprocal_rerank_fusion(results)
        return _annotate(fused, legs)

    def _weighted(self, results: Results) -> HybridRetriever:
        """This retriever with the weights that fit the question. A copy, since other threads use this one."""
        questions = {question for question, _ in results}
        weights = []
        for leg, weight in zip(self._retrievers, self._retriever_weights, strict=True):
            if isinstance(leg, BilingualBM25Retriever):
                coverage = max((leg.coverage(question) for question in questions), default=0.0)
                weight *= min(1.0, coverage / _FULL_COVERAGE)
            weights.append(weight)
        total = sum(weights)
        weighted = copy.copy(self)
        if total > 0:
            weighted._retriever_weights = [weight / total for weight in weights]
        return weighted

    def _legs_by_node(self, results: Results) -> dict[str, dict[str, float]]:
        """Fusion overwrites scores in place, so they are read before."""
        found: dict[str, dict[str, float]] = {}
        for (_, leg), nodes in results.items():
            for node in nodes:
                found.setdefault(node.node_id, {})[self._leg_names[leg]] = float(node.score or 0.0)
        return found


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


def _annotate(nodes: list[NodeWithScore], legs: dict[str, dict[str, float]]) -> list[NodeWithScore]:
    for node in nodes:
        scores: dict[str, Any] = dict(legs.get(node.node_id, {}))
        scores["fused"] = float(node.score or 0.0)
        node.node.metadata[SCORES] = scores
        node.node.excluded_embed_metadata_keys.append(SCORES)
        node.node.excluded_llm_metadata_keys.append(SCORES)
    return nodes
