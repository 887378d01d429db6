"""How the values that people note compare with those of a filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.index.files.metadata import ORDERS, as_number, checked_metadata, ordered, same
from qa_engine.index.records import Scalar

scalars = st.one_of(
    st.text(max_size=8), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)


@pytest.mark.parametrize(
    ("text", "number"),
    [("2024", 2024), (" -3 ", -3), ("0.5", 0.5), ("1e3", 1000), ("0", 0), ("9" * 4000, None)],
)
def test_texts_that_read_like_numbers_are_numbers(text: str, number: float | None) -> None:
    assert as_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "007", "1,000", "2024-01-01", "nan", "inf", "1e999", "٣", "1_000", "0x1"]
)
def test_other_texts_are_none(text: str) -> None:
    assert as_number(text) is None


@pytest.mark.parametrize(
    ("left", "right"), [(2024, "2024"), ("2024", 2024.0), (True, "true"), ("caf\u00e9", "cafe\u0301")]
)
def test_equal_values_of_different_kinds(left: Scalar, right: Scalar) -> None:
    assert same(left, right)


@pytest.mark.parametrize(("left", "right"), [("007", "7"), (True, 1), ("A", "a")])
def test_values_that_are_not_equal(left: Scalar, right: Scalar) -> None:
    assert not same(left, right)


def test_order_of_numbers_dates_and_neither() -> None:
    assert ordered("<", "9", 10)
    assert ordered(">=", "2024-05-01", "2024-01-31")
    assert not any(ordered(order, 9, "ten") for order in ORDERS)


@given(scalars, scalars)
def test_order_and_equality_agree(left: Scalar, right: Scalar) -> None:
    if same(left, right):
        assert not ordered("<", left, right)
        assert not ordered(">", left, right)
    assert not (ordered("<", left, right) and ordered(">=", left, right))
    assert same(left, right) == same(right, left)


def test_text_with_nul_is_refused_because_sqlite_would_cut_it() -> None:
    with pytest.raises(ValueError, match=r"'note'.*NUL"):
        checked_metadata({"note": "a\0b"})


@given(st.dictionaries(st.text(max_size=5), scalars, max_size=4))
def test_any_mapping_is_taken_or_refused_with_a_clause(content: dict[str, Scalar]) -> None:
    try:
        checked = checked_metadata(content)
    except ValueError as error:
        assert str(error).startswith("the ")
    else:
        assert len(checked) == len(content)
