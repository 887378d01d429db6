"""Fits the decision to refuse to a user's own collection and questions."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llama_index.core.schema import NodeWithScore
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters

from qa_engine.answering.answerability import AnswerabilityFeatures, AnswerabilityModel
from qa_engine.config import Config
from qa_engine.engine import QueryEngine
from qa_engine.errors import InputError
from qa_engine.evaluation.questions import LabelledQuestion
from qa_engine.evaluation.relevance_fit import Example, Refusals, fit_relevance, refusals_at

MIN_QUESTIONS = 20
"""Of either kind. With fewer, five percent is less than one question."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Calibration:
    """A `AnswerabilityModel` of a collection, and how well it told its questions apart.

    Attributes:
        model: the fitted model.
        answerable: questions that the documents answer.
        unanswerable: questions that they do not, those among them whose file was left out.
        false_refusals: the share of answerable questions that was allowed to be refused.
        before: refusals at the threshold that held before; None without one.
        after: refusals at the new threshold, each question judged by a model that was fitted without it.
        asked_again: questions of the file that count twice, the second time with the file that answers them left out.
    """

    model: AnswerabilityModel
    answerable: int
    unanswerable: int
    false_refusals: float
    before: Refusals | None
    after: Refusals
    asked_again: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


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

    A question with answers counts twice where that is possible: as it is, and with the file that answers it left out.

    Args:
        engine: opened for the collection; only its retrieval is used.
        config: that it was opened with.
        questions: about the collection.
        false_refusals: the share of the answerable questions, 0 to 1, that may be refused.
        prior: a model for the same reranker, from which few questions lead away only a little.
        current: the model in use, to compare with.
        progress: told how many questions are done, and how many there are.

    Raises:
        InputError: there are too few questions of one kind.
    """
    examples: list[Example] = []
    asked_again = 0
    for done, question in enumerate(questions, 1):
        found = list(_examples(engine, config, question))
        asked_again += len(found) == 2
        examples += found
        progress(done, len(questions))
    answerable = [example.answerable for example in examples]
    known, unknown = sum(answerable), len(examples) - sum(answerable)
    if min(known, unknown) < MIN_QUESTIONS:
        raise InputError(
            f"There are {known} questions with an answer and {unknown} without one, and {MIN_QUESTIONS} of either are "
            "needed. Add answers to questions, so that they can be asked once more with their file left out, or questions "
            'with "answerable": false.'
        )
    model, unseen = fit_relevance(examples, false_refusals, prior)
    before = None
    if current is not None:
        judged = [current.of_features(example.evidence) for example in examples]
        before = refusals_at(current.threshold, judged, answerable)
    return Calibration(
        model,
        known,
        unknown,
        false_refusals,
        before,
        refusals_at(model.threshold, unseen, answerable),
        asked_again,
    )


def _examples(engine: QueryEngine, config: Config, asked: LabelledQuestion) -> Iterator[Example]:
    passages, judged_as = _candidates(engine, config, asked.question)
    used = config.answering.passages
    holding = [passage for passage in passages[:used] if asked.answers and _holds(passage, asked.answers)]
    if passages:
        answered = asked.answerable and bool(holding or not asked.answers)
        yield Example(AnswerabilityFeatures.of(judged_as, passages, used), answered, asked.answerable)
    file = asked.file or (str(holding[0].node.metadata.get("file_name", "")) if holding else "")
    if not asked.answerable or not asked.answers or not file:
        return
    without = MetadataFilters(filters=[MetadataFilter(key="file", value=file, operator=FilterOperator.NE)])
    passages, judged_as = _candidates(engine.with_filters(without), config, asked.question)
    if passages and not any(_holds(passage, asked.answers) for passage in passages[:used]):
        yield Example(AnswerabilityFeatures.of(judged_as, passages, used), answered=False, answerable=False)


def _candidates(engine: QueryEngine, config: Config, question: str) -> tuple[list[NodeWithScore], str]:
    explained = engine.explain(question, config.retrieval.candidates)
    return list(explained.nodes), explained.judged_as or question


def _holds(passage: NodeWithScore, answers: Sequence[str]) -> bool:
    text = _squashed(passage.node.get_content())
    return any(_squashed(answer) in text for answer in answers)


def _squashed(text: str) -> str:
    """A text without what line breaks, width and case change."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
