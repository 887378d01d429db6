"""Estimates the probability that the retrieved passages hold the answer."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.answering.answer import Answer
from qa_engine.answering.checks.citations import citation_boxes, refusal
from qa_engine.config import AnsweringConfig
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.fusion import SCORES
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.retrieval.search import CollectionSearch
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import tokenize

FEATURES = ("support", "weakest", "lead", "coverage", "dense")
"""What a `RelevanceModel` looks at, see `Evidence`."""
PAIRS = ("zh-zh", "en-en", "zh-en", "en-zh")
"""The languages of question and passage; ``en`` is all that is not Chinese."""


@dataclass(frozen=True)
class Evidence:
    """How the passages that an answer may use support the question.

    Attributes:
        support: the highest score of the reranker.
        weakest: the highest support of a question's least supported quarter of words; 0 with a cross-encoder.
        lead: how far ``support`` is above the median of all candidates. Where the answer is missing, many passages are
            about as good; and what a language or a collection adds to every score is not in it.
        coverage: the highest share of the question's BM25 terms that one passage has.
        dense: the highest cosine of a sentence with the question.
        pair: one of `PAIRS`, of the passage with the highest support.
    """

    support: float
    weakest: float
    lead: float
    coverage: float
    dense: float
    pair: str

    @classmethod
    def of(
        cls, question: str, candidates: Sequence[NodeWithScore], used: int, with_coverage: bool = True
    ) -> Evidence:
        """
        Args:
            question: in the wording that the passages were compared with.
            candidates: at least one, best first.
            used: how many of them the answer may use.
            with_coverage: whether to tokenize the texts for their coverage, which is 0 otherwise.
        """
        scores = [_scores(passage) for passage in candidates]
        supports = [found["rerank"] for found in scores if "rerank" in found]
        passages = candidates[:used]
        best = max(passages, key=lambda passage: _scores(passage).get("rerank", -math.inf))
        support = _scores(best).get("rerank", 0.0)
        return cls(
            support=support,
            weakest=max(found.get("weakest", 0.0) for found in scores[:used]),
            lead=support - median(supports) if supports else 0.0,
            coverage=_coverage(question, passages) if with_coverage else 0.0,
            dense=max((found["dense"] for found in scores if "dense" in found), default=0.0),
            pair=f"{_language(question)}-{_language(best.node.get_content())}",
        )

    def values(self) -> list[float]:
        """The numbers, in the order of `FEATURES`."""
        return [getattr(self, feature) for feature in FEATURES]


@dataclass(frozen=True)
class RelevanceModel:
    """A logistic regression on the `Evidence`, and the probabilities from which on there is an answer.

    The same scores mean less between languages and more between Chinese texts, so each pair of languages has a bias
    of its own.

    Attributes:
        weights: log-odds per unit of each of `FEATURES`.
        biases: log-odds at zero for each of `PAIRS`.
        threshold: an extractive answer below this probability is refused.
        hopeless: the same before a language model is asked. It is lower, since the model can refuse by itself.
    """

    weights: Mapping[str, float]
    biases: Mapping[str, float]
    threshold: float
    hopeless: float

    def probability(self, question: str, candidates: Sequence[NodeWithScore], used: int) -> float:
        """Between 0 and 1; 0 without passages. The arguments are those of `Evidence.of`."""
        if not candidates:
            return 0.0
        with_coverage = self.weights["coverage"] != 0
        return self.of_evidence(Evidence.of(question, candidates, used, with_coverage))

    def of_evidence(self, evidence: Evidence) -> float:
        """The probability that the passages behind some evidence hold the answer."""
        odds = self.biases[evidence.pair] + sum(
            self.weights[feature] * value for feature, value in zip(FEATURES, evidence.values(), strict=True)
        )
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, odds))))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _scores(passage: NodeWithScore) -> Mapping[str, float]:
    scores: Mapping[str, float] = passage.node.metadata.get(SCORES, {})
    return scores


def _coverage(question: str, passages: Sequence[NodeWithScore]) -> float:
    terms = set(tokenize(question))
    shared = (len(terms.intersection(tokenize(passage.node.get_content()))) for passage in passages)
    return max(shared) / max(1, len(terms))


def _language(text: str) -> str:
    return "zh" if is_chinese(text) else "en"


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
