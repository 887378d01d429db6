"""Estimates the probability that the retrieved passages hold the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.sentences import is_chinese
from qa_engine.index.analyser import analyse
from qa_engine.retrieval.fusion import SCORES

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
            with_coverage: whether to analyse the texts for their coverage, which is 0 otherwise.
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
    terms = set(analyse(question))
    shared = (len(terms.intersection(analyse(passage.node.get_content()))) for passage in passages)
    return max(shared) / max(1, len(terms))


def _language(text: str) -> str:
    return "zh" if is_chinese(text) else "en"
