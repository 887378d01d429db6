"""Refusals, beside counting them out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.evaluation.metrics.summary import refusal_summary
from qa_engine.evaluation.records import CaseFailure, CaseResult, Gold


def case(answerable: bool, refused: bool | None, probability: float | None = None) -> CaseResult:
    return CaseResult("1", "问？", Gold(answerable=answerable), refused=refused, probability=probability)


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def test_without_questions_there_are_no_shares() -> None:
    figures = refusal_summary([])
    assert (figures.precision, figures.recall, figures.false_refusals, figures.curve) == (
        None,
        None,
        None,
        [],
    )


def test_cases_that_failed_do_not_count() -> None:
    failed = CaseResult("1", "问？", Gold(), failure=CaseFailure("E", "m"))
    assert refusal_summary([failed]).answerable == 0


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 1)), max_size=20))
def test_shares_are_those_of_the_counts(rows: list[tuple[bool, bool, float]]) -> None:
    figures = refusal_summary([case(*row) for row in rows])
    known = [row for row in rows if row[0]]
    unknown = [row for row in rows if not row[0]]
    refused = [row for row in rows if row[1]]
    assert figures.precision == share(sum(not row[0] for row in refused), len(refused))
    assert figures.recall == share(sum(row[1] for row in unknown), len(unknown))
    assert figures.false_refusals == share(sum(row[1] for row in known), len(known))
    for point in figures.curve:
        below = [row for row in rows if row[2] < point.threshold]
        assert point.precision == share(sum(not row[0] for row in below), len(below))
        assert point.recall == share(sum(not row[0] for row in below), len(unknown))
        assert point.false_refusals == share(sum(row[0] for row in below), len(known))


def test_the_curve_leaves_out_what_has_no_estimate() -> None:
    figures = refusal_summary([case(True, False), case(False, True, 0.2)])
    assert (figures.answerable, figures.unanswerable) == (1, 1)
    assert [point.threshold for point in figures.curve][::18] == pytest.approx([0.05, 0.95])
    assert all(point.false_refusals is None for point in figures.curve)
