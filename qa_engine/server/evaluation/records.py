"""Evaluations as clients are told of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

RunState = Literal["running", "finished", "failed", "cancelled"]


class Measure(BaseModel):
    """A measure of an evaluation.

    Attributes:
        mean: over the questions to which it applies, 0 to 1.
        low: lower end of its 95 % interval; null for fewer than two questions.
        high: upper end of it.
        count: number of those questions.
    """

    mean: float
    low: float | None
    high: float | None
    count: int


class Run(BaseModel):
    """An evaluation.

    Attributes:
        name: of the run, that of its folder.
        state: whether it runs, has finished, or has ended before its time.
        fault: why it ended before its time; empty if it did not, or if that is not known.
        created_at: when it began, in UTC.
        finished_at: when it was finished; null before.
        collections: that were asked.
        questions: number of the questions.
        done: number of those that have been asked; null if that is not known.
        failed: number of those that failed.
        retrieval_only: whether no answers were made.
        fingerprint: of the configuration and the documents; runs with the same one asked the same engine.
        models: names of the models.
        measures: the main measures, by their names in `qa-engine evaluate`.
        has_report: whether it has a report to open.
    """

    name: str
    state: RunState
    fault: str
    created_at: str
    finished_at: str | None
    collections: list[str]
    questions: int
    done: int | None
    failed: int
    retrieval_only: bool
    fingerprint: str
    models: dict[str, str]
    measures: dict[str, Measure]
    has_report: bool


class Place(BaseModel):
    """A page in a document.

    Attributes:
        file: name of the file.
        page: of it, from 1; null if it is not known.
        collection: that has a file of this name now; null if none of the run has.
        file_id: of that file.
    """

    file: str
    page: int | None
    collection: str | None = None
    file_id: str | None = None


class WorstCase(BaseModel):
    """A question with a bad result.

    Attributes:
        question: as it was asked.
        outcome: what is bad about it, in words of the report.
        expected: where the answer is; null if that is not known, or nowhere.
        found: where the first passages are.
        answer: the text; null if none was made.
        fault: why there is no result; empty if there is one.
    """

    question: str
    outcome: str
    expected: Place | None
    found: list[Place]
    answer: str | None
    fault: str


class WholeRun(Run):
    """An evaluation with all that it measured.

    Attributes:
        results: as in its results.json; null if it has not finished.
        outcomes: number of cases by outcome.
        worst: the first of the cases with a bad outcome, the worst kind first.
    """

    results: dict[str, Any] | None
    outcomes: dict[str, int]
    worst: list[WorstCase]
