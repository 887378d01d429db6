"""Conditions on the numbers of documents, for any number of documents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
"""Numbers of documents, ascending."""
_RANGES = 400
"""Ranges in one condition: search engines take 1,024 clauses in all."""
_TERMS = 50_000
"""Numbers in one clause: search engines take 65,536."""


def within(numbers: Numbers, visible: Numbers) -> dict[str, Any]:
    """The condition that of all visible documents those with some numbers satisfy. What others do is not said.

    Args:
        numbers: of the documents; all of them are visible.
        visible: the numbers of all documents that are searched.
    """
    return _one_of(_runs(numbers, np.searchsorted(visible, numbers)))


def gaps(visible: Numbers) -> list[dict[str, Any]]:
    """The conditions that whole numbers between those of visible documents satisfy; none if there are no such numbers."""
    edges = np.concatenate([[0], visible])
    open_places = np.flatnonzero(np.diff(edges) > 1)
    runs = np.stack([edges[open_places] + 1, edges[open_places + 1] - 1], axis=1)
    return [_one_of(runs)] if len(runs) else []


def _runs(numbers: Numbers, places: Numbers) -> NDArray[np.int64]:
    """The first and the last number of each run of neighbouring places, (runs, 2)."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    firsts, ends = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(numbers)]])
    return (
        np.stack([numbers[firsts], numbers[ends - 1]], axis=1) if len(numbers) else np.zeros((0, 2), np.int64)
    )


def _one_of(runs: NDArray[np.int64]) -> dict[str, Any]:
    """The condition that the numbers in runs satisfy: the longest runs as ranges, all others number by number."""
    order = np.argsort(runs[:, 0] - runs[:, 1], kind="stable")
    ranged = [tuple(run) for run in runs[order[:_RANGES]].tolist() if run[1] > run[0]]
    rest = runs[order[len(ranged) :]]
    single = [number for first, last in rest.tolist() for number in range(first, last + 1)]
    clauses: list[dict[str, Any]] = [
        {"range": {"number": {"gte": first, "lte": last}}} for first, last in sorted(ranged)
    ]
    clauses += [
        {"terms": {"number": sorted(single)[start : start + _TERMS]}}
        for start in range(0, len(single), _TERMS)
    ]
    if not clauses:
        return {"match_none": {}}
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses}}
