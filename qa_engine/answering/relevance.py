"""Estimates the probability that the retrieved passages hold the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.sentences import is_chinese
from qa_engine.retrieval.fusion import SCORES

CHINESE, OTHER, MIXED = "chinese", "other", "mixed"
"""Question and best passage are both in Chinese, both in another language, or one of each."""


@dataclass(frozen=True)
class RelevanceModel:
    """A logistic regression on the highest late-interaction score among the passages.

    The same score means less between languages and more between Chinese texts, so each pair of languages has a
    midpoint of its own.

    Attributes:
        slope: log-odds per unit of the score.
        midpoints: for each pair of languages the score at which the probability is one half.
    """

    slope: float
    midpoints: Mapping[str, float]

    def probability(self, question: str, passages: Sequence[NodeWithScore]) -> float:
        """Between 0 and 1; 0 without passages."""
        if not passages:
            return 0.0
        scores = (passage.node.metadata.get(SCORES, {}) for passage in passages)
        best = max(float(score.get("rerank", 0.0)) for score in scores)
        logit = self.slope * (best - self.midpoints[language_pair(question, passages[0])])
        return 1 / (1 + math.exp(-logit))


def language_pair(question: str, passage: NodeWithScore) -> str:
    """Which of `CHINESE`, `OTHER` and `MIXED` a question and a passage are."""
    asked, found = is_chinese(question), is_chinese(passage.node.get_content())
    if asked != found:
        return MIXED
    return CHINESE if asked else OTHER


LOCAL_RELEVANCE = RelevanceModel(slope=82.0, midpoints={CHINESE: 0.845, OTHER: 0.795, MIXED: 0.786})
"""For the local embedding model and its late interaction only; other models have other scales.

Fitted on questions whose article is, or is not, among the ingested ones; see docs/answers.md."""
