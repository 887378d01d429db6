"""The files of an evaluation run: what was asked of which configuration, each case, and the figures.

A run is a folder. ``run.json`` (`RunManifest`) says what was asked, and is written first. ``cases.jsonl`` holds a
`CaseResult` a line, written as soon as the case is done; of several lines of one id, the last counts. ``results.json``
(`RunResults`) holds the figures over all cases, ``report.md`` shows them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_engine.errors import InputError
from qa_engine.evaluation.dataclass_json import from_dict as from_dict
from qa_engine.evaluation.dataclass_json import to_dict as to_dict
from qa_engine.evaluation.refusal_metrics import RefusalFigures as RefusalFigures
from qa_engine.evaluation.refusal_metrics import RefusalPoint as RefusalPoint

FORMAT = 1
MANIFEST, CASES, RESULTS, REPORT = "run.json", "cases.jsonl", "results.json", "report.md"
STAGES = ("dense", "bm25", "fused", "reranked")
"""The stages of retrieval in the order in which they run."""


@dataclass(frozen=True)
class Gold:
    """What is known about the right answer.

    Attributes:
        answers: texts of which one is the answer; empty if that is not known.
        answerable: whether the documents answer the question.
        file: name of the PDF that does; empty if that is not known.
        page: of it, from 1; None if that is not known.
        evidence: the passage of the document that answers; empty if that is not known.
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
        page: first page, from 1; None if it is not known.
        page_end: last page.
        text: the passage.
        score: that ranked it, higher is better.
        holds_answer: whether it holds a gold answer or the gold evidence; None where neither is known.
        holds_page: whether it is on the gold page of the gold file; None where they are not known.
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
    """A citation of an answer; ``holds_answer`` and ``correct`` are None where the gold is not known.

    Attributes:
        number: the n of ``[n]`` in the answer.
        file: name of the PDF.
        page: first page, from 1.
        page_end: last page.
        text: the quoted sentence, or with a language model the passage.
        holds_answer: whether the text holds a gold answer.
        correct: whether it is where the gold says, or holds what the gold says; see `qa_engine.evaluation.citation_metrics`.
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
    """Where the gold was found in the first ten passages of one stage of retrieval.

    Attributes:
        rank: of the first passage, from 1, that holds the gold; None without one.
        page_rank: of the first passage on the gold page; None without one, or where no page is known.
        within: whether an answer lies within so many characters of context, blanks not counted; by the number as text.
            Empty where no answer text is known, or only in another language than that of the documents.
    """

    rank: int | None
    page_rank: int | None = None
    within: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseFailure:
    """Why there is no answer: ``kind`` is the name of the error class, ``message`` one sentence."""

    kind: str
    message: str


@dataclass(frozen=True)
class Judgement:
    """What a language model said of an answer.

    Attributes:
        score: 0 to 1; None if there is none, which ``failure`` then explains.
        passed: whether that is good enough; None without a score.
        reason: in the words of the judge.
        failure: why there is no score: an error of the service, or a reply that could not be read.
        tokens: that the judge reported, by kind; empty without a report.
    """

    score: float | None
    passed: bool | None
    reason: str = ""
    failure: CaseFailure | None = None
    tokens: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseResult:
    """One question, asked.

    Attributes:
        id: names the question within its set.
        question: as it was asked.
        gold: what is known about the answer.
        answer: the text, or the refusal; None with ``--retrieval-only``, and after a failure.
        refused: whether it is the refusal; None like ``answer``.
        probability: estimate that the passages hold the answer, 0 to 1; None without an estimate.
        citations: what the answer refers to.
        passages: what it could use, best first.
        stages: the rankings of retrieval, by a name of `STAGES`; empty where the gold names nothing that could be found.
        measures: of the answer by name, 0 to 1; those that do not apply are absent. Of answerable questions with gold
            answers ``exact_match``, ``f1``, ``contains_answer`` and ``evidence_holds_answer``; where the place of the
            evidence is known ``citation_precision`` (if there are citations) and ``citation_recall``; of answers that are no
            refusals ``chinese`` and ``numbers_supported``; of all ``refusal_accuracy``.
        unsupported_numbers: numbers of the answer that no cited passage holds.
        timings: seconds by stage, and ``total``.
        tokens: ``prompt``, ``completion`` and ``total`` of the calls for the answer, as the language model reports them;
            empty without a report.
        judgements: of language models, by the name of what they judge, such as ``faithfulness``.
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
    judgements: dict[str, Judgement] = field(default_factory=dict)
    failure: CaseFailure | None = None


@dataclass(frozen=True)
class RunManifest:
    """What a run asks of what; a folder takes up a run again only if all of it is the same.

    Attributes:
        questions_file: name of the file.
        questions_sha256: of the questions that are asked, in their order.
        questions: how many they are.
        collection: names of the collections.
        retrieval_only: whether no answers are made.
        configuration: the settings that decide what comes out, without secrets.
        fingerprint: of ``configuration``, ``collection`` and the published state of the index.
        models: names of ``embedding``, ``reranker`` and ``llm``.
        created_at: in UTC, ISO 8601.
        version: of qa_engine.
        format: of these files.
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
class Figure:
    """A mean over the cases to which a measure applies, with its 95 % bootstrap interval.

    ``low`` and ``high`` are None for fewer than two cases.
    """

    mean: float
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class RunResults:
    """The figures of a run.

    Attributes:
        manifest: what was asked of what.
        finished_at: in UTC, ISO 8601.
        cases: how many have a result, failures included.
        failures: how many failed, by the kind of the failure.
        retrieval: by stage and measure: ``hit@1``, ``hit@3``, ``hit@5``, ``hit@10``, ``mrr@10``, ``ndcg@10``,
            ``within_300``, ``within_600``, ``within_1200``, ``within_2400``, ``page_hit@1``, ``page_hit@10``.
        answers: by measure, see `CaseResult.measures`.
        judgements: by what language models judged; ``count`` are those with a score.
        judgement_failures: judgements without a score, by what was judged.
        refusals: None with ``--retrieval-only``.
        seconds: ``p50`` and ``p95`` of a question; empty without one.
        tokens: sums by kind; empty where the language model reports none.
    """

    manifest: RunManifest
    finished_at: str
    cases: int
    failures: dict[str, int] = field(default_factory=dict)
    retrieval: dict[str, dict[str, Figure]] = field(default_factory=dict)
    answers: dict[str, Figure] = field(default_factory=dict)
    judgements: dict[str, Figure] = field(default_factory=dict)
    judgement_failures: dict[str, int] = field(default_factory=dict)
    refusals: RefusalFigures | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)


def read_run(folder: Path | str) -> tuple[RunResults, list[CaseResult]]:
    """The figures and the cases of a finished run.

    Raises:
        InputError: the folder holds no finished run, or another version wrote it.
    """
    folder = Path(folder)
    try:
        results = from_dict(RunResults, json.loads((folder / RESULTS).read_text(encoding="utf-8")))
        lines = (folder / CASES).read_text(encoding="utf-8").split("\n")
        cases = {case.id: case for case in (_case(line) for line in lines if line.strip())}
    except FileNotFoundError:
        raise InputError(
            f"{folder} holds no finished evaluation: run qa-engine evaluate with --out {folder} first."
        ) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"The evaluation in {folder} cannot be read: {error}.") from None
    if results.manifest.format != FORMAT:
        raise InputError(
            f"The evaluation in {folder} has format {results.manifest.format}, this version reads {FORMAT}: evaluate again."
        )
    return results, list(cases.values())


def _case(line: str) -> CaseResult:
    return from_dict(CaseResult, json.loads(line))
