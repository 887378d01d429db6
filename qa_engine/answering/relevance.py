"""Estimates the probability that the retrieved passages hold the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.sentences import is_chinese
from qa_engine.retrieval.fusion import SCORES

CHINESE, OTHER = "zh", "other"


@dataclass(frozen=True)
class RelevanceModel:
    """A logistic regression on how the best passage supports the question, by late interaction.

    The same scores mean less between languages and more between Chinese texts, so each pair of languages has a bias
    of its own.

    Attributes:
        score: log-odds per unit of the passage's score, the mean support of the question's tokens.
        weakest: log-odds per unit of the support of its least supported quarter of tokens.
        biases: log-odds at zero by the languages of question and passage.
    """

    score: float
    weakest: float
    biases: Mapping[tuple[str, str], float]

    def probability(self, question: str, passages: Sequence[NodeWithScore]) -> float:
        """Between 0 and 1; 0 without passages."""
        if not passages:
            return 0.0
        return 1 / (1 + math.exp(-max(self._log_odds(question, passage) for passage in passages)))

    def _log_odds(self, question: str, passage: NodeWithScore) -> float:
        scores = _scores(passage)
        return (
            self.biases[language_pair(question, passage)]
            + self.score * scores.get("rerank", 0.0)
            + self.weakest * scores.get("weakest", 0.0)
        )


def _scores(passage: NodeWithScore) -> Mapping[str, float]:
    scores: Mapping[str, float] = passage.node.metadata.get(SCORES, {})
    return scores


def language_pair(question: str, passage: NodeWithScore) -> tuple[str, str]:
    """The languages of a question and a passage, each `CHINESE` or `OTHER`."""
    asked, found = is_chinese(question), is_chinese(passage.node.get_content())
    return (CHINESE if asked else OTHER, CHINESE if found else OTHER)


LOCAL_RELEVANCE = RelevanceModel(
    score=60.1,
    weakest=27.9,
    biases={
        (CHINESE, CHINESE): -73.3,
        (OTHER, OTHER): -69.1,
        (CHINESE, OTHER): -68.6,
        # Without labelled questions: shifted from (OTHER, OTHER) by what unrelated texts score less.
        (OTHER, CHINESE): -65.6,
    },
)
"""For the local embedding model and its late interaction only; other models have other scales.

Fitted on 700 questions whose article is, or is not, among the ingested ones; see docs/answers.md."""
