"""The one way from a question to ranked passages; search, answers and evaluation all take it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.config import RetrievalConfig
from qa_engine.index.reader import IndexSnapshot
from qa_engine.retrieval.dense import build_dense_retriever
from qa_engine.retrieval.expansion.expanded_query import Expansion, expansion_of, in_language_of
from qa_engine.retrieval.filters.resolution import Scope
from qa_engine.retrieval.fusion import RANKS, SCORES, HybridRetriever, QueryWeights
from qa_engine.retrieval.multi_collection import JoinedSentences, build_bm25_retriever, joined_tokens
from qa_engine.retrieval.passages import PassageBuilder
from qa_engine.retrieval.rerank import DiversityRerank, PassageRerank
from qa_engine.retrieval.sentence_windows import StoredSentences


@dataclass
class RankedPassages:
    """What became of a question.

    Attributes:
        passages: best first.
        timings: seconds that each stage took.
        queries: what was searched for, and how much each query and leg counted.
        judged_as: the question in the wording that the passages were compared with: its own, or its translation.
        expansion: what a language model added to the question; None if none was asked to.
        stages: passages by the stage that ranked them: ``dense`` and ``bm25`` alone, ``fused``, and ``reranked``, which are
            `passages`. Empty unless they were asked for.
    """

    passages: list[NodeWithScore]
    timings: dict[str, float] = field(default_factory=dict)
    queries: list[QueryWeights] = field(default_factory=list)
    judged_as: str = ""
    expansion: Expansion | None = None
    stages: dict[str, list[NodeWithScore]] = field(default_factory=dict)


class PassageRetriever(BaseRetriever):
    """Dense and BM25 sentences, fused, grown into passages, reranked."""

    def __init__(
        self,
        snapshots: IndexSnapshot | Sequence[IndexSnapshot],
        embed_model: BaseEmbedding,
        reranker: BaseNodePostprocessor | None,
        config: RetrievalConfig,
        scopes: Sequence[Scope | None] = (),
    ) -> None:
        """
        Args:
            snapshots: the state of the index to search, or of several that are searched together.
            embed_model: the model that the index was made with.
            reranker: orders the candidates; None keeps the fused order.
            config: sizes and weights.
            scopes: what to search of each; none, or None, for all of it.
        """
        snapshots = [snapshots] if isinstance(snapshots, IndexSnapshot) else list(snapshots)
        scopes = list(scopes) or [None] * len(snapshots)
        super().__init__(callback_manager=CallbackManager())
        self._hybrid = HybridRetriever(
            {
                "dense": build_dense_retriever(snapshots, embed_model, config.dense_top_k, scopes),
                "bm25": build_bm25_retriever(snapshots, config.bm25_top_k, scopes),
            },
            config,
            similarity_top_k=config.dense_top_k + config.bm25_top_k,
        )
        self._store: StoredSentences = (
            snapshots[0].store if len(snapshots) == 1 else JoinedSentences(snapshots, scopes)
        )
        self._diversity = DiversityRerank(diversity=config.diversity) if config.diversity else None
        self._config = config
        self._reranker = (
            reranker.with_tokens(joined_tokens(snapshots, scopes))
            if isinstance(reranker, PassageRerank)
            else reranker
        )

    def rank(self, query: QueryBundle, top_k: int = 0, stages: bool = False) -> RankedPassages:
        """The candidate passages for a question, best first.

        Args:
            query: the question.
            top_k: passages wanted; what goes beyond the candidates of the reranker follows in the fused order.
            stages: whether the passages as each stage alone ranks them are wanted, too.
        """
        timings = {}
        expansion = expansion_of(query)
        if expansion is not None:
            timings["expand"] = expansion.seconds
        started = time.perf_counter()
        hits = self._hybrid.retrieve(query)
        timings["retrieve"] = time.perf_counter() - started
        started = time.perf_counter()
        builder = PassageBuilder(
            self._store,
            window_chars=self._config.window_chars,
            latin_ratio=self._config.latin_ratio,
            max_passages=max(self._config.candidates, top_k),
            max_per_file=self._config.max_per_file,
        )
        passages = builder.postprocess_nodes(hits, query)
        timings["passages"] = time.perf_counter() - started
        by_stage = {**_by_leg(builder, hits, query), "fused": list(passages)} if stages else {}
        judged = in_language_of(passages[: self._config.candidates], query)
        if self._reranker is not None and passages:
            started = time.perf_counter()
            candidates, rest = passages[: self._config.candidates], passages[self._config.candidates :]
            passages = [*_with_ranks(self._reranker.postprocess_nodes(candidates, judged)), *rest]
            timings["rerank"] = time.perf_counter() - started
        if self._diversity is not None and passages:
            started = time.perf_counter()
            ranked, rest = passages[: self._config.candidates], passages[self._config.candidates :]
            passages = [*self._diversity.postprocess_nodes(ranked, query), *rest]
            timings["diversity"] = time.perf_counter() - started
        if stages:
            by_stage["reranked"] = passages
        weights = self._hybrid.weights(query)
        return RankedPassages(passages, timings, weights, judged.query_str, expansion, by_stage)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self.rank(query_bundle).passages

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _by_leg(
    builder: PassageBuilder, hits: list[NodeWithScore], query: QueryBundle
) -> dict[str, list[NodeWithScore]]:
    """The passages that each leg would give without the other."""
    found = {}
    for leg in ("dense", "bm25"):
        own = [hit for hit in hits if leg in hit.node.metadata.get(RANKS, {})]
        own.sort(key=lambda hit: int(hit.node.metadata[RANKS][leg]))
        found[leg] = builder.postprocess_nodes(own, query)
    return found


def _with_ranks(passages: list[NodeWithScore]) -> list[NodeWithScore]:
    """Notes the places by the reranker's score alone; the order itself weighs the fused score, too."""
    scored = [
        passage.node.metadata for passage in passages if "rerank" in passage.node.metadata.get(SCORES, {})
    ]
    for rank, metadata in enumerate(sorted(scored, key=lambda found: -found[SCORES]["rerank"]), 1):
        metadata.setdefault(RANKS, {})["rerank"] = rank
    return passages
