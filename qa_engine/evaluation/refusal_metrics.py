"""Refusals: how many were right, and what other thresholds of the probability would have done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa_engine.evaluation.results import CaseResult

_STEPS = 20
"""Thresholds of the curve between 0 and 1."""


@dataclass(frozen=True)
class RefusalPoint:
    """What refusing below ``threshold`` would do: see `RefusalFigures`."""

    threshold: float
    precision: float | None
    recall: float | None
    false_refusals: float | None


@dataclass(frozen=True)
class RefusalFigures:
    """How well what the documents do not answer was refused.

    Attributes:
        answerable: questions that they answer, and that got an answer or a refusal.
        unanswerable: questions that they do not.
        refused: questions of both kinds that were refused.
        precision: share of the refused questions that are unanswerable; None if none was refused.
        recall: share of the unanswerable questions that were refused; None without any.
        false_refusals: share of the answerable questions that were refused; None without any.
        curve: the same for thresholds of the probability; empty without an estimate.
    """

    answerable: int
    unanswerable: int
    refused: int
    precision: float | None = None
    recall: float | None = None
    false_refusals: float | None = None
    curve: list[RefusalPoint] = field(default_factory=list)


def refusal_figures(cases: Sequence[CaseResult]) -> RefusalFigures:
    """The figures over cases that got an answer or a refusal; others are passed over.

    A refusal is right if the documents do not answer the question. The curve shows what refusing below each threshold of the
    probability alone would do, whatever the engine did.
    """
    asked = [case for case in cases if case.refused is not None]
    answerable = [case.gold.answerable for case in asked]
    precision, recall, false_refusals = _rates([bool(case.refused) for case in asked], answerable)
    estimated = [case for case in asked if case.probability is not None]
    return RefusalFigures(
        answerable=sum(answerable),
        unanswerable=len(asked) - sum(answerable),
        refused=sum(bool(case.refused) for case in asked),
        precision=precision,
        recall=recall,
        false_refusals=false_refusals,
        curve=_curve(
            [case.probability or 0.0 for case in estimated], [case.gold.answerable for case in estimated]
        ),
    )


def _curve(probabilities: Sequence[float], answerable: Sequence[bool]) -> list[RefusalPoint]:
    if not probabilities:
        return []
    thresholds = [step / _STEPS for step in range(1, _STEPS)]
    return [
        RefusalPoint(
            threshold, *_rates([probability < threshold for probability in probabilities], answerable)
        )
        for threshold in thresholds
    ]


def _rates(
    refused: Sequence[bool], answerable: Sequence[bool]
) -> tuple[float | None, float | None, float | None]:
    """Precision and recall of refusals, and the share of the answerable questions that were refused."""
    right = sum(no and not known for no, known in zip(refused, answerable, strict=True))
    known, unknown = sum(answerable), len(answerable) - sum(answerable)
    return (
        right / sum(refused) if any(refused) else None,
        right / unknown if unknown else None,
        (sum(refused) - right) / known if known else None,
    )
