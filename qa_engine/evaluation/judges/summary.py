"""The figures of the judges of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

from qa_engine.evaluation.judges.agreement import Agreement
from qa_engine.evaluation.judges.journal import JudgedCase

SUMMARY = "judges.json"
"""Name of the file in the folder of a run."""
_Z = 1.959964


@dataclass(frozen=True)
class JudgeFigures:
    """What a judge came to.

    Attributes:
        judge: its name.
        model: that judged.
        judged: cases with a score.
        passed: those of them that are good enough; for ``pairwise``, better than the other run's.
        ties: for ``pairwise``, those where neither is better; 0 for the others.
        passing_rate: share of the judged cases that passed; None without any.
        low, high: its 95 % interval (Wilson); None like ``passing_rate``.
        mean_score: on the scale of the judge; None without any.
        unparsed: cases whose reply could not be read. They count nowhere else.
        errors: cases for which there was no reply.
        skipped: cases that were not asked about, by reason.
        agreement: with people's labels; None without labels.
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
    """The figures of all judges of a run, and what they said of each case.

    Attributes:
        figures: by judge, in the order in which they were named.
        judged: what they said.
        asked: requests that were sent; those answered in an earlier run are not sent again.
    """

    figures: list[JudgeFigures]
    judged: list[JudgedCase]
    asked: int

    @property
    def errors(self) -> int:
        """Cases for which there was no reply."""
        return sum(figures.errors for figures in self.figures)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, without the cases, which are in ``judgements.jsonl``."""
        return {"judges": [asdict(figures) for figures in self.figures], "asked": self.asked}


def figures_of(
    judge: str,
    model: str,
    judged: Sequence[JudgedCase],
    skipped: Mapping[str, int],
    agreement: Agreement | None,
) -> JudgeFigures:
    """The figures of one judge from what it said."""
    scores = [item.score for item in judged if item.is_complete and item.score is not None]
    passed = sum(item.passing is True for item in judged if item.is_complete)
    low, high = wilson(passed, len(scores))
    return JudgeFigures(
        judge,
        model,
        judged=len(scores),
        passed=passed,
        ties=sum(score == 0.5 for score in scores) if judge == "pairwise" else 0,
        passing_rate=passed / len(scores) if scores else None,
        low=low,
        high=high,
        mean_score=sum(scores) / len(scores) if scores else None,
        unparsed=sum(bool(item.unparsed) and not item.error for item in judged),
        errors=sum(bool(item.error) for item in judged),
        skipped=dict(skipped),
        agreement=agreement,
    )


def wilson(successes: int, count: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share; None, None of nothing.

    Example:
        >>> tuple(round(end, 3) for end in wilson(9, 10))
        (0.596, 0.982)
    """
    if not count:
        return None, None
    share = successes / count
    middle = share + _Z**2 / (2 * count)
    spread = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    scale = 1 + _Z**2 / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def write_summary(folder: Path, report: JudgeReport) -> Path:
    """Writes ``judges.json``: the figures, those of judges that were not asked this time kept."""
    path = folder / SUMMARY
    figures = {item["judge"]: item for item in read_summary(folder)}
    figures |= {item.judge: asdict(item) for item in report.figures}
    temporary = path.with_suffix(".part")
    temporary.write_text(
        json.dumps({"judges": list(figures.values())}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    temporary.replace(path)
    return path


def read_summary(folder: Path) -> list[dict[str, Any]]:
    """The figures in ``judges.json``; none without it, or if it is damaged: it can be made again."""
    try:
        content = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return [item for item in content["judges"] if isinstance(item, dict) and "judge" in item]
    except (OSError, ValueError, KeyError, TypeError):
        return []
