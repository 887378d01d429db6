"""The agreement of a judge with people: Cohen's kappa on a labelled sample."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa_engine.errors import InputError
from qa_engine.evaluation.judges.judgements import JudgedCase
from qa_engine.evaluation.record_files import text_lines

PASSING_SCORE = 4.0
"""The score, 1 to 5, from which on a person's label counts as passed."""
_RESAMPLES = 2000
_SEED = 20_240_601
_PREFERENCES = {"a": "A", "b": "B", "tie": "tie", "平": "tie", "平局": "tie", "c": "tie"}
_VERDICTS = {
    **dict.fromkeys(("是", "yes", "true", "1"), "yes"),
    **dict.fromkeys(("否", "no", "false", "0"), "no"),
}


@dataclass(frozen=True)
class Label:
    """The verdict of a person on a case, in the place of a judge.

    Attributes:
        id: id of the case.
        judge: name of the judge whose question the person answered.
        label: ``yes`` or ``no``; for ``pairwise``: ``A``, ``B`` or ``tie``.
    """

    id: str
    judge: str
    label: str


@dataclass(frozen=True)
class Agreement:
    """The agreement of a judge with people.

    Attributes:
        labelled: number of labels for the judge.
        compared: labels whose case has a verdict of the judge.
        agreed: share of these with the same verdict; None without any.
        kappa: agreement beyond chance: 1 is perfect, 0 is chance; None if all verdicts of both are the same.
        low, high: its 95 % interval, by resampling the cases; None like ``kappa``, and for fewer than two cases.
        confusion: number of cases by ``label/verdict``.
    """

    labelled: int
    compared: int
    agreed: float | None
    kappa: float | None
    low: float | None
    high: float | None
    confusion: dict[str, int]


def agreement(labels: Iterable[Label], judged_cases: Iterable[JudgedCase], judge: str) -> Agreement:
    """The agreement of one judge with the labels for it."""
    verdicts = {item.id: verdict_of(item) for item in judged_cases if item.judge == judge}
    labels_by_id = {label.id: label.label for label in labels if label.judge == judge}
    pairs = sorted(
        (label, verdict) for id, label in labels_by_id.items() if (verdict := verdicts.get(id)) is not None
    )
    counts = Counter(pairs)
    agreed = sum(label == verdict for label, verdict in pairs) / len(pairs) if pairs else None
    confusion = {f"{label}/{verdict}": count for (label, verdict), count in counts.items()}
    return Agreement(len(labels_by_id), len(pairs), agreed, kappa(counts), *kappa_interval(counts), confusion)


def kappa(counts: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa (1960) of counted pairs of verdicts; None without pairs, or if chance alone explains all.

    Example:
        >>> kappa(Counter([("yes", "yes"), ("no", "no"), ("yes", "no"), ("no", "no")]))
        0.5
    """
    total = sum(counts.values())
    labels: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for (label, verdict), count in counts.items():
        labels[label] += count
        verdicts[verdict] += count
    expected = sum(labels[name] * verdicts[name] for name in labels) / total**2 if total else 1.0
    if expected >= 1:
        return None
    observed = sum(count for (label, verdict), count in counts.items() if label == verdict) / total
    return (observed - expected) / (1 - expected)


def kappa_interval(counts: Mapping[tuple[str, str], int]) -> tuple[float | None, float | None]:
    """The 95 % interval of `kappa`: percentiles over resampled pairs; the same for the same pairs."""
    total = sum(counts.values())
    if total < 2 or kappa(counts) is None:
        return None, None
    kinds = sorted(counts)
    shares = np.array([counts[kind] for kind in kinds]) / total
    draws = np.random.default_rng(_SEED).multinomial(total, shares, _RESAMPLES)
    resampled = [kappa(dict(zip(kinds, draw.tolist(), strict=True))) for draw in draws]
    values = [value for value in resampled if value is not None]
    if not values:
        return None, None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def verdict_of(judged_case: JudgedCase) -> str | None:
    """The verdict of a judge as a `Label` names it; None without one."""
    if not judged_case.is_complete or judged_case.score is None:
        return None
    if judged_case.judge == "pairwise":
        return {1.0: "A", 0.0: "B"}.get(judged_case.score, "tie")
    return None if judged_case.passing is None else "yes" if judged_case.passing else "no"


def read_labels(path: Path) -> list[Label]:
    """The labels in a file, a JSON object a line: ``{"id": "q1", "judge": "faithfulness", "label": true}``.

    A label is true or false, 是 or 否, "yes" or "no"; for ``correctness`` also 1 to 5, of which 4 and 5 pass; for
    ``pairwise`` "A", "B" or "tie". The last label for a case and a judge counts.

    Raises:
        InputError: the file cannot be read, a line is no such object, or there is none; the message names the line.
    """
    labels = []
    for number, line in text_lines(path, "labels"):
        try:
            content = json.loads(line)
            labels.append(Label(str(content["id"]), str(content["judge"]), _label(content)))
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"Line {number} of {path} is no label: {line.strip()[:80]!r}. "
                'Write {"id": "q1", "judge": "faithfulness", "label": true}.'
            ) from None
    if not labels:
        raise InputError(f"There is no label in {path}.")
    return labels


def _label(content: dict[str, Any]) -> str:
    value = content["label"]
    if content["judge"] == "pairwise":
        return _PREFERENCES[str(value).strip().lower()]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and content["judge"] == "correctness" and 1 <= value <= 5:
        return "yes" if value >= PASSING_SCORE else "no"
    return _VERDICTS[str(value).strip().lower()]
