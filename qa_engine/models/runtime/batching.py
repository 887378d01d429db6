"""Consecutive items in groups of a bounded total size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def bounded_groups(items: Iterable[Item], size: Callable[[Item], int], max_size: int) -> Iterator[list[Item]]:
    """The items in order, in groups of a total size of at most ``max_size``; a larger item has a group to itself.

    Example:
        >>> list(bounded_groups(["a", "bc", "d", "efgh"], len, 3))
        [['a', 'bc'], ['d'], ['efgh']]
    """
    group: list[Item] = []
    total = 0
    for item in items:
        item_size = size(item)
        if group and total + item_size > max_size:
            yield group
            group, total = [], 0
        group.append(item)
        total += item_size
    if group:
        yield group
