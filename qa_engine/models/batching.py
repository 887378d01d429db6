"""Consecutive items in groups of a bounded total size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def bounded_groups(items: Iterable[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Items in order, as many in each group as together are no larger than ``most``; a larger one has a group to itself.

    Example:
        >>> list(bounded_groups(["a", "bc", "d", "efgh"], len, 3))
        [['a', 'bc'], ['d'], ['efgh']]
    """
    group: list[Item] = []
    total = 0
    for item in items:
        own = size(item)
        if group and total + own > most:
            yield group
            group, total = [], 0
        group.append(item)
        total += own
    if group:
        yield group
