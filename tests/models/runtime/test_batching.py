"""Groups of a bounded size: nothing is lost, nothing is out of order, and none is larger than it must be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qa_engine.models.runtime.batching import bounded_groups


@given(st.lists(st.text(max_size=12)), st.integers(1, 20))
def test_groups_are_the_items_in_order_and_within_the_bound(items: list[str], most: int) -> None:
    groups = list(bounded_groups(items, len, most))
    assert [item for group in groups for item in group] == items
    for group in groups:
        assert sum(map(len, group)) <= most or len(group) == 1
    for group, following in pairwise(groups):
        assert sum(map(len, group)) + len(following[0]) > most


def test_no_items_are_no_group() -> None:
    assert list(bounded_groups([], len, 5)) == []
