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
    """A logistic regression on how the best passage supports the question, by late interaction.

    The same scores mean less between languages and more between Chinese texts, so each pair of languages has a bias
    of its own.

    Attributes:
        score: log-odds per unit of the passage's score, the mean support of the question's tokens.
        weakest: log-odds per unit of the support of its least supported quarter of tokens.
        biases: log-odds at zero for each pair of languages.
    """

    score: float
    weakest: float
    biases: Mapping[str, float]

    def probability(self, question: str, passages: Sequence[NodeWithScore]) -> float:
        """Between 0 and 1; 0 without passages."""
        if not passages:
            return 0.0
        best = max(passages, key=lambda passage: _scores(passage).get("rerank", 0.0))
        logit = (
            self.biases[language_pair(question, best)]
            + self.score * _scores(best).get("rerank", 0.0)
            + self.weakest * _scores(best).get("weakest", 0.0)
        )
        return 1 / (1 + math.exp(-logit))


def _scores(passage: NodeWithScore) -> Mapping[str, float]:
    scores: Mapping[str, float] = passage.node.metadata.get(SCORES, {})
    return scores


def language_pair(question: str, passage: NodeWithScore) -> str:
    """Which of `CHINESE`, `OTHER` and `MIXED` a question and a passage are."""
    asked, found = is_chinese(question), is_chinese(passage.node.get_content())
    if asked != found:
        return MIXED
    return CHINESE if asked else OTHER


LOCAL_RELEVANCE = RelevanceModel(
    score=60.1, weakest=27.9, biases={CHINESE: -73.3, OTHER: -69.1, MIXED: -68.6}
)
"""For the local embedding model and its late interaction only; other models have other scales.

Fitted on 700 questions whose article is, or is not, among the ingested ones; see docs/answers.md."""
