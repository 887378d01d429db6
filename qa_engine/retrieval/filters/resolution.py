"""Which documents, and which of their sentences, a question is about: filters, settled with the catalog."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from qa_engine.errors import InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.files.metadata import Scalar, as_number, as_text, normal, ordered, same
from qa_engine.index.records import FileRecord
from qa_engine.retrieval.filters.conditions import ALWAYS, NEVER, Condition, Place, every, opposite, some

FILE, SECTION, PAGE = "file", "section", "page"
_ALIASES = {"file_name": FILE}
_LAST_PAGE = 10**9
_MAX_SECTIONS = 20_000
"""SQLite takes 32,766 values in one statement, and Chroma hands them on."""
_NEGATIVE = {FilterOperator.NE: FilterOperator.EQ, FilterOperator.NIN: FilterOperator.IN}
_CONTAINING = {
    FilterOperator.CONTAINS,
    FilterOperator.TEXT_MATCH,
    FilterOperator.TEXT_MATCH_INSENSITIVE,
}

Settled = Callable[[FileRecord], Condition]
"""A filter on a file: what remains to be asked of its sentences."""


@dataclass(frozen=True)
class Scope:
    """The documents of a collection that may be searched, and what their sentences have to satisfy.

    Attributes:
        conditions: by document id; a document that is not named is out of the question.
        complete: whether every document of the collection is named.
        files: the path of the first file of each document that the filter admits; empty without a filter.
    """

    conditions: Mapping[str, Condition]
    complete: bool
    files: Mapping[str, str] = field(default_factory=dict)

    def groups(self) -> Iterator[tuple[Condition, list[str] | None]]:
        """The conditions, each with the ids of its documents; None stands for all documents of the collection."""
        by_condition: dict[Condition, list[str]] = {}
        for document_id, condition in self.conditions.items():
            by_condition.setdefault(condition, []).append(document_id)
        for condition, document_ids in by_condition.items():
            yield condition, None if self.complete and len(by_condition) == 1 else document_ids

    def without(self, document_ids: Iterable[str]) -> Scope:
        """The scope less some documents."""
        gone = set(document_ids)
        if gone.isdisjoint(self.conditions):
            return self
        left = {key: value for key, value in self.conditions.items() if key not in gone}
        return Scope(left, complete=False, files=self.files)


def metadata_keys(records: Iterable[FileRecord]) -> list[str]:
    """The keys of the metadata of some files, sorted."""
    return sorted({key for record in records for key in record.metadata})


def resolve(
    filters: MetadataFilters | None,
    catalog: Catalog,
    known: Iterable[str] = (),
    records: Sequence[FileRecord] | None = None,
) -> Scope:
    """What a filter leaves of a collection.

    Args:
        filters: of ``file``, ``section``, ``page``, and the keys of the files' metadata; None leaves everything.
        catalog: of the collection.
        known: keys that other collections of the same question have.
        records: the files of the catalog, where they have been read.

    Raises:
        InputError: a key is known nowhere, or an operator or a value does not fit its key.
    """
    if records is None:
        records = list(catalog.files().values())
    if filters is None:
        return Scope({record.document_id: ALWAYS for record in records}, True)
    keys = sorted({*metadata_keys(records), *known})
    settle = _Resolver(keys, catalog.sections).tree(filters)
    admitted: dict[str, list[Condition]] = {}
    files: dict[str, str] = {}
    for record in records:
        condition = settle(record)
        if condition != NEVER:
            admitted.setdefault(record.document_id, []).append(condition)
            files.setdefault(record.document_id, record.path)
    conditions = {key: parts[0] if len(parts) == 1 else some(parts) for key, parts in admitted.items()}
    return Scope(conditions, len(conditions) == len({record.document_id for record in records}), files)


class _Resolver:
    """Reads a tree of filters once, so that every file can be held against it."""

    def __init__(self, keys: list[str], sections: Callable[[], dict[str, list[str]]]) -> None:
        self._keys = keys
        self._sections = sections
        self._known_sections: dict[str, list[str]] | None = None

    def tree(self, filters: MetadataFilters) -> Settled:
        parts = [
            self.tree(part) if isinstance(part, MetadataFilters) else self._leaf(part)
            for part in filters.filters
        ]
        if not parts:
            return lambda record: ALWAYS
        if filters.condition is FilterCondition.NOT:
            return lambda record: opposite(some(part(record) for part in parts))
        together = some if filters.condition is FilterCondition.OR else every
        return lambda record: together(part(record) for part in parts)

    def _leaf(self, leaf: MetadataFilter) -> Settled:
        settled = self._positive(leaf, _NEGATIVE.get(leaf.operator, leaf.operator))
        return (lambda record: opposite(settled(record))) if leaf.operator in _NEGATIVE else settled

    def _positive(self, leaf: MetadataFilter, operator: FilterOperator) -> Settled:
        key = _ALIASES.get(leaf.key, leaf.key)
        if key == PAGE:
            condition = some(_on_page(leaf, operator, value) for value in _values(leaf))
            return lambda record: condition
        if key == SECTION:
            return self._section(leaf, operator)
        if key == FILE:
            return _file(leaf, operator)
        if key not in self._keys and normal(key) not in self._keys:
            keys = ", ".join(self._keys)
            noted = f" and, of the files' metadata, {keys}" if keys else "; no file has metadata"
            raise InputError(
                f"{leaf.key!r} in {_told(leaf)!r} is nothing to filter by: known are file, section, page{noted}."
            )
        return _noted(normal(key), leaf, operator)

    def _section(self, leaf: MetadataFilter, operator: FilterOperator) -> Settled:
        if operator not in {FilterOperator.EQ, FilterOperator.IN, *_CONTAINING}:
            raise _unfit(leaf, "a section is compared with = or != only, and a part of its title is enough")
        wanted = [as_text(value).casefold() for value in _values(leaf)]
        if self._known_sections is None:
            self._known_sections = self._sections()
        titles: dict[str, None] = {}
        documents = set()
        for document_id, sections in self._known_sections.items():
            fitting = [
                title for title in sections if any(part in normal(title).casefold() for part in wanted)
            ]
            if fitting:
                documents.add(document_id)
                titles.update(dict.fromkeys(fitting))
        if len(titles) > _MAX_SECTIONS:
            raise _unfit(
                leaf, f"it fits {len(titles):,} sections, more than {_MAX_SECTIONS:,}: name more of the title"
            )
        condition = Place(SECTION, FilterOperator.IN, tuple(sorted(titles)))
        return lambda record: condition if record.document_id in documents else NEVER


def _on_page(leaf: MetadataFilter, operator: FilterOperator, value: Scalar) -> Condition:
    """A sentence over a page break is on both pages."""
    number = as_number(value)
    if number is None or number != int(number):
        raise _unfit(leaf, "a page is a whole number, from 1, or a range such as 3-10")
    page = max(-_LAST_PAGE, min(int(number), _LAST_PAGE))

    def up_to(last: int) -> Condition:
        return Place("page", FilterOperator.LTE, last)

    def onward(first: int) -> Condition:
        return Place("page_end", FilterOperator.GTE, first)

    if operator in {FilterOperator.EQ, FilterOperator.IN}:
        return every([up_to(page), onward(page)])
    if operator is FilterOperator.GTE:
        return onward(page)
    if operator is FilterOperator.GT:
        return onward(page + 1)
    if operator is FilterOperator.LTE:
        return up_to(page)
    if operator is FilterOperator.LT:
        return up_to(page - 1)
    raise _unfit(leaf, "pages are compared with = != >= <= > <, in and nin")


def _file(leaf: MetadataFilter, operator: FilterOperator) -> Settled:
    values = [as_text(value) for value in _values(leaf)]
    if operator in {FilterOperator.EQ, FilterOperator.IN}:
        return lambda record: _truth(any(_is_file(record, pattern) for pattern in values))
    if operator in _CONTAINING:
        return lambda record: _truth(any(_contains(leaf, record.file_name, value) for value in values))
    raise _unfit(leaf, "a file is compared with = or != only, and * and ? stand for any characters")


def _is_file(record: FileRecord, pattern: str) -> bool:
    """Whether a name or a pattern fits; with a slash in it, the end of the path."""
    if "/" in pattern:
        path = normal(record.path)
        return path.endswith("/" + pattern.lstrip("/")) or fnmatch.fnmatchcase(
            path, "*/" + pattern.lstrip("/")
        )
    name = normal(record.file_name)
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _noted(key: str, leaf: MetadataFilter, operator: FilterOperator) -> Settled:
    """A comparison with the user's metadata. A file without the key satisfies none but ``!=``, ``nin`` and ``is_empty``."""
    if operator is FilterOperator.IS_EMPTY:
        return lambda record: _truth(record.metadata.get(key, "") == "")
    values = _values(leaf)
    compare: Callable[[Scalar, Scalar], bool]
    if operator in {FilterOperator.EQ, FilterOperator.IN}:
        compare = same
    elif operator in _CONTAINING:

        def compare(found: Scalar, value: Scalar) -> bool:
            return _contains(leaf, found, value)

    elif operator in {FilterOperator.GT, FilterOperator.GTE, FilterOperator.LT, FilterOperator.LTE}:

        def compare(found: Scalar, value: Scalar) -> bool:
            return ordered(operator.value, found, value)

    else:
        raise _unfit(leaf, f"the operator {operator.value!r} compares lists, and metadata has none")

    def settled(record: FileRecord) -> Condition:
        found = record.metadata.get(key)
        return _truth(found is not None and any(compare(found, value) for value in values))

    return settled


def _contains(leaf: MetadataFilter, found: Scalar, value: Scalar) -> bool:
    whole, part = as_text(found), as_text(value)
    if leaf.operator is FilterOperator.TEXT_MATCH_INSENSITIVE:
        return part.casefold() in whole.casefold()
    return part in whole


def _values(leaf: MetadataFilter) -> list[Any]:
    """The value of a filter, or its values."""
    several = leaf.operator in {FilterOperator.IN, FilterOperator.NIN}
    if leaf.value is None or isinstance(leaf.value, list) != several:
        raise _unfit(leaf, f"{leaf.operator.value} needs {'a list of values' if several else 'one value'}")
    return leaf.value if isinstance(leaf.value, list) else [leaf.value]


def _truth(value: bool) -> Condition:
    return ALWAYS if value else NEVER


def _told(leaf: MetadataFilter) -> str:
    """A filter as people write it."""
    operator = "=" if leaf.operator is FilterOperator.EQ else leaf.operator.value
    pad = " " if operator.isalpha() or "_" in operator else ""
    return f"{leaf.key}{pad}{operator}{pad}{leaf.value}"


def _unfit(leaf: MetadataFilter, why: str) -> InputError:
    return InputError(f"{_told(leaf)!r} is no filter: {why}.")
