"""Estimates the probability that the retrieved passages hold the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.sentences import is_chinese
from qa_engine.retrieval.fusion import SCORES


@dataclass(frozen=True)
class RelevanceModel:
    """A logistic regression on the scores of the best passages.

    Attributes:
        intercept: bias.
        rerank: weight of the highest late-interaction score among the passages.
        dense: weight of the highest cosine between question and sentence.
        cross_lingual: added when question and best passage are in different languages, which lowers all scores.
    """

    intercept: float
    rerank: float
    dense: float
    cross_lingual: float

    def probability(self, question: str, passages: Sequence[NodeWithScore]) -> float:
        """Between 0 and 1; 0 without passages."""
        if not passages:
            return 0.0
        scores = [passage.node.metadata.get(SCORES, {}) for passage in passages]
        logit = (
            self.intercept
            + self.rerank * max(score.get("rerank", 0.0) for score in scores)
            + self.dense * max(score.get("dense", 0.0) for score in scores)
        )
        if is_chinese(question) != is_chinese(passages[0].node.get_content()):
            logit += self.cross_lingual
        return 1 / (1 + math.exp(-logit))


LOCAL_RELEVANCE = RelevanceModel(intercept=-40.0, rerank=45.0, dense=0.0, cross_lingual=1.0)
"""For the local embedding model and its late interaction only; other models have other scales."""
