"""Conditions that filters put on files, which the catalog checks in SQL, and on sentences, which their metadata answer."""

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
class SentenceTest:
    """A comparison with a key of a sentence's metadata: ``page`` and ``page_end`` with numbers, the others with texts."""

    key: str
    operator: FilterOperator
    value: int | tuple[str, ...]


@dataclass(frozen=True)
class FileTest:
    """A condition on a file, or its negation."""

    condition: FileCondition
    negated: bool = False


@dataclass(frozen=True)
class Every:
    """A condition that holds if all parts do; without parts it always holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """A condition that holds if at least one part does; without parts it never holds."""

    parts: tuple[Condition, ...]


Condition = SentenceTest | FileTest | Every | Some
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
    """The condition that holds if, and only if, this one does not."""
    if isinstance(condition, Every):
        return some(map(opposite, condition.parts))
    if isinstance(condition, Some):
        return every(map(opposite, condition.parts))
    if isinstance(condition, FileTest):
        return FileTest(condition.condition, not condition.negated)
    value = condition.value
    if isinstance(value, int):  # pages are whole numbers
        value += 1 if condition.operator is FilterOperator.LTE else -1
    return SentenceTest(condition.key, _OPPOSITES[condition.operator], value)


def leaves(condition: Condition) -> Iterator[SentenceTest | FileTest]:
    """The comparisons that a condition is made of."""
    if isinstance(condition, Every | Some):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def on_files(condition: Condition) -> FileCondition:
    """The condition that a file must satisfy if any of its sentences is to satisfy the given one."""
    if isinstance(condition, Every):
        return FileCondition.joined("AND", map(on_files, condition.parts))
    if isinstance(condition, Some):
        return FileCondition.joined("OR", map(on_files, condition.parts))
    if isinstance(condition, SentenceTest):
        return FileCondition("1")
    return condition.condition.negation() if condition.negated else condition.condition


def on_sentences(condition: Condition, results: Mapping[FileCondition, bool]) -> Condition:
    """The condition that remains for the sentences of a file.

    Args:
        condition: on files and sentences.
        results: whether the file satisfies each of the conditions on files.
    """
    if isinstance(condition, Every):
        return every(on_sentences(part, results) for part in condition.parts)
    if isinstance(condition, Some):
        return some(on_sentences(part, results) for part in condition.parts)
    if isinstance(condition, SentenceTest):
        return condition
    return ALWAYS if results[condition.condition] != condition.negated else NEVER


def holds(condition: Condition, metadata: Mapping[str, Any]) -> bool:
    """Whether a sentence with this metadata satisfies a condition, which must not hold a `FileTest`."""
    if isinstance(condition, Every):
        return all(holds(part, metadata) for part in condition.parts)
    if isinstance(condition, Some):
        return any(holds(part, metadata) for part in condition.parts)
    if isinstance(condition, FileTest):
        raise _unresolved(condition)
    value = metadata.get(condition.key)
    if isinstance(condition.value, tuple):
        return (value in condition.value) == (condition.operator is FilterOperator.IN)
    if value is None:
        return False
    if condition.operator is FilterOperator.LTE:
        return bool(value <= condition.value)
    return bool(value >= condition.value)


def as_filters(condition: Condition) -> MetadataFilters:
    """A condition on sentences as LlamaIndex's filters, for a vector store; it must not hold a `FileTest`."""
    if isinstance(condition, FileTest):
        raise _unresolved(condition)
    if isinstance(condition, SentenceTest):
        value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
        leaf = MetadataFilter(key=condition.key, value=value, operator=condition.operator)
        return MetadataFilters(filters=[leaf])
    together = FilterCondition.AND if isinstance(condition, Every) else FilterCondition.OR
    return MetadataFilters(filters=[as_filters(part) for part in condition.parts], condition=together)


def _unresolved(test: FileTest) -> TypeError:
    return TypeError(f"{test!r} is a condition on a file, which the catalog has to resolve first.")
