"""What a question found, and whether it is worth an answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.answering.answer import Answer
from qa_engine.answering.boxes import citation_boxes
from qa_engine.answering.citations import refusal
from qa_engine.answering.relevance import RelevanceModel
from qa_engine.config import AnsweringConfig
from qa_engine.retrieval.collection_search import CollectionSearch
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.retriever import RankedPassages


@dataclass
class Grounds:
    """The passages that the answer to a question may use.

    Attributes:
        query: the question.
        ranked: everything that was found, and how.
        passages: those for the answer, best first.
        probability: estimated probability (0 to 1) that they hold it; None without an estimate.
        hopeless: whether to refuse at once.
        started: when the answer was begun, by `time.perf_counter`.
    """

    query: QueryBundle
    ranked: RankedPassages
    passages: list[NodeWithScore]
    probability: float | None
    hopeless: bool
    started: float = field(default_factory=time.perf_counter)

    def refusal(self) -> Answer | None:
        """The answer, if nothing but the refusal is to be expected."""
        return refusal(self.query.query_str, self.passages) if self.hopeless else None


class Judge:
    """Decides what of the passages goes into an answer, and completes the answer with how it came about. Thread-safe."""

    def __init__(
        self,
        search: CollectionSearch,
        settings: AnsweringConfig,
        relevance: RelevanceModel | None,
        extractive: bool,
    ) -> None:
        """
        Args:
            search: where the passages are from.
            settings: sizes and thresholds.
            relevance: estimates whether the passages hold the answer; None never refuses.
            extractive: whether no language model, which could refuse by itself, is asked afterwards.
        """
        self._search = search
        self._used = settings.passages
        self._relevance = relevance
        self._threshold = 0.0
        if relevance is not None:
            configured, calibrated = (
                (settings.threshold, relevance.threshold)
                if extractive
                else (settings.llm_threshold, relevance.hopeless)
            )
            self._threshold = calibrated if configured is None else configured

    def grounds(self, query: QueryBundle, ranked: RankedPassages) -> Grounds:
        """What of what was found the answer may use."""
        passages = self._search.with_tables(ranked.passages[: self._used])
        if self._relevance is None:
            return Grounds(query, ranked, passages, None, hopeless=False)
        wording = ranked.judged_as or query.query_str
        probability = self._relevance.probability(wording, ranked.passages, self._used)
        return Grounds(query, ranked, passages, probability, hopeless=probability < self._threshold)

    def completed(self, answer: Answer, grounds: Grounds, models: dict[str, str]) -> Answer:
        """The answer with all that is known besides its text."""
        ranked, seconds = grounds.ranked, time.perf_counter() - grounds.started
        answer.timings = rounded({**ranked.timings, "answer": seconds})
        answer.probability = None if grounds.probability is None else round(grounds.probability, 4)
        answer.models = {**models, **answer.models}
        answer.explanation = Explanation(
            answer.source_nodes,
            ranked.queries,
            ranked.expansion,
            ranked.judged_as,
            answer.probability,
            answer.timings,
        )
        by_id = {node.node.node_id: node for node in answer.source_nodes}
        answer.citations = [
            replace(citation, boxes=citation_boxes(citation, passage, self._search.spans(passage)))
            for citation in answer.citations
            if (passage := by_id.get(citation.node_id)) is not None
        ]
        return answer

    def explanation(self, ranked: RankedPassages, top_k: int) -> Explanation:
        """How the best passages came about, without an answer."""
        passages = self._search.with_tables(ranked.passages[:top_k])
        timings = rounded(ranked.timings)
        stages = {stage: nodes[:top_k] for stage, nodes in ranked.stages.items()}
        return Explanation(
            passages, ranked.queries, ranked.expansion, ranked.judged_as, None, timings, stages
        )


def rounded(timings: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage for people, with the total."""
    found = {stage: round(seconds, 4) for stage, seconds in timings.items()}
    return {**found, "total": round(sum(timings.values()), 4)}
