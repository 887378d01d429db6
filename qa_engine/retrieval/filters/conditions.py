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
_ALL = FilterCondition.AND


@dataclass(frozen=True)
class SentenceTest:
    """A comparison with a key of a sentence's metadata: ``page`` and ``page_end`` with numbers, the others with texts."""

    key: str
    operator: FilterOperator
    value: int | tuple[str, ...]


@dataclass(frozen=True)
class Joined:
    """Holds if all parts do (``AND``), which it does without any, or if at least one of them does (``OR``)."""

    word: FilterCondition
    parts: tuple[Condition, ...] = ()


Condition = SentenceTest | FileCondition | Joined
ALWAYS, NEVER = Joined(_ALL), Joined(FilterCondition.OR)


def every(parts: Iterable[Condition]) -> Condition:
    """All of the parts, in the simplest form."""
    return _joined(_ALL, parts)


def some(parts: Iterable[Condition]) -> Condition:
    """Any of the parts, in the simplest form."""
    return _joined(FilterCondition.OR, parts)


def _joined(word: FilterCondition, parts: Iterable[Condition]) -> Condition:
    idle, decisive = (ALWAYS, NEVER) if word is _ALL else (NEVER, ALWAYS)
    remaining = tuple(dict.fromkeys(part for part in parts if part != idle))
    if decisive in remaining:
        return decisive
    return remaining[0] if len(remaining) == 1 else Joined(word, remaining)


def opposite(condition: Condition) -> Condition:
    """The condition that holds if, and only if, this one does not."""
    if isinstance(condition, Joined):
        return (some if condition.word is _ALL else every)(map(opposite, condition.parts))
    if isinstance(condition, FileCondition):
        return condition.negation()
    value = condition.value
    if isinstance(value, int):  # pages are whole numbers
        value += 1 if condition.operator is FilterOperator.LTE else -1
    return SentenceTest(condition.key, _OPPOSITES[condition.operator], value)


def leaves(condition: Condition) -> Iterator[SentenceTest | FileCondition]:
    """The comparisons that a condition is made of."""
    if isinstance(condition, Joined):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def on_files(condition: Condition) -> FileCondition:
    """The condition that a file must satisfy if any of its sentences is to satisfy the given one."""
    if isinstance(condition, Joined):
        return FileCondition.joined("AND" if condition.word is _ALL else "OR", map(on_files, condition.parts))
    return condition if isinstance(condition, FileCondition) else FileCondition("1")


def on_sentences(condition: Condition, results: Mapping[FileCondition, bool]) -> Condition:
    """The condition that remains for the sentences of a file, given which of the conditions on files it satisfies."""
    if isinstance(condition, Joined):
        return _joined(condition.word, (on_sentences(part, results) for part in condition.parts))
    if isinstance(condition, FileCondition):
        return ALWAYS if results[condition] else NEVER
    return condition


def holds(condition: Condition, metadata: Mapping[str, Any]) -> bool:
    """Whether a sentence with this metadata satisfies a condition, which is on sentences alone; see `on_sentences`."""
    if isinstance(condition, Joined):
        return (all if condition.word is _ALL else any)(holds(part, metadata) for part in condition.parts)
    assert isinstance(condition, SentenceTest)
    value = metadata.get(condition.key)
    if isinstance(condition.value, tuple):
        return (value in condition.value) == (condition.operator is FilterOperator.IN)
    if value is None:
        return False
    if condition.operator is FilterOperator.LTE:
        return bool(value <= condition.value)
    return bool(value >= condition.value)


def as_filters(condition: Condition) -> MetadataFilters:
    """A condition on sentences alone as LlamaIndex's filters, for a vector store."""
    if isinstance(condition, Joined):
        return MetadataFilters(filters=list(map(as_filters, condition.parts)), condition=condition.word)
    assert isinstance(condition, SentenceTest)
    value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    leaf = MetadataFilter(key=condition.key, value=value, operator=condition.operator)
    return MetadataFilters(filters=[leaf])
