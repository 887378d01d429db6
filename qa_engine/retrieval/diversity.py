"""Puts passages that say what a better one says further down: maximal marginal relevance."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import Field

from qa_engine.index.analyser import analyse


class DiversityRerank(BaseNodePostprocessor):
    """Maximal marginal relevance (Carbonell and Goldstein, 1998) over ranked passages.

    The first passage stays first. Each further place goes to the passage with the highest ``(1 - diversity) × relevance
    - diversity × similarity``: the relevance is the score, brought to 0 to 1 among the passages, the similarity is that to
    the most similar passage before it. Two passages are as similar as the terms of BM25 that they share, out of those that
    either has (Jaccard): near duplicates, which is what crowds results out, share words, and this needs no vector. A
    translation counts as different. Scores stay as they are.
    """

    diversity: float = Field(ge=0, le=1)

    @classmethod
    def class_name(cls) -> str:
        return "DiversityRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        relevance = _to_unit([node.score or 0.0 for node in nodes])
        terms = [frozenset(analyse(node.node.get_content())) for node in nodes]
        nearest = [0.0] * len(nodes)
        left = list(range(len(nodes)))
        order: list[int] = []
        while left:
            if not order:
                best = left[0]
            else:
                # Of equals, the one that was first: max takes it.
                best = max(
                    left,
                    key=lambda number: (
                        (1 - self.diversity) * relevance[number] - self.diversity * nearest[number]
                    ),
                )
            order.append(best)
            left.remove(best)
            for number in left:
                nearest[number] = max(nearest[number], jaccard(terms[best], terms[number]))
        return [nodes[number] for number in order]


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """The share, 0 to 1, of what either has that both have; 1 for two empty sets."""
    either = len(left | right)
    return len(left & right) / either if either else 1.0


def _to_unit(scores: Sequence[float]) -> list[float]:
    """Scores from 0 (the worst) to 1 (the best); 1 if all are equal."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
