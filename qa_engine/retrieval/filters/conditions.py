"""What a filter asks of a sentence itself, its pages and its section, once the files are settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

_OPPOSITES = {
    FilterOperator.IN: FilterOperator.NIN,
    FilterOperator.NIN: FilterOperator.IN,
    FilterOperator.GTE: FilterOperator.LTE,
    FilterOperator.LTE: FilterOperator.GTE,
}


@dataclass(frozen=True)
class Place:
    """A comparison with one key of a sentence's metadata: ``page`` and ``page_end`` with numbers, ``section`` with texts."""

    key: str
    operator: FilterOperator
    value: int | tuple[str, ...]


@dataclass(frozen=True)
class Every:
    """All parts hold; without parts it always does."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """At least one part holds; without parts it never does."""

    parts: tuple[Condition, ...]


Condition = Place | Every | Some
ALWAYS, NEVER = Every(()), Some(())


def every(parts: Iterable[Condition]) -> Condition:
    """All of the parts, in the simplest form."""
    kept = tuple(dict.fromkeys(part for part in parts if part != ALWAYS))
    return NEVER if NEVER in kept else kept[0] if len(kept) == 1 else Every(kept)


def some(parts: Iterable[Condition]) -> Condition:
    """Any of the parts, in the simplest form."""
    kept = tuple(dict.fromkeys(part for part in parts if part != NEVER))
    return ALWAYS if ALWAYS in kept else kept[0] if len(kept) == 1 else Some(kept)


def opposite(condition: Condition) -> Condition:
    """What holds if, and only if, the condition does not."""
    if isinstance(condition, Every):
        return some(map(opposite, condition.parts))
    if isinstance(condition, Some):
        return every(map(opposite, condition.parts))
    value = condition.value
    if isinstance(value, int):  # pages are whole numbers
        value += 1 if condition.operator is FilterOperator.LTE else -1
    return Place(condition.key, _OPPOSITES[condition.operator], value)


def holds(condition: Condition, metadata: Mapping[str, Any]) -> bool:
    """Whether a sentence with this metadata satisfies a condition."""
    if isinstance(condition, Every):
        return all(holds(part, metadata) for part in condition.parts)
    if isinstance(condition, Some):
        return any(holds(part, metadata) for part in condition.parts)
    found = metadata.get(condition.key)
    if isinstance(condition.value, tuple):
        return (found in condition.value) == (condition.operator is FilterOperator.IN)
    if found is None:
        return False
    if condition.operator is FilterOperator.LTE:
        return bool(found <= condition.value)
    return bool(found >= condition.value)


def as_filters(condition: Condition) -> MetadataFilters:
    """A condition in LlamaIndex's terms, for a vector store."""
    if isinstance(condition, Place):
        value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
        leaf = MetadataFilter(key=condition.key, value=value, operator=condition.operator)
        return MetadataFilters(filters=[leaf])
    together = FilterCondition.AND if isinstance(condition, Every) else FilterCondition.OR
    return MetadataFilters(filters=[as_filters(part) for part in condition.parts], condition=together)
