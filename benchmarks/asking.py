"""Ask several pipelines the same questions, and judge what they return."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from corpus import Question
from pipelines import Pipeline
from rich.console import Console
from rich.progress import track

from qa_engine.evaluation.metrics.ranking import (
    BUDGETS,
    TOP_K,
    first_hit,
    holds_within,
    ndcg,
    reciprocal_rank,
    squash,
)

progress_console = Console(stderr=True)


@dataclass
class Scores:
    """What one pipeline reached, question by question."""

    name: str
    nodes: int
    build_seconds: float
    ranks: list[int | None] = field(default_factory=list)
    within: dict[int, list[bool]] = field(default_factory=lambda: {budget: [] for budget in BUDGETS})
    milliseconds: list[float] = field(default_factory=list)
    passage_chars: list[int] = field(default_factory=list)

    def add(self, question: Question, passages: Sequence[str], seconds: float) -> None:
        """Judge the passages that were returned for one question."""
        self.ranks.append(first_hit(passages, question.answers))
        for budget, found in self.within.items():
            found.append(holds_within(passages, question.answers, budget))
        self.milliseconds.append(seconds * 1e3)
        self.passage_chars += [len(squash(passage)) for passage in passages]

    def measures(self) -> dict[str, list[float]]:
        """The scores of each question by the name of the measure."""
        return {
            f"MRR@{TOP_K}": [reciprocal_rank(rank) for rank in self.ranks],
            f"nDCG@{TOP_K}": [ndcg(rank) for rank in self.ranks],
            **{f"≤{budget}": [float(hit) for hit in found] for budget, found in self.within.items()},
        }

    def summary(self) -> dict[str, Any]:
        """Means, as they are printed and stored."""
        return {
            "nodes": self.nodes,
            **{name: statistics.fmean(values) for name, values in self.measures().items()},
            "passage_chars_mean": statistics.fmean(self.passage_chars) if self.passage_chars else 0.0,
            "build_seconds": self.build_seconds,
            "query_ms_p50": statistics.median(self.milliseconds),
        }


def ask_all(pipelines: Sequence[Pipeline], questions: Sequence[Question]) -> list[Scores]:
    """Ask every pipeline every question; question by question, so that a busy moment hits all alike."""
    scores = [Scores(p.name, p.nodes, p.build_seconds) for p in pipelines]
    for pipeline in pipelines:
        pipeline.retrieve(questions[0].question)
    for turn, question in enumerate(track(questions, "asking", console=progress_console, transient=True)):
        # Who is first may find colder caches, so the first place goes round.
        for place in range(len(pipelines)):
            which = (turn + place) % len(pipelines)
            started = time.perf_counter()
            passages = pipelines[which].retrieve(question.question)
            scores[which].add(question, passages, time.perf_counter() - started)
    return scores
