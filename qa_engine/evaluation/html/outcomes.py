"""What became of a case, in the words by which the report filters."""

from __future__ import annotations

from qa_engine.evaluation.results import CaseResult

GOOD, BAD, PLAIN = "good", "bad", "plain"
OUTCOMES = {
    "failed": BAD,
    "answered, though the documents do not answer": BAD,
    "refused, though the documents answer": BAD,
    "lacks the gold answer": BAD,
    "not found": BAD,
    "answered": PLAIN,
    "searched": PLAIN,
    "rightly refused": GOOD,
    "holds the gold answer": GOOD,
    "found": GOOD,
}
"""Every outcome, the worst first, and whether it is good."""


def outcome(case: CaseResult) -> str:
    """One of `OUTCOMES`: what is wrong first, what is not known as ``answered`` or ``searched``."""
    if case.failure is not None:
        return "failed"
    if case.answer is None:
        ranking = case.stages.get("reranked")
        return "searched" if ranking is None else "not found" if ranking.rank is None else "found"
    if not case.gold.answerable:
        return "rightly refused" if case.refused else "answered, though the documents do not answer"
    if case.refused:
        return "refused, though the documents answer"
    holds = case.measures.get("contains_answer")
    return "answered" if holds is None else "holds the gold answer" if holds == 1 else "lacks the gold answer"
