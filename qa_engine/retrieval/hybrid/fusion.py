"""Fuses the results of the dense and the lexical retriever for all queries, and keeps the scores and ranks of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.config import RetrievalConfig
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.expansion.expanded_query import WeightedQuery, queries_of, translated_of
from qa_engine.retrieval.hybrid.lexical import BilingualBM25Retriever
from qa_engine.retrieval.hybrid.search_threads import awaited, search_threads
from qa_engine.types import RANKS, SCORES

_FULL_COVERAGE = 0.35
"""If at least this share of the terms is known, BM25 has its whole weight. Measured shares: 0.57 to 0.93 (5th and 95th
percentile) for Chinese questions on Chinese articles, 0 to 0.11 on English ones."""
_RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""


@dataclass(frozen=True)
class QueryWeights:
    """The weights of one query's results.

    Attributes:
        query: the words that BM25 searches for.
        embedded: the text whose vector is searched for.
        coverage: the share of the query's terms, 0 to 1, that the collection knows, or of its words in the other language if
            that is larger.
        weights: the share of each retriever in the fused score, by its name; the shares of all queries add up to 1. Empty
            for rank fusion, which has no weights.
    """

    query: str
    embedded: str
    coverage: float
    weights: dict[str, float]


class HybridRetriever(QueryFusionRetriever):
    """A `QueryFusionRetriever` whose nodes carry the score and the rank of each retriever in their metadata.

    Only the interface is LlamaIndex's; `fuse` joins the lists. By default, the scores are joined by their distance from the
    mean of their list (``dist_based_score``): on cmrc2018_trial that gave MRR@10 .878 against .868 for reciprocal ranks. The
    weight of BM25 shrinks with the share of the question's terms that the collection does not know: BM25 over English
    documents has little to say to a Chinese question, unless its words are translated.

    The parent asks a language model for further queries; here these are the queries of an `ExpandedQuery`. Each of them
    goes to both retrievers, and has its own weights.

    If they ask servers, both work at the same time; if they compute here, each uses all processors, and they take turns.
    """

    def __init__(
        self,
        retrievers: Mapping[str, BaseRetriever],
        config: RetrievalConfig,
        similarity_top_k: int,
        remote: bool = False,
    ) -> None:
        """Takes the retrievers by name, ``dense`` first, and returns at most ``similarity_top_k`` nodes.

        ``remote`` says that they ask servers.
        """
        self._remote = remote
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

    def translated(self, query: QueryBundle) -> list[TranslatedWord]:
        """The words of the question that BM25 searches for in the other language, too."""
        lexical = (one for one in self._retrievers if isinstance(one, BilingualBM25Retriever))
        return [word for retriever in lexical for word in retriever.translated(query)]

    def weights(self, query: QueryBundle) -> list[QueryWeights]:
        """The weights of each query of a question, the question itself first."""
        queries = queries_of(query)
        rows = [self._weights_and_coverage(one) for one in queries]
        total = sum(sum(weights.values()) for weights, _ in rows)
        described = []
        for one, (weights, coverage) in zip(queries, rows, strict=True):
            shares = {name: weight / total if total else 0.0 for name, weight in weights.items()}
            if self.mode is FUSION_MODES.RECIPROCAL_RANK:
                shares = {}
            described.append(QueryWeights(one.query_str, " ".join(one.embedding_strs), coverage, shares))
        return described

    def _weights_and_coverage(self, query: QueryBundle) -> tuple[dict[str, float], float]:
        """The weights of the retrievers for one query, before they are normalised over all queries, and its coverage."""
        own = query.weight if isinstance(query, WeightedQuery) else 1.0
        weights = {
            name: own * weight for name, weight in zip(self._names, self._retriever_weights, strict=True)
        }
        coverage = 1.0
        for name, retriever in zip(self._names, self._retrievers, strict=True):
            if isinstance(retriever, BilingualBM25Retriever):
                coverage = retriever.coverage(query.query_str)
                if translated := translated_of(query):
                    found = sum(bool(word.translations) for word in retriever.translated(query))
                    coverage = max(coverage, found / len(translated))
                weights[name] *= min(1.0, coverage / _FULL_COVERAGE)
        return weights, coverage

    def lists(self, queries: Sequence[QueryBundle]) -> list[tuple[str, QueryBundle, list[NodeWithScore]]]:
        """What each retriever, by its name, finds for each of some queries; see `queries_of`."""
        searches = product(queries, zip(self._names, self._retrievers, strict=True))
        return [(name, query, retriever.retrieve(query)) for query, (name, retriever) in searches]

    def lexical_scores(self, query: QueryBundle, document_id: str) -> dict[str, float]:
        """The scores of BM25 for the sentences of one document, by id."""
        lexical = (one for one in self._retrievers if isinstance(one, BilingualBM25Retriever))
        return {key: score for one in lexical for key, score in one.scores_within(query, document_id).items()}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        searches = list(product(queries_of(query_bundle), self._retrievers))
        if self._remote and len(self._retrievers) > 1:
            return self._fused(query_bundle, self._at_once(searches))
        return self._fused(query_bundle, [retriever.retrieve(query) for query, retriever in searches])

    def _at_once(self, searches: Sequence[tuple[QueryBundle, BaseRetriever]]) -> list[list[NodeWithScore]]:
        """The results of searches, in order: those of the first retriever are made here, others meanwhile in a thread."""
        first = self._retrievers[0]
        others = [search for search in searches if search[1] is not first]
        thread = search_threads.start(lambda: [retriever.retrieve(query) for query, retriever in others])
        with awaited(thread):
            here = iter([first.retrieve(query) for query, retriever in searches if retriever is first])
            elsewhere = iter(thread.result())
        return [next(here if retriever is first else elsewhere) for _, retriever in searches]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        searches = product(queries_of(query_bundle), self._retrievers)
        found = await asyncio.gather(*(retriever.aretrieve(query) for query, retriever in searches))
        return self._fused(query_bundle, found)

    def _fused(
        self, query_bundle: QueryBundle, results: Sequence[list[NodeWithScore]]
    ) -> list[NodeWithScore]:
        """The best nodes of the results of each retriever, query by query: each once, with its scores and ranks."""
        lists = [
            (name, query.weights.get(name, 1.0))
            for query in self.weights(query_bundle)
            for name in self._names
        ]
        nodes: dict[str, NodeWithScore] = {}
        scores: dict[str, dict[str, float]] = {}
        ranks: dict[str, dict[str, int]] = {}
        for (name, _), result in zip(lists, results, strict=True):
            for rank, hit in enumerate(result, 1):
                score = float(hit.score or 0.0)
                nodes.setdefault(hit.node_id, hit)
                # Of several queries, the best score and rank.
                own_scores = scores.setdefault(hit.node_id, {})
                own_scores[name] = max(score, own_scores.get(name, score))
                own_ranks = ranks.setdefault(hit.node_id, {})
                own_ranks[name] = min(rank, own_ranks.get(name, rank))
        fused = fuse(
            [[(hit.node_id, hit.score or 0.0) for hit in result] for result in results],
            [weight for _, weight in lists],
            self.mode,
        )
        best = list(fused.items())[: self.similarity_top_k]
        for rank, (node_id, score) in enumerate(best, 1):
            nodes[node_id].score = score
            node = nodes[node_id].node
            node.metadata[SCORES] = {**scores[node_id], "fused": score}
            node.metadata[RANKS] = {**ranks[node_id], "fused": rank}
            # Models do not see them. In place, because assigning to a node validates the value.
            node.excluded_embed_metadata_keys.extend((SCORES, RANKS))
            node.excluded_llm_metadata_keys.extend((SCORES, RANKS))
        return [nodes[node_id] for node_id, _ in best]


def fuse(
    lists: Sequence[Sequence[tuple[str, float]]], weights: Sequence[float], mode: FUSION_MODES
) -> dict[str, float]:
    """Joins ranked lists into one.

    This is LlamaIndex's fusion with two differences: entries are the same if their ids are, not if their text and metadata
    are; and each list has its own weight, not each retriever.

    Args:
        lists: ids and scores, best first; an id occurs once in a list.
        weights: the weight of each list; ``reciprocal_rerank`` ignores them.
        mode: ``reciprocal_rerank``, ``relative_score`` or ``dist_based_score``.

    Returns:
        The fused score by id, best first. Entries with equal scores keep the order of the lists.

    Raises:
        ValueError: the mode is another one.
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
    """The scores of one list, scaled so that the lowest is 0 and the highest 1.

    With ``dist_based``, three standard deviations below and above the mean count as the lowest and the highest.
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
