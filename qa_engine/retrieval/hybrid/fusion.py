"""Joins what the retrievers by vectors and by words found for every query, and keeps the scores and ranks of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.config import RetrievalConfig
from qa_engine.retrieval.expansion.expanded_query import queries_of
from qa_engine.retrieval.hybrid.lexical import BilingualBM25Retriever
from qa_engine.types import RANKS, SCORES

_FULL_COVERAGE = 0.35
"""From this share of known terms on, BM25 has its whole weight. Measured shares: 0.57 to 0.93 (5th and 95th percentile) for
Chinese questions on Chinese articles, 0 to 0.11 on English ones."""
_RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""


@dataclass(frozen=True)
class QueryWeights:
    """How much what one query found counts.

    Attributes:
        query: the words that BM25 searched for.
        embedded: the text whose vector was searched for.
        coverage: the share of the query's terms, 0 to 1, that the collection knows.
        weights: the share of each retriever in the fused score, by its name; those of all queries add up to 1. Empty where
            the lists are joined by rank, which knows no weights.
    """

    query: str
    embedded: str
    coverage: float
    weights: dict[str, float]


class HybridRetriever(QueryFusionRetriever):
    """A `QueryFusionRetriever` whose nodes carry the score and the rank of each retriever in their metadata.

    Only its interface is LlamaIndex's; the lists are joined by `fuse`. By default the scores are joined as z-scores within
    each list (``dist_based_score``): on cmrc2018_trial that gave MRR@10 .878 against .868 for reciprocal ranks. The weight
    of BM25 shrinks with the share of the question's terms that the collection does not know: to a Chinese question, BM25
    over English documents has little to say.

    The queries of an `ExpandedQuery` take the place of those that the parent would ask its language model for: each
    goes to both retrievers, and has weights of its own.
    """

    def __init__(
        self, retrievers: Mapping[str, BaseRetriever], config: RetrievalConfig, similarity_top_k: int
    ) -> None:
        """
        Args:
            retrievers: by name, ``dense`` first.
            config: fusion mode and weights.
            similarity_top_k: most nodes to return.
        """
        self._names = list(retrievers)
        rest = (1 - config.dense_weight) / max(len(retrievers) - 1, 1)
        super().__init__(
            list(retrievers.values()),
            llm=MockLLM(),  # never called with one query; without it an OpenAI model would be resolved
            mode=FUSION_MODES(config.fusion),
            similarity_top_k=similarity_top_k,
            num_queries=1,
            use_async=False,
            retriever_weights=[config.dense_weight if name == "dense" else rest for name in retrievers],
            callback_manager=CallbackManager(),
        )

    def weights(self, query: QueryBundle) -> list[QueryWeights]:
        """The weights of each of the queries that run for a question, the question itself first."""
        by_rank = self.mode is FUSION_MODES.RECIPROCAL_RANK
        queries = queries_of(query)
        weighed = [self._weights_and_coverage(asked.query_str) for asked in queries]
        total = sum(sum(weights.values()) for weights, _ in weighed)
        return [
            QueryWeights(
                asked.query_str,
                " ".join(asked.embedding_strs),
                coverage,
                {}
                if by_rank
                else {name: weight / total if total else 0.0 for name, weight in weights.items()},
            )
            for asked, (weights, coverage) in zip(queries, weighed, strict=True)
        ]

    def _weights_and_coverage(self, query: str) -> tuple[dict[str, float], float]:
        """The weight of each retriever for one query, before those of all add up to 1, and the coverage of the query."""
        weights = {}
        coverage = 1.0
        for name, retriever, weight in zip(
            self._names, self._retrievers, self._retriever_weights, strict=True
        ):
            if isinstance(retriever, BilingualBM25Retriever):
                coverage = retriever.coverage(query)
                weight *= min(1.0, coverage / _FULL_COVERAGE)
            weights[name] = weight
        return weights, coverage

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._fused(
            query_bundle,
            [
                retriever.retrieve(query)
                for query in queries_of(query_bundle)
                for retriever in self._retrievers
            ],
        )

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._fused(
            query_bundle,
            await asyncio.gather(
                *(
                    retriever.aretrieve(query)
                    for query in queries_of(query_bundle)
                    for retriever in self._retrievers
                )
            ),
        )

    def _fused(
        self, query_bundle: QueryBundle, results: Sequence[list[NodeWithScore]]
    ) -> list[NodeWithScore]:
        """The best nodes of all lists, each once, with their scores and ranks.

        Args:
            query_bundle: the question.
            results: what each retriever found, query by query.
        """
        lists = [
            (name, asked.weights.get(name, 1.0))
            for asked in self.weights(query_bundle)
            for name in self._names
        ]
        nodes: dict[str, NodeWithScore] = {}
        scores: dict[str, dict[str, float]] = {}
        ranks: dict[str, dict[str, int]] = {}
        for (name, _), result in zip(lists, results, strict=True):
            for rank, node in enumerate(result, 1):
                score = float(node.score or 0.0)
                nodes.setdefault(node.node_id, node)
                # Of several queries, the best score and rank.
                own_scores = scores.setdefault(node.node_id, {})
                own_scores[name] = max(score, own_scores.get(name, score))
                own_ranks = ranks.setdefault(node.node_id, {})
                own_ranks[name] = min(rank, own_ranks.get(name, rank))
        fused = fuse(
            [[(node.node_id, node.score or 0.0) for node in result] for result in results],
            [weight for _, weight in lists],
            self.mode,
        )
        best = list(fused.items())[: self.similarity_top_k]
        for rank, (node_id, score) in enumerate(best, 1):
            _annotate(
                nodes[node_id],
                score,
                {**scores[node_id], "fused": score},
                {**ranks[node_id], "fused": rank},
            )
        return [nodes[node_id] for node_id, _ in best]


def fuse(
    lists: Sequence[Sequence[tuple[str, float]]], weights: Sequence[float], mode: FUSION_MODES
) -> dict[str, float]:
    """Joins ranked lists into one.

    LlamaIndex's fusion, with two differences: an entry is known by its id, where LlamaIndex takes those for one whose text
    and metadata are equal; and each list has a weight of its own, not each retriever.

    Args:
        lists: ids and scores, best first; an id occurs once in a list.
        weights: how much each list counts; ``reciprocal_rerank`` knows none.
        mode: ``reciprocal_rerank``, ``relative_score`` or ``dist_based_score``.

    Returns:
        The fused score by id, best first. Of equal ones, that which came first in the lists goes first.

    Raises:
        ValueError: another mode.
    """
    fused: dict[str, float] = {}
    for entries, weight in zip(lists, weights, strict=True):
        if mode is FUSION_MODES.RECIPROCAL_RANK:
            entries = sorted(entries, key=lambda entry: entry[1], reverse=True)
            parts = [1 / (rank + _RRF_K) for rank in range(len(entries))]
        elif mode in {FUSION_MODES.RELATIVE_SCORE, FUSION_MODES.DIST_BASED_SCORE}:
            scores = [score for _, score in entries]
            parts = [part * weight for part in _to_unit(scores, mode is FUSION_MODES.DIST_BASED_SCORE)]
        else:
            raise ValueError(f"{mode!r} is no fusion of ranked lists: choose one of RetrievalConfig.fusion.")
        for (name, _), part in zip(entries, parts, strict=True):
            fused[name] = fused.get(name, 0.0) + part
    return dict(sorted(fused.items(), key=lambda entry: -entry[1]))


def _to_unit(scores: Sequence[float], dist_based: bool) -> list[float]:
    """Where each score lies between the lowest, 0, and the highest, 1.

    Args:
        scores: of one list.
        dist_based: whether three standard deviations below and above the mean stand for the lowest and the highest.
    """
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


def _annotate(node: NodeWithScore, score: float, scores: dict[str, float], ranks: dict[str, int]) -> None:
    """Gives a node its fused score, and the scores and ranks by stage, which models do not see."""
    node.score = score
    node.node.metadata[SCORES] = scores
    node.node.metadata[RANKS] = ranks
    # In place: what is assigned to a node is validated.
    node.node.excluded_embed_metadata_keys.extend((SCORES, RANKS))
    node.node.excluded_llm_metadata_keys.extend((SCORES, RANKS))
