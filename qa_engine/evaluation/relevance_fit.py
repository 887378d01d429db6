"""Fits a `AnswerabilityModel` to questions whose passages do, or do not, hold the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_engine.answering.answerability import FEATURES, PAIRS, AnswerabilityFeatures, AnswerabilityModel

HOPELESS_SHARE = 0.2
"""Share of the allowed false refusals that may happen before a language model is asked."""
_FOLDS = 5
_SEED = 20_240_601
_RIDGE = 2.0
"""Strength of the pull towards the model that was there before, in questions."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """What was retrieved for a question.

    Attributes:
        evidence: for it.
        answered: whether the passages hold the answer.
        answerable: whether the documents do: to refuse such a question is false, even if the answer was not found.
        weight: how much it counts when the model is fitted.
    """

    evidence: AnswerabilityFeatures
    answered: bool
    answerable: bool
    weight: float = 1.0


@dataclass(frozen=True)
class Refusals:
    """What refusing below a threshold does.

    Attributes:
        false: share of the answerable questions that are refused.
        recall: share of the others that are refused.
    """

    false: float
    recall: float


def refusals_at(threshold: float, probabilities: Sequence[float], answerable: Sequence[bool]) -> Refusals:
    """The refusals among questions, at least one of each kind, at a threshold."""
    refused = np.asarray(probabilities) < threshold
    known = np.asarray(answerable, bool)
    return Refusals(float(refused[known].mean()), float(refused[~known].mean()))


def fit_relevance(
    examples: Sequence[Example],
    false_refusals: float,
    prior: AnswerabilityModel | None = None,
    features: Sequence[str] = FEATURES,
) -> tuple[AnswerabilityModel, list[float]]:
    """A logistic regression, and its thresholds.

    Maximum a posteriori with a Gaussian prior around ``prior``, or around zero, so that few questions move a model a
    little and many move it freely. The thresholds come from probabilities that were not fitted to the same questions: each
    fifth of them is judged by a model of the other four.

    Args:
        examples: some of either kind.
        false_refusals: the share of the answerable questions, 0 to 1, that may be refused.
        prior: the model that was used before.
        features: those that may have a weight.

    Returns:
        The model, and the probability of each example by the model of the others.
    """
    fold = np.random.default_rng(_SEED).permutation(len(examples)) % _FOLDS
    unseen = np.zeros(len(examples))
    for number in range(_FOLDS):
        others = [example for example, part in zip(examples, fold, strict=True) if part != number]
        weights, biases = _fitted(others, prior, features)
        judge = AnswerabilityModel(weights, biases, 0.5, 0.5)
        for row in np.flatnonzero(fold == number):
            unseen[row] = judge.of_features(examples[int(row)].evidence)
    answerable = np.array([example.answerable for example in examples])
    threshold, llm_threshold = (
        float(np.quantile(unseen[answerable], share, method="lower"))
        for share in (false_refusals, HOPELESS_SHARE * false_refusals)
    )
    weights, biases = _fitted(examples, prior, features)
    return AnswerabilityModel(weights, biases, threshold, llm_threshold), unseen.tolist()


def _fitted(
    examples: Sequence[Example], prior: AnswerabilityModel | None, features: Sequence[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Weights and biases."""
    from scipy.optimize import minimize

    admitted = np.array([feature in features for feature in FEATURES])
    values = np.array([example.evidence.values() for example in examples]) * admitted
    pairs = np.array([[example.evidence.pair == pair for pair in PAIRS] for example in examples], float)
    wanted = np.where([example.answered for example in examples], 1.0, -1.0)
    counts = np.array([example.weight for example in examples])
    mean, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    table = np.hstack([(values - mean) / spread, pairs, np.ones((len(examples), 1))])
    start = np.zeros(table.shape[1])
    if prior is not None:
        slopes = np.array([prior.weights[feature] for feature in FEATURES])
        start[: len(FEATURES)] = slopes * spread
        start[len(FEATURES) : -1] = [prior.biases[pair] + float(slopes @ mean) for pair in PAIRS]
    pull = np.full(len(start), _RIDGE)
    pull[-1] = 0  # what all questions share moves freely

    def loss(parameters: Numbers) -> tuple[float, Numbers]:
        margins = wanted * (table @ parameters)
        away = parameters - start
        value = float(counts @ np.logaddexp(0, -margins) + 0.5 * (pull * away) @ away)
        slope = -(counts * wanted * np.exp(-np.logaddexp(0, margins))) @ table + pull * away
        return value, slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000}).x
    slopes = found[: len(FEATURES)] / spread
    biases = found[len(FEATURES) : -1] + found[-1] - float(slopes @ mean)
    return (
        dict(zip(FEATURES, slopes.tolist(), strict=True)),
        dict(zip(PAIRS, biases.tolist(), strict=True)),
    )
