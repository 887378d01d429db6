"""Conditions on numbers of documents, satisfied as a search engine would satisfy them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.index.search_engine.contents.numbers import gaps, within

_CLAUSES, _TERMS = 1024, 65_536
"""What search engines take at most."""


def satisfies(number: int, condition: dict[str, Any]) -> bool:
    ((kind, facts),) = condition.items()
    if kind == "range":
        return bool(facts["number"]["gte"] <= number <= facts["number"]["lte"])
    if kind == "terms":
        return number in facts["number"]
    if kind == "bool":
        return any(satisfies(number, one) for one in facts["should"])
    assert kind == "match_none"
    return False


def sizes(condition: dict[str, Any]) -> tuple[int, int]:
    """The number of clauses, and of the numbers in the largest of them."""
    clauses = condition["bool"]["should"] if "bool" in condition else [condition]
    return len(clauses), max(len(one["terms"]["number"]) if "terms" in one else 0 for one in clauses)


@given(st.dictionaries(st.integers(1, 60), st.booleans()))
def test_numbers_are_told_apart(wanted: dict[int, bool]) -> None:
    visible = np.array(sorted(wanted), np.int64)
    condition = within(np.array(sorted(one for one in wanted if wanted[one]), np.int64), visible)
    for number, expected in wanted.items():
        assert satisfies(number, condition) == expected
    absent = gaps(visible)
    for number in range(1, max(wanted, default=0) + 1):
        assert any(satisfies(number, one) for one in absent) == (number not in wanted)


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_any_number_of_documents_makes_a_condition_that_is_taken(step: int) -> None:
    visible = np.arange(1, 400_000)
    for numbers in (visible[::step], visible[visible % 7 < 4], visible[visible % 1000 > step]):
        clauses, terms = sizes(within(numbers, visible))
        assert clauses <= _CLAUSES
        assert terms <= _TERMS
        clauses, terms = sizes((gaps(numbers) or [{"match_none": {}}])[0])
        assert clauses <= _CLAUSES
        assert terms <= _TERMS


def test_what_is_between_visible_documents_and_not_visible_does_not_divide_a_range() -> None:
    visible = np.array([1, 2, 5, 6, 9], np.int64)
    assert within(visible, visible) == {"range": {"number": {"gte": 1, "lte": 9}}}
    assert within(visible[:0], visible) == {"match_none": {}}
    assert gaps(visible[:0]) == gaps(np.array([1, 2, 3])) == []
