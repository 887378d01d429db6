"""The metrics of the judges of a run, and their file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qa_engine.evaluation.judges.agreement import Agreement
from qa_engine.evaluation.judges.judgements import JudgedCase
from qa_engine.evaluation.metrics.significance import wilson
from qa_engine.evaluation.record_files import from_dict, write_json

SUMMARY = "judges.json"
"""Name of the file in the folder of a run."""


@dataclass(frozen=True)
class JudgeSummary:
    """The metrics of one judge.

    Attributes:
        judge: its name.
        model: name of the judging model.
        judged: cases with a score.
        passed: of these, cases that are good enough; for ``pairwise``, better than those of the other run.
        ties: for ``pairwise``, cases where neither answer is better; 0 for the others.
        passing_rate: share of the judged cases that passed; None without any.
        low, high: its 95 % interval (Wilson); None like ``passing_rate``.
        mean_score: on the scale of the judge; None without any.
        unparsed: cases whose replies could not be read. They count nowhere else.
        errors: cases without a reply.
        skipped: cases that the judge was not asked about, by reason.
        agreement: with the labels of people; None without labels.
    """

    judge: str
    model: str
    judged: int
    passed: int
    ties: int
    passing_rate: float | None
    low: float | None
    high: float | None
    mean_score: float | None
    unparsed: int
    errors: int
    skipped: dict[str, int] = field(default_factory=dict)
    agreement: Agreement | None = None


@dataclass(frozen=True)
class JudgeReport:
    """The metrics of all judges of a run in the order in which they were named, and their verdicts.

    ``asked`` is the number of requests that were sent; those that were answered in an earlier run are not sent again.
    """

    summaries: list[JudgeSummary]
    judged: list[JudgedCase]
    asked: int

    @property
    def errors(self) -> int:
        """Cases without a reply."""
        return sum(summary.errors for summary in self.summaries)

    def to_dict(self) -> dict[str, Any]:
        """The report as a JSON object, without the cases, which are in ``judgements.jsonl``."""
        return {"judges": [asdict(summary) for summary in self.summaries], "asked": self.asked}


def summarise_judge(
    judge: str,
    model: str,
    judged_cases: Sequence[JudgedCase],
    skipped: Mapping[str, int],
    agreement: Agreement | None,
) -> JudgeSummary:
    """The metrics of one judge over its verdicts."""
    scores = [item.score for item in judged_cases if item.is_complete and item.score is not None]
    passed = sum(item.passing is True for item in judged_cases if item.is_complete)
    low, high = wilson(passed, len(scores))
    return JudgeSummary(
        judge,
        model,
        judged=len(scores),
        passed=passed,
        ties=sum(score == 0.5 for score in scores) if judge == "pairwise" else 0,
        passing_rate=passed / len(scores) if scores else None,
        low=low,
        high=high,
        mean_score=sum(scores) / len(scores) if scores else None,
        unparsed=sum(bool(item.unparsed) and not item.error for item in judged_cases),
        errors=sum(bool(item.error) for item in judged_cases),
        skipped=dict(skipped),
        agreement=agreement,
    )


def write_summary(folder: Path, report: JudgeReport) -> None:
    """Writes ``judges.json``: the metrics of this report, and those of judges that it lacks from the file before.

    Raises:
        StorageError: it cannot be written.
    """
    summaries = {item.judge: asdict(item) for item in [*read_summary(folder), *report.summaries]}
    write_json(folder / SUMMARY, {"judges": list(summaries.values())})


def read_summary(folder: Path) -> list[JudgeSummary]:
    """The metrics in ``judges.json``; none if the file is missing or damaged: it can be made again."""
    try:
        content = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return [from_dict(JudgeSummary, item) for item in content["judges"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
