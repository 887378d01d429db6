"""What a filter asks of sentences, in every form that it takes on its way to a store."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilters

from qa_engine.retrieval.filters.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    SentenceTest,
    as_filters,
    every,
    holds,
    opposite,
    some,
)

numbers = st.integers(0, 6)
sections = st.lists(st.sampled_from("甲乙丙"), min_size=1, max_size=2, unique=True).map(tuple)
leaves = st.one_of(
    st.builds(SentenceTest, st.just("page"), st.just(FilterOperator.LTE), numbers),
    st.builds(SentenceTest, st.just("page_end"), st.just(FilterOperator.GTE), numbers),
    st.builds(
        SentenceTest, st.just("section"), st.sampled_from([FilterOperator.IN, FilterOperator.NIN]), sections
    ),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(every), st.lists(inner, max_size=3).map(some), inner.map(opposite)
    ),
    max_leaves=8,
)
places = st.fixed_dictionaries(
    {"page": numbers, "page_end": numbers}, optional={"section": st.sampled_from("甲乙丙丁")}
)


def by_filters(filters: MetadataFilters, metadata: dict[str, Any]) -> bool:
    """What a store makes of LlamaIndex's filters."""
    found = []
    for part in filters.filters:
        if isinstance(part, MetadataFilters):
            found.append(by_filters(part, metadata))
            continue
        value: Any = metadata.get(part.key)
        found.append(
            {
                FilterOperator.IN: lambda v=value, p=part: v in p.value,
                FilterOperator.NIN: lambda v=value, p=part: v not in p.value,
                FilterOperator.LTE: lambda v=value, p=part: v <= p.value,
                FilterOperator.GTE: lambda v=value, p=part: v >= p.value,
            }[part.operator]()
        )
    return any(found) if filters.condition is FilterCondition.OR else all(found)


@given(conditions, places)
def test_opposite_holds_where_the_condition_does_not(condition: Condition, place: dict[str, Any]) -> None:
    assert holds(opposite(condition), place) != holds(condition, place)
    assert opposite(opposite(condition)) == condition


@given(conditions, places)
def test_a_store_is_told_the_same(condition: Condition, place: dict[str, Any]) -> None:
    assert by_filters(as_filters(condition), place) == holds(condition, place)


@given(st.lists(conditions, max_size=3), places)
def test_joining_simplifies_and_changes_nothing(parts: list[Condition], place: dict[str, Any]) -> None:
    assert holds(every(parts), place) == all(holds(part, place) for part in parts)
    assert holds(some(parts), place) == any(holds(part, place) for part in parts)
    assert every([*parts, NEVER]) == NEVER
    assert some([*parts, ALWAYS]) == ALWAYS


def test_a_sentence_without_a_page_is_on_none() -> None:
    assert not holds(SentenceTest("page", FilterOperator.LTE, 3), {})
    assert holds(SentenceTest("section", FilterOperator.NIN, ("甲",)), {})
