"""The records of an evaluation: what was asked of which configuration, each case, and the metrics over all cases.

`qa_engine.evaluation.record_files` writes them as JSON and reads them again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeGuard

from qa_engine.errors import AuthenticationFailedError, QAEngineError

FORMAT = 1
"""Version of the files of a run."""
STAGES = ("dense", "bm25", "fused", "reranked")
"""The stages of retrieval in the order in which they run."""


@dataclass(frozen=True)
class Gold:
    """What is known about the right answer.

    Attributes:
        answers: texts, each of which is a right answer; empty if none is known.
        answerable: whether the documents answer the question.
        file: name of the PDF that answers it; empty if it is not known.
        page: page of that PDF, from 1; None if it is not known.
        evidence: passage of the document that answers; empty if it is not known.
    """

    answers: list[str] = field(default_factory=list)
    answerable: bool = True
    file: str = ""
    page: int | None = None
    evidence: str = ""


@dataclass(frozen=True)
class PassageResult:
    """A passage that the answer could use; with ``--retrieval-only``, one of the first ten.

    Attributes:
        rank: from 1.
        file: name of the PDF.
        page, page_end: first and last page, from 1; None if they are not known.
        text: the passage.
        score: score that it was ranked by, higher is better.
        holds_answer: whether it holds a gold answer or the gold evidence; None if neither is known.
        holds_page: whether it is on the gold page of the gold file; None if they are not known.
    """

    rank: int
    file: str
    page: int | None
    page_end: int | None
    text: str
    score: float | None = None
    holds_answer: bool | None = None
    holds_page: bool | None = None


@dataclass(frozen=True)
class CitationResult:
    """A citation of an answer; ``holds_answer`` and ``correct`` are None if the gold does not say.

    Attributes:
        number: the number of the passage in the answer: 1 for ``[1]``.
        file, page, page_end: as of a passage.
        text: the quoted sentence, or with a language model the passage.
        holds_answer: whether the text holds a gold answer.
        correct: whether it supports the gold answer; see `qa_engine.evaluation.metrics.gold.is_correct`.
    """

    number: int
    file: str
    page: int
    page_end: int
    text: str
    holds_answer: bool | None = None
    correct: bool | None = None


@dataclass(frozen=True)
class StageRanking:
    """Where the gold is among the first ten passages of one stage of retrieval.

    Attributes:
        rank: of the first passage, from 1, that holds the gold; None without one.
        page_rank: of the first passage on the gold page; None without one, or if no page is known.
        within: whether an answer lies within a number of characters of context, without blanks; the key is that number.
            Empty if no answer text is known, or only one in another language than that of the documents.
    """

    rank: int | None
    page_rank: int | None = None
    within: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseFailure:
    """Why there is no result: ``kind`` is the name of the error class, ``message`` one sentence."""

    kind: str
    message: str


@dataclass(frozen=True)
class CaseResult:
    """One question and its result.

    Attributes:
        id: names the question within its set.
        question: as it was asked.
        gold: what is known about the answer.
        answer: the text, or the refusal; None with ``--retrieval-only``, and after a failure.
        refused: whether the answer is the refusal; None like ``answer``.
        probability: estimate that the passages hold the answer, 0 to 1; None without an estimate.
        citations: what the answer refers to.
        passages: the passages that it could use, best first.
        stages: the rankings of retrieval, by a name of `STAGES`; empty if the gold names nothing that could be found.
        measures: of the answer by name, 0 to 1; measures that do not apply are absent. Answerable questions with gold
            answers have ``exact_match``, ``f1``, ``contains_answer`` and ``evidence_holds_answer``; questions whose place is
            known ``citation_precision`` (if there are citations) and ``citation_recall``; answers that are no refusals
            ``chinese`` and ``numbers_supported``; all of them ``refusal_accuracy``.
        unsupported_numbers: numbers of the answer that no cited passage holds.
        timings: seconds by stage, and ``total``.
        tokens: ``prompt``, ``completion`` and ``total`` of the calls for the answer, as the language model reports them;
            empty without a report.
        failure: why there is no answer; None if there is one.
    """

    id: str
    question: str
    gold: Gold
    answer: str | None = None
    refused: bool | None = None
    probability: float | None = None
    citations: list[CitationResult] = field(default_factory=list)
    passages: list[PassageResult] = field(default_factory=list)
    stages: dict[str, StageRanking] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)
    unsupported_numbers: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    failure: CaseFailure | None = None


@dataclass(frozen=True)
class RunManifest:
    """What a run asks of which configuration; a folder is resumed only if all of it is the same.

    Attributes:
        questions_file: name of the file.
        questions_sha256: of the questions, in their order.
        questions: number of questions.
        collection: names of the collections.
        retrieval_only: whether no answers are made.
        configuration: the settings that decide the results, without secrets.
        fingerprint: of ``configuration``, ``collection`` and the published state of the index.
        models: names of ``embedding``, ``reranker`` and ``llm``.
        created_at: in UTC, ISO 8601.
        version: of qa_engine.
        format: version of the files.
    """

    questions_file: str
    questions_sha256: str
    questions: int
    collection: list[str]
    retrieval_only: bool
    configuration: dict[str, Any]
    fingerprint: str
    models: dict[str, str]
    created_at: str = ""
    version: str = ""
    format: int = FORMAT


@dataclass(frozen=True)
class MetricSummary:
    """The mean of a metric over the cases to which it applies.

    ``low`` and ``high`` are the ends of its 95 % bootstrap interval; None for fewer than two cases.
    """

    mean: float
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class RefusalPoint:
    """The effect of refusing below ``threshold``: see `RefusalSummary`."""

    threshold: float
    precision: float | None
    recall: float | None
    false_refusals: float | None


@dataclass(frozen=True)
class RefusalSummary:
    """How well questions were refused that the documents do not answer.

    Attributes:
        answerable: questions that the documents answer, and that got an answer or a refusal.
        unanswerable: questions that they do not answer.
        refused: refused questions of both kinds.
        precision: share of the refused questions that are unanswerable; None if none was refused.
        recall: share of the unanswerable questions that were refused; None without any.
        false_refusals: share of the answerable questions that were refused; None without any.
        curve: the same by threshold of the probability; empty without an estimate.
    """

    answerable: int
    unanswerable: int
    refused: int
    precision: float | None = None
    recall: float | None = None
    false_refusals: float | None = None
    curve: list[RefusalPoint] = field(default_factory=list)


@dataclass(frozen=True)
class RunResults:
    """The metrics of a run.

    Attributes:
        manifest: what was asked of which configuration.
        finished_at: in UTC, ISO 8601.
        cases: number of cases, failures included.
        failures: how many failed, by the kind of the failure.
        retrieval: by stage and measure: ``hit@1``, ``hit@3``, ``hit@5``, ``hit@10``, ``mrr@10``, ``ndcg@10``,
            ``within_300``, ``within_600``, ``within_1200``, ``within_2400``, ``page_hit@1``, ``page_hit@10``.
        answers: by measure, see `CaseResult.measures`.
        refusals: None with ``--retrieval-only``.
        seconds: ``p50`` and ``p95`` of a question; empty if no question was timed.
        tokens: sums by kind; empty if the language model reports none.
    """

    manifest: RunManifest
    finished_at: str
    cases: int
    failures: dict[str, int] = field(default_factory=dict)
    retrieval: dict[str, dict[str, MetricSummary]] = field(default_factory=dict)
    answers: dict[str, MetricSummary] = field(default_factory=dict)
    refusals: RefusalSummary | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)


def is_outage(error: object) -> TypeGuard[QAEngineError]:
    """Whether a service or a model is missing, so that the next question would most likely fail in the same way."""
    return isinstance(error, QAEngineError) and (
        isinstance(error, AuthenticationFailedError) or error.exit_code == 3
    )
