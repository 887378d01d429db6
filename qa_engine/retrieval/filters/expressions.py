"""Filters as people write them on a command line, such as ``year>=2020``, as LlamaIndex's `MetadataFilters`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from qa_engine.errors import InputError

_EXPRESSION = re.compile(r"(?P<key>[^=<>!]+)(?P<operator>[=<>!]+)(?P<value>.+)", re.DOTALL)
_RANGE = re.compile(r"(\d+)\s*[-–~]\s*(\d+)")
_DIGITS = 9
"""Of a page number; no file has more pages than these can say."""
_OPERATORS = {
    "=": FilterOperator.EQ,
    "==": FilterOperator.EQ,
    "!=": FilterOperator.NE,
    ">=": FilterOperator.GTE,
    "<=": FilterOperator.LTE,
    ">": FilterOperator.GT,
    "<": FilterOperator.LT,
}


def parse_filters(expressions: Iterable[str]) -> MetadataFilters | None:
    """All of the expressions together, or None without any.

    Args:
        expressions: each a key, one of ``= != >= <= > <``, and a value; for ``page`` also a range such as ``3-10``.

    Raises:
        InputError: one is no such expression; the message repeats it.

    Example:
        >>> filters = parse_filters(["file=年报*.pdf", "page=3-10"])
        >>> [getattr(part, "key", None) for part in filters.filters]
        ['file', None]
    """
    filters = [_parse(expression) for expression in expressions]
    return MetadataFilters(filters=filters, condition=FilterCondition.AND) if filters else None


def _parse(expression: str) -> MetadataFilter | MetadataFilters:
    parsed = _EXPRESSION.fullmatch(expression.strip())
    operator = _OPERATORS.get(parsed["operator"]) if parsed else None
    if parsed is None or operator is None:
        raise InputError(
            f"{expression!r} is no filter: write a key, one of {' '.join(_OPERATORS)}, and a value, such as file=年报*.pdf, "
            "page=3-10 or year>=2020."
        )
    key, value = parsed["key"].strip(), parsed["value"].strip()
    span = _RANGE.fullmatch(value)
    if key != "page" or span is None:
        return MetadataFilter(key=key, operator=operator, value=value)
    if operator not in {FilterOperator.EQ, FilterOperator.NE}:
        raise InputError(f"{expression!r} is no filter: a range of pages goes with = or != only.")
    first, last = int(span[1][:_DIGITS]), int(span[2][:_DIGITS])
    if first > last:
        raise InputError(f"{expression!r} is no filter: the range begins after its end.")
    within = MetadataFilters(
        filters=[
            MetadataFilter(key=key, operator=FilterOperator.GTE, value=first),
            MetadataFilter(key=key, operator=FilterOperator.LTE, value=last),
        ],
        condition=FilterCondition.AND,
    )
    if operator is FilterOperator.EQ:
        return within
    return MetadataFilters(filters=[within], condition=FilterCondition.NOT)
