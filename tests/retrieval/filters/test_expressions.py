"""Filters as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.vector_stores.types import FilterCondition, MetadataFilter, MetadataFilters

from qa_engine.errors import InputError
from qa_engine.retrieval.filters.expressions import parse_filters

OPERATORS = {"=": "==", "==": "==", "!=": "!=", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}
keys = st.text(st.characters(exclude_characters="=<>!", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip() == text and text != "page"
)
values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip() == text and text[0] not in "=<>!"
)
blanks = st.text(" \t", max_size=2)


@given(keys, st.sampled_from(sorted(OPERATORS)), values, blanks, blanks)
def test_what_is_written_is_what_is_read(
    key: str, operator: str, value: str, before: str, after: str
) -> None:
    filters = parse_filters([f"{before}{key}{after}{operator}{before}{value}{after}"])
    assert filters is not None
    (leaf,) = filters.filters
    assert isinstance(leaf, MetadataFilter)
    assert (leaf.key, leaf.operator.value, leaf.value) == (key, OPERATORS[operator], value)


@given(st.text())
def test_any_text_is_read_or_refused_with_itself(text: str) -> None:
    try:
        assert parse_filters([text]) is not None
    except InputError as error:
        assert repr(text) in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "year",
        "=2020",
        "year=",
        "year=>2020",
        "year=<2020",
        "year<>2020",
        "year !",
        "! = 3",
        "year=== 3",
    ],
)
def test_what_is_no_filter_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is no filter") as caught:
        parse_filters(["page=3", text])
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["page=10-3", "page>3-5", "page<=3-5"])
def test_ranges_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=text):
        parse_filters([text])


@pytest.mark.parametrize("text", ["page=3-10", "page == 3 – 10", "page=3~10"])
def test_a_range_of_pages_is_two_comparisons(text: str) -> None:
    filters = parse_filters([text])
    assert filters is not None
    (within,) = filters.filters
    assert isinstance(within, MetadataFilters)
    assert within.condition is FilterCondition.AND
    assert [(leaf.operator.value, leaf.value) for leaf in within.filters] == [(">=", 3), ("<=", 10)]  # type: ignore[union-attr]


def test_pages_outside_a_range() -> None:
    filters = parse_filters(["page!=3-10"])
    assert filters is not None
    (outside,) = filters.filters
    assert isinstance(outside, MetadataFilters)
    assert outside.condition is FilterCondition.NOT


def test_a_range_is_one_for_pages_only() -> None:
    filters = parse_filters(["phone=3-10"])
    assert filters is not None
    assert filters.filters[0].value == "3-10"  # type: ignore[union-attr]


def test_nothing_is_no_filter_at_all() -> None:
    assert parse_filters([]) is None
