"""Resolves filters with the catalog: finds the documents that they admit, and what they still ask of the sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
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
from qa_engine.index.files.metadata import as_number, as_text, normal
from qa_engine.index.files.queries import (
    CONTAINS,
    CONTAINS_CASELESS,
    FileCondition,
    document_condition,
    metadata_condition,
    name_condition,
    no_metadata_condition,
    pattern_condition,
)
from qa_engine.index.records import Scalar
from qa_engine.retrieval.filters.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    SentenceTest,
    every,
    leaves,
    on_files,
    on_sentences,
    opposite,
    some,
)
from qa_engine.text.one_line import is_text

FILE, SECTION, PAGE = "file", "section", "page"
_ALIASES = {"file_name": FILE}
_LAST_PAGE = 10**9
_MAX_SECTIONS = 20_000
"""SQLite takes 32,766 values in one statement, and Chroma hands them on."""
_NEGATIVE = {FilterOperator.NE: FilterOperator.EQ, FilterOperator.NIN: FilterOperator.IN}
_CONTAINING = {
    FilterOperator.CONTAINS: CONTAINS,
    FilterOperator.TEXT_MATCH: CONTAINS,
    FilterOperator.TEXT_MATCH_INSENSITIVE: CONTAINS_CASELESS,
}
_COMPARISONS = _CONTAINING | {
    FilterOperator.EQ: "=",
    FilterOperator.IN: "=",
    FilterOperator.GT: ">",
    FilterOperator.GTE: ">=",
    FilterOperator.LT: "<",
    FilterOperator.LTE: "<=",
}


@dataclass(frozen=True)
class Scope:
    """The documents of a collection that may be searched, and what their sentences have to satisfy.

    Attributes:
        conditions: by document id; a document without an entry is not searched.
        complete: whether every document of the collection has an entry.
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
        """The scope without some documents."""
        excluded = set(document_ids)
        if excluded.isdisjoint(self.conditions):
            return self
        rest = {key: value for key, value in self.conditions.items() if key not in excluded}
        return Scope(rest, complete=False, files=self.files)


def resolve(
    filters: MetadataFilters | None,
    catalog: Catalog,
    other_keys: Iterable[str] = (),
    document_ids: Set[str] | None = None,
) -> Scope:
    """The scope that a filter leaves of a collection.

    Args:
        filters: of ``file``, ``section``, ``page``, and the keys of the files' metadata; None leaves everything.
        catalog: of the collection.
        other_keys: keys that other collections of the same question have.
        document_ids: the documents of the published state; None for all live ones, which may not be published yet.

    Raises:
        InputError: no file has a key, or an operator or a value does not fit its key.
    """
    condition = ALWAYS if filters is None else _FilterReader(catalog, other_keys).tree(filters)
    comparisons = list(leaves(condition))
    tests = list(dict.fromkeys(leaf for leaf in comparisons if isinstance(leaf, FileCondition)))
    if not tests:
        everything = document_ids if document_ids is not None else catalog.live_documents()
        return Scope(dict.fromkeys(everything if condition != NEVER else (), condition), condition != NEVER)
    if not any(isinstance(leaf, SentenceTest) for leaf in comparisons):
        tests = []  # a file that satisfies the condition is admitted with all of its sentences
    admitted: dict[str, dict[Condition, None]] = {}
    files: dict[str, str] = {}
    remaining: dict[tuple[int, ...], Condition] = {}
    for path, document_id, *results in catalog.matching_files(
        on_files(condition), tests, former=document_ids is not None
    ):
        if document_ids is not None and document_id not in document_ids:
            continue
        key = tuple(results)
        if key not in remaining:
            truths = dict(zip(tests, map(bool, results), strict=True))
            remaining[key] = on_sentences(condition, truths) if tests else ALWAYS
        if remaining[key] != NEVER:
            admitted.setdefault(document_id, {})[remaining[key]] = None
            files.setdefault(document_id, path)
    conditions = {document_id: some(parts) for document_id, parts in admitted.items()}
    total = len(document_ids) if document_ids is not None else catalog.file_document_count()
    return Scope(conditions, len(conditions) == total, files)


class _FilterReader:
    """Reads a tree of filters as a condition on files and sentences."""

    def __init__(self, catalog: Catalog, other_keys: Iterable[str]) -> None:
        self._catalog = catalog
        self._other_keys = other_keys
        self._sections: dict[str, list[str]] | None = None

    def tree(self, filters: MetadataFilters) -> Condition:
        parts = [
            self.tree(part) if isinstance(part, MetadataFilters) else self._leaf(part)
            for part in filters.filters
        ]
        if not parts:
            return ALWAYS
        if filters.condition is FilterCondition.NOT:
            return opposite(some(parts))
        return some(parts) if filters.condition is FilterCondition.OR else every(parts)

    def _leaf(self, leaf: MetadataFilter) -> Condition:
        condition = self._positive(leaf, _NEGATIVE.get(leaf.operator, leaf.operator))
        return opposite(condition) if leaf.operator in _NEGATIVE else condition

    def _positive(self, leaf: MetadataFilter, operator: FilterOperator) -> Condition:
        words = [leaf.key, *(leaf.value if isinstance(leaf.value, list) else [leaf.value])]
        if any(isinstance(word, str) and ("\0" in word or not is_text(word)) for word in words):
            raise _unfit(leaf, "it holds the character NUL, or bytes that are no text")
        key = _ALIASES.get(leaf.key, leaf.key)
        if key == PAGE:
            return some(_on_page(leaf, operator, value) for value in _values(leaf))
        if key == SECTION:
            return self._section(leaf, operator)
        if key == FILE:
            return _file(leaf, operator)
        self._require_key(key, leaf)
        return _metadata(normal(key), leaf, operator)

    def _require_key(self, key: str, leaf: MetadataFilter) -> None:
        if any(self._catalog.has_metadata_key(name) for name in dict.fromkeys([normal(key), key])):
            return
        keys = sorted({*self._other_keys, *self._catalog.metadata_keys()})
        if key not in keys and normal(key) not in keys:
            known_keys = (
                f" and, of the files' metadata, {', '.join(keys)}" if keys else "; no file has metadata"
            )
            raise InputError(
                f"{leaf.key!r} in {_expression(leaf)!r} is nothing to filter by: known are file, section, page{known_keys}."
            )

    def _section(self, leaf: MetadataFilter, operator: FilterOperator) -> Condition:
        if operator not in {FilterOperator.EQ, FilterOperator.IN, *_CONTAINING}:
            raise _unfit(leaf, "a section is compared with = or != only, and a part of its title is enough")
        fragments = [as_text(value).casefold() for value in _values(leaf)]
        if self._sections is None:
            self._sections = self._catalog.sections()
        titles: dict[str, None] = {}
        documents = []
        for document_id, sections in self._sections.items():
            matches = [
                title for title in sections if any(part in normal(title).casefold() for part in fragments)
            ]
            if matches:
                documents.append(document_id)
                titles.update(dict.fromkeys(matches))
        if len(titles) > _MAX_SECTIONS:
            raise _unfit(
                leaf, f"it fits {len(titles):,} sections, more than {_MAX_SECTIONS:,}: name more of the title"
            )
        test = SentenceTest(SECTION, FilterOperator.IN, tuple(sorted(titles)))
        return every([document_condition(documents), test])


def _on_page(leaf: MetadataFilter, operator: FilterOperator, value: Scalar) -> Condition:
    """A comparison with the pages of a sentence; one that runs over a page break is on both pages."""
    number = as_number(value)
    if number is None or number != int(number):
        raise _unfit(leaf, "a page is a whole number, from 1, or a range such as 3-10")
    page = max(-_LAST_PAGE, min(int(number), _LAST_PAGE))
    bounds = {
        FilterOperator.EQ: (page, page),
        FilterOperator.IN: (page, page),
        FilterOperator.GT: (page + 1, None),
        FilterOperator.GTE: (page, None),
        FilterOperator.LT: (None, page - 1),
        FilterOperator.LTE: (None, page),
    }
    if operator not in bounds:
        raise _unfit(leaf, "pages are compared with = != >= <= > <, in and nin")
    first, last = bounds[operator]
    up_to = ALWAYS if last is None else SentenceTest("page", FilterOperator.LTE, last)
    onward = ALWAYS if first is None else SentenceTest("page_end", FilterOperator.GTE, first)
    return every([up_to, onward])


def _file(leaf: MetadataFilter, operator: FilterOperator) -> Condition:
    values = [as_text(value) for value in _values(leaf)]
    if operator in {FilterOperator.EQ, FilterOperator.IN}:
        return FileCondition.joined("OR", map(pattern_condition, values))
    if operator in _CONTAINING:
        comparison = _CONTAINING[operator]
        return FileCondition.joined("OR", (name_condition(comparison, value) for value in values))
    raise _unfit(leaf, "a file is compared with = or != only, and * and ? stand for any characters")


def _metadata(key: str, leaf: MetadataFilter, operator: FilterOperator) -> Condition:
    """A comparison with the user's metadata. A file without the key satisfies none but ``!=``, ``nin`` and ``is_empty``."""
    if operator is FilterOperator.IS_EMPTY:
        return no_metadata_condition(key)
    values = _values(leaf)
    comparison = _COMPARISONS.get(operator)
    if comparison is None:
        raise _unfit(leaf, f"the operator {operator.value!r} compares lists, and metadata has none")
    return FileCondition.joined("OR", (metadata_condition(key, comparison, value) for value in values))


def _values(leaf: MetadataFilter) -> list[Any]:
    """The value of a filter, or its values."""
    several = leaf.operator in {FilterOperator.IN, FilterOperator.NIN}
    if leaf.value is None or isinstance(leaf.value, list) != several:
        raise _unfit(leaf, f"{leaf.operator.value} needs {'a list of values' if several else 'one value'}")
    return leaf.value if isinstance(leaf.value, list) else [leaf.value]


def _expression(leaf: MetadataFilter) -> str:
    """A filter as people write it."""
    operator = "=" if leaf.operator is FilterOperator.EQ else leaf.operator.value
    pad = " " if operator.isalpha() or "_" in operator else ""
    return f"{leaf.key}{pad}{operator}{pad}{leaf.value}"


def _unfit(leaf: MetadataFilter, why: str) -> InputError:
    return InputError(f"{_expression(leaf)!r} is no filter: {why}.")
