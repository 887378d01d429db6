"""Fits the decision to refuse to a user's own collection and questions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from llama_index.core.schema import NodeWithScore
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters
from numpy.typing import NDArray

from qa_engine.answering.refusal.content_words import words_between
from qa_engine.answering.refusal.features import FEATURES, PAIRS, AnswerabilityFeatures
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.config import Config
from qa_engine.engine import QueryEngine
from qa_engine.errors import InputError
from qa_engine.evaluation import require_packages
from qa_engine.evaluation.metrics.ranking import holds_any
from qa_engine.evaluation.questions.labelled import LabelledQuestion

_logger = logging.getLogger("qa_engine.evaluation")

MIN_QUESTIONS = 20
"""Questions that are needed of each kind: with fewer, five percent is less than one question."""
LLM_THRESHOLD_SHARE = 0.2
"""Share of the allowed false refusals that may happen without asking a language model."""
_FOLDS = 5
_SEED = 20_240_601
_RIDGE = 2.0
"""Strength of the pull towards the model that was there before, in questions."""

Numbers = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Example:
    """The evidence that was retrieved for a question, as features of the passages, and whether it holds the answer.

    Attributes:
        answered: whether the passages hold the answer.
        answerable: whether the documents do: refusing such a question is wrong, even if the answer was not retrieved.
    """

    evidence: AnswerabilityFeatures
    answered: bool
    answerable: bool


@dataclass(frozen=True)
class Refusals:
    """The effect of refusing below a threshold: the share of the answerable questions, and of the others, refused."""

    false: float
    recall: float


@dataclass(frozen=True)
class Calibration:
    """An `AnswerabilityModel` of a collection, and how well it separates the questions.

    Attributes:
        model: the fitted model.
        answerable: number of questions that the documents answer.
        unanswerable: number of the others, including questions that were asked again.
        false_refusals: share of the answerable questions that may be refused.
        before: refusals with the model and threshold that were in use; None without one.
        after: refusals at the new threshold, each question judged by a model that was fitted without it.
        asked_again: questions that count twice, the second time with the file that answers them left out.
    """

    model: AnswerabilityModel
    answerable: int
    unanswerable: int
    false_refusals: float
    before: Refusals | None
    after: Refusals
    asked_again: int

    def to_dict(self) -> dict[str, Any]:
        """The calibration as a JSON object."""
        return asdict(self) | {"model": self.model.to_dict()}


def calibrate(
    engine: QueryEngine,
    config: Config,
    questions: Sequence[LabelledQuestion],
    false_refusals: float = 0.05,
    prior: AnswerabilityModel | None = None,
    current: AnswerabilityModel | None = None,
    progress: Progress = lambda done, total: None,
) -> Calibration:
    """Fits the probability that the passages hold the answer, and the threshold below which there is none.

    A question with answers counts twice if possible: as it is, and with the file that answers it left out.

    Args:
        engine: engine of the collection; only its retrieval is used.
        config: configuration of the engine.
        questions: about the collection.
        false_refusals: share of the answerable questions, 0 to 1, that may be refused.
        prior: model for the same reranker; few questions change it only a little.
        current: model in use, to compare with.
        progress: called with the numbers of questions that are done and that there are.

    Raises:
        InputError: there are too few questions of one kind.
        ModelUnavailableError: the extra ``eval`` is not installed.
    """
    require_packages()
    by_question = []
    for done, question in enumerate(questions, 1):
        by_question.append(list(_examples(engine, config, question)))
        progress(done, len(questions))
    examples = list(chain.from_iterable(by_question))
    asked_again = sum(len(question_examples) == 2 for question_examples in by_question)
    answerable = [example.answerable for example in examples]
    answerable_count, unanswerable_count = sum(answerable), len(examples) - sum(answerable)
    if min(answerable_count, unanswerable_count) < MIN_QUESTIONS:
        raise InputError(
            f"There are {answerable_count} questions with an answer and {unanswerable_count} without one, and "
            f"{MIN_QUESTIONS} of either are needed. Add answers to questions, so that they can be asked once more with "
            "their file left out, or questions "
            'with "answerable": false.'
        )
    model, probabilities = fit_answerability(examples, false_refusals, prior)
    before = None
    if current is not None:
        current_probabilities = [current.of_features(example.evidence) for example in examples]
        before = refusals_at(current.threshold, current_probabilities, answerable)
    counts = (answerable_count, unanswerable_count)
    _logger.info("A calibration is fitted to %d answerable and %d other questions.", *counts)
    after = refusals_at(model.threshold, probabilities, answerable)
    return Calibration(model, *counts, false_refusals, before, after, asked_again)


def refusals_at(threshold: float, probabilities: Sequence[float], answerable: Sequence[bool]) -> Refusals:
    """The refusals among questions, at least one of each kind, at a threshold."""
    refused = np.asarray(probabilities) < threshold
    is_answerable = np.asarray(answerable, bool)
    return Refusals(float(refused[is_answerable].mean()), float(refused[~is_answerable].mean()))


def fit_answerability(
    examples: Sequence[Example],
    false_refusals: float,
    prior: AnswerabilityModel | None = None,
) -> tuple[AnswerabilityModel, list[float]]:
    """Fits a logistic regression and its thresholds.

    The fit is maximum a posteriori with a Gaussian prior around ``prior``, or around zero, so that few questions move a
    model a little and many move it freely. The thresholds come from probabilities that were not fitted to the same
    questions: each fifth of them is judged by a model of the other four.

    Args:
        examples: some that are answerable, and some that are not.
        false_refusals: share of the answerable questions, 0 to 1, that may be refused.
        prior: model that was used before.

    Returns:
        The model; and the probability of each example, by the model that was fitted without it.
    """
    fold = np.random.default_rng(_SEED).permutation(len(examples)) % _FOLDS
    held_out = np.zeros(len(examples))
    for number in range(_FOLDS):
        others = [example for example, part in zip(examples, fold, strict=True) if part != number]
        model = AnswerabilityModel(*_fit(others, prior), 0.5, 0.5)
        for row in np.flatnonzero(fold == number):
            held_out[row] = model.of_features(examples[int(row)].evidence)
    answerable = np.array([example.answerable for example in examples])
    threshold, llm_threshold = (
        float(np.quantile(held_out[answerable], share, method="lower"))
        for share in (false_refusals, LLM_THRESHOLD_SHARE * false_refusals)
    )
    return AnswerabilityModel(*_fit(examples, prior), threshold, llm_threshold), held_out.tolist()


def _examples(engine: QueryEngine, config: Config, question: LabelledQuestion) -> Iterator[Example]:
    """The question as it is, and once more with the file that answers it left out if nothing else answers it."""
    passages, evidence = _candidates(engine, config, question.question)
    used = config.answering.passages
    holding = [
        passage for passage in passages[:used] if holds_any(passage.node.get_content(), question.answers)
    ]
    if passages:
        answered = question.answerable and bool(holding or not question.answers)
        yield Example(evidence(), answered, question.answerable)
    file = question.file or (str(holding[0].node.metadata.get("file_name", "")) if holding else "")
    if not question.answerable or not question.answers or not file:
        return
    without = MetadataFilters(filters=[MetadataFilter(key="file", value=file, operator=FilterOperator.NE)])
    passages, evidence = _candidates(engine.with_filters(without), config, question.question)
    if passages and not any(
        holds_any(passage.node.get_content(), question.answers) for passage in passages[:used]
    ):
        yield Example(evidence(), answered=False, answerable=False)


def _candidates(
    engine: QueryEngine, config: Config, question: str
) -> tuple[list[NodeWithScore], Callable[[], AnswerabilityFeatures]]:
    """The candidate passages for a question, and what makes their features, if there are any."""
    explained = engine.explain(question, config.retrieval.candidates)
    query = explained.rerank_query or question
    evidence = partial(
        AnswerabilityFeatures.of,
        query,
        explained.nodes,
        config.answering.passages,
        between=words_between(query, explained.translated, explained.glossary),
    )
    return list(explained.nodes), evidence


def _fit(
    examples: Sequence[Example], prior: AnswerabilityModel | None
) -> tuple[dict[str, float], dict[str, float]]:
    """The weights by feature and the biases by pair of languages; see `fit_answerability`."""
    from scipy.optimize import minimize

    values = np.array([example.evidence.values() for example in examples])
    pairs = np.array([[example.evidence.pair == pair for pair in PAIRS] for example in examples], float)
    targets = np.where([example.answered for example in examples], 1.0, -1.0)
    mean, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    table = np.hstack([(values - mean) / spread, pairs, np.ones((len(examples), 1))])
    start = np.zeros(table.shape[1])
    if prior is not None:
        slopes = np.array([prior.weights.get(feature, 0.0) for feature in FEATURES])
        scale = np.mean([prior.scales.get(example.evidence.pair, 1.0) for example in examples])
        start[: len(FEATURES)] = slopes * scale * spread
        start[len(FEATURES) : -1] = [
            prior.biases[pair] + prior.scales.get(pair, 1.0) * float(slopes @ mean) for pair in PAIRS
        ]
    pull = np.full(len(start), _RIDGE)
    pull[-1] = 0  # what all questions share moves freely

    def loss(parameters: Numbers) -> tuple[float, Numbers]:
        margins = targets * (table @ parameters)
        distance = parameters - start
        value = float(np.logaddexp(0, -margins).sum() + 0.5 * (pull * distance) @ distance)
        slope = -(targets * np.exp(-np.logaddexp(0, margins))) @ table + pull * distance
        return value, slope

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000}).x
    slopes = best[: len(FEATURES)] / spread
    biases = best[len(FEATURES) : -1] + best[-1] - float(slopes @ mean)
    return (
        dict(zip(FEATURES, slopes.tolist(), strict=True)),
        dict(zip(PAIRS, biases.tolist(), strict=True)),
    )
