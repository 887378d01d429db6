"""Filters as conditions on files, which the catalog answers in SQL, and on sentences, which their metadata answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from qa_engine.index.files.queries import FileCondition

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
class FileTest:
    """A condition on a file, or that it does not hold."""

    condition: FileCondition
    negated: bool = False


@dataclass(frozen=True)
class Every:
    """All parts hold; without parts it always does."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """At least one part holds; without parts it never does."""

    parts: tuple[Condition, ...]


Condition = Place | FileTest | Every | Some
ALWAYS, NEVER = Every(()), Some(())


def every(parts: Iterable[Condition]) -> Condition:
    """All of the parts, in the simplest form."""
    remaining = tuple(dict.fromkeys(part for part in parts if part != ALWAYS))
    return NEVER if NEVER in remaining else remaining[0] if len(remaining) == 1 else Every(remaining)


def some(parts: Iterable[Condition]) -> Condition:
    """Any of the parts, in the simplest form."""
    remaining = tuple(dict.fromkeys(part for part in parts if part != NEVER))
    return ALWAYS if ALWAYS in remaining else remaining[0] if len(remaining) == 1 else Some(remaining)


def opposite(condition: Condition) -> Condition:
    """What holds if, and only if, the condition does not."""
    if isinstance(condition, Every):
        return some(map(opposite, condition.parts))
    if isinstance(condition, Some):
        return every(map(opposite, condition.parts))
    if isinstance(condition, FileTest):
        return FileTest(condition.condition, not condition.negated)
    value = condition.value
    if isinstance(value, int):  # pages are whole numbers
        value += 1 if condition.operator is FilterOperator.LTE else -1
    return Place(condition.key, _OPPOSITES[condition.operator], value)


def leaves(condition: Condition) -> Iterator[Place | FileTest]:
    """The comparisons that a condition is made of."""
    if isinstance(condition, Every | Some):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def on_files(condition: Condition) -> FileCondition:
    """What a file must satisfy for any of its sentences to satisfy a condition."""
    if isinstance(condition, Every):
        return FileCondition.joined("AND", map(on_files, condition.parts))
    if isinstance(condition, Some):
        return FileCondition.joined("OR", map(on_files, condition.parts))
    if isinstance(condition, Place):
        return FileCondition("1")
    return condition.condition.negation() if condition.negated else condition.condition


def on_sentences(condition: Condition, results: Mapping[FileCondition, bool]) -> Condition:
    """What remains to be asked of the sentences of a file.

    Args:
        condition: on files and sentences.
        results: whether the file satisfies each of the conditions on files.
    """
    if isinstance(condition, Every):
        return every(on_sentences(part, results) for part in condition.parts)
    if isinstance(condition, Some):
        return some(on_sentences(part, results) for part in condition.parts)
    if isinstance(condition, Place):
        return condition
    return ALWAYS if results[condition.condition] != condition.negated else NEVER


def holds(condition: Condition, metadata: Mapping[str, Any]) -> bool:
    """Whether a sentence with this metadata satisfies a condition, which asks nothing of its file."""
    if isinstance(condition, Every):
        return all(holds(part, metadata) for part in condition.parts)
    if isinstance(condition, Some):
        return any(holds(part, metadata) for part in condition.parts)
    if isinstance(condition, FileTest):
        raise _unsettled(condition)
    value = metadata.get(condition.key)
    if isinstance(condition.value, tuple):
        return (value in condition.value) == (condition.operator is FilterOperator.IN)
    if value is None:
        return False
    if condition.operator is FilterOperator.LTE:
        return bool(value <= condition.value)
    return bool(value >= condition.value)


def as_filters(condition: Condition) -> MetadataFilters:
    """A condition on sentences in LlamaIndex's terms, for a vector store."""
    if isinstance(condition, FileTest):
        raise _unsettled(condition)
    if isinstance(condition, Place):
        value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
        leaf = MetadataFilter(key=condition.key, value=value, operator=condition.operator)
        return MetadataFilters(filters=[leaf])
    together = FilterCondition.AND if isinstance(condition, Every) else FilterCondition.OR
    return MetadataFilters(filters=[as_filters(part) for part in condition.parts], condition=together)


def _unsettled(test: FileTest) -> TypeError:
    return TypeError(f"{test!r} is a condition on a file, which is to be settled with the catalog first.")
