"""The fit of the relevance model: what it learns, and that its figures are honest."""

from __future__ import annotations

import random

import pytest

from qa_engine.answering.refusal.features import FEATURES, PAIRS, AnswerabilityFeatures
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.evaluation.calibration import Example, Refusals, fit_answerability, refusals_at

PRIOR = AnswerabilityModel(
    dict.fromkeys(FEATURES, 0.0) | {"support": 40.0},
    dict.fromkeys(PAIRS, -34.0),
    threshold=0.5,
    llm_threshold=0.1,
)


def examples(count: int, gap: float, shift: float = 0.0, pair: str = "zh-zh") -> list[Example]:
    """As many answerable questions as others; the supports are ``gap`` standard deviations apart."""
    noise = random.Random(3)
    made = []
    for number in range(count):
        answered = number % 2 == 0
        support = 0.85 + shift + 0.03 * (noise.gauss(0, 1) + (gap if answered else 0))
        made.append(
            Example(AnswerabilityFeatures(support, support - 0.1, 0.02, 0.5, 0.85, pair), answered, answered)
        )
    return made


def test_refusals_are_shares_of_each_kind() -> None:
    found = refusals_at(0.5, [0.1, 0.6, 0.9, 0.2, 0.4, 0.5], [True, True, True, False, False, False])
    assert found == Refusals(false=pytest.approx(1 / 3), recall=pytest.approx(2 / 3))


def test_threshold_loses_the_allowed_share_and_no_more() -> None:
    made = examples(400, gap=3.0)
    model, unseen = fit_answerability(made, 0.05)
    found = refusals_at(model.threshold, unseen, [example.answerable for example in made])
    assert 0.03 <= found.false <= 0.05
    assert found.recall > 0.8
    assert model.llm_threshold < model.threshold


def test_what_tells_nothing_apart_is_not_said_to() -> None:
    """In-sample figures of a fit to noise would look better than chance; each question is judged without itself."""
    made = examples(200, gap=0.0)
    model, unseen = fit_answerability(made, 0.05)
    found = refusals_at(model.threshold, unseen, [example.answerable for example in made])
    assert found.recall < 0.2


def test_more_support_never_means_less_probable() -> None:
    model, _ = fit_answerability(examples(200, gap=3.0), 0.05)
    weak, strong = (
        model.of_features(AnswerabilityFeatures(support, support - 0.1, 0.02, 0.5, 0.85, "zh-zh"))
        for support in (0.8, 0.95)
    )
    assert 0 <= weak < strong <= 1


def test_few_questions_move_a_prior_less_than_many() -> None:
    moved = []
    for count in (10, 1000):
        model, _ = fit_answerability(examples(count, gap=3.0, shift=-0.2), 0.05, PRIOR)
        moved.append(abs(model.weights["support"] - PRIOR.weights["support"]))
    assert moved[0] < moved[1]


def test_languages_without_questions_keep_their_distance_to_the_others() -> None:
    model, _ = fit_answerability(examples(200, gap=3.0), 0.05, PRIOR)
    assert model.biases["en-en"] == pytest.approx(model.biases["en-zh"])


def test_same_questions_give_the_same_model() -> None:
    assert fit_answerability(examples(100, 2.0), 0.05) == fit_answerability(examples(100, 2.0), 0.05)
