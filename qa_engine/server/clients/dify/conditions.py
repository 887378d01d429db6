"""Dify's conditions on metadata as filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator
from pydantic import BaseModel, Field

from qa_engine.server.asking.requests import MAX_FILTERS, Filter, Filters, Name
from qa_engine.server.problems import ProblemError

Value = str | int | float | list[str | int | float] | None
_OPERATORS: Mapping[str, FilterOperator] = {
    "is": FilterOperator.EQ,
    "=": FilterOperator.EQ,
    "is not": FilterOperator.NE,
    "≠": FilterOperator.NE,
    ">": FilterOperator.GT,
    "<": FilterOperator.LT,
    "≥": FilterOperator.GTE,
    "≤": FilterOperator.LTE,
    "after": FilterOperator.GT,
    "before": FilterOperator.LT,
    "contains": FilterOperator.CONTAINS,
    "in": FilterOperator.IN,
    "not in": FilterOperator.NIN,
    "empty": FilterOperator.IS_EMPTY,
    "null": FilterOperator.IS_EMPTY,
    "not exists": FilterOperator.IS_EMPTY,
}
_OPPOSITES = {
    "not contains": "contains",
    "not empty": "empty",
    "not null": "empty",
    "exists": "empty",
}
_PATTERNS = {"start with": "{}*", "end with": "*{}"}
_KEYS = {"document_name": "file"}
"""Names that Dify gives to what every document has."""
_FIRST_TIME = 10**8
"""Numbers from here on are seconds of Unix time, which Dify sends for dates."""


class Condition(BaseModel):
    """A comparison with metadata.

    Attributes:
        name: of the metadata; of several names, each is compared.
        comparison_operator: as Dify names it.
        value: that is compared with.
    """

    name: Name | Annotated[list[Name], Field(min_length=1, max_length=20)]
    comparison_operator: Annotated[str, Field(max_length=40)]
    value: Value = None


class MetadataCondition(BaseModel):
    """Comparisons with metadata, all or any of which must hold."""

    logical_operator: Literal["and", "or"] | None = "and"
    conditions: Annotated[list[Condition], Field(max_length=MAX_FILTERS)] | None = None


def filters_of(condition: MetadataCondition | None) -> Filters | None:
    """The filters that say the same.

    Raises:
        ProblemError: ``unsupported``: an operator has no filter.
    """
    if condition is None or not condition.conditions:
        return None
    parts = [
        _filter(_KEYS.get(name, name), one)
        for one in condition.conditions
        for name in ([one.name] if isinstance(one.name, str) else one.name)
    ]
    joined = FilterCondition.OR if condition.logical_operator == "or" else FilterCondition.AND
    return Filters.model_construct(filters=parts, condition=joined)


def _filter(key: str, condition: Condition) -> Filter | Filters:
    operator = condition.comparison_operator
    if operator in _PATTERNS:
        return _pattern(key, condition)
    plain = _OPPOSITES.get(operator, operator)
    if plain not in _OPERATORS:
        raise _unsupported(condition, f"there is no filter for {operator!r}")
    found = Filter.model_construct(
        key=key, value=_value(condition, _OPERATORS[plain]), operator=_OPERATORS[plain]
    )
    if operator == plain:
        return found
    return Filters.model_construct(filters=[found], condition=FilterCondition.NOT)


def _pattern(key: str, condition: Condition) -> Filter:
    """The beginning or the end of a file's name, as a pattern."""
    value = condition.value
    if key != "file":
        raise _unsupported(
            condition, "only the name of a file is compared by its beginning or end; write 'contains'"
        )
    if not isinstance(value, str) or "*" in value or "?" in value or "/" in value:
        raise _unsupported(condition, "it needs a text without '*', '?' and '/'")
    pattern = _PATTERNS[condition.comparison_operator].format(value)
    return Filter.model_construct(key=key, value=pattern, operator=FilterOperator.EQ)


def _value(condition: Condition, operator: FilterOperator) -> Value:
    value = condition.value
    if operator is FilterOperator.IS_EMPTY:
        return None
    if operator in {FilterOperator.IN, FilterOperator.NIN}:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",")]
        return value if isinstance(value, list) or value is None else [value]
    if condition.comparison_operator in {"before", "after"} and not isinstance(value, list):
        return _date(value)
    return value


def _date(value: str | float | None) -> str | int | float | None:
    """A moment that was sent in seconds as a date, which is how metadata holds dates; anything else as it is."""
    if isinstance(value, int | float) and _FIRST_TIME <= value < 10**11:
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    return value


def _unsupported(condition: Condition, why: str) -> ProblemError:
    name = condition.name if isinstance(condition.name, str) else condition.name[0]
    return ProblemError(
        "unsupported",
        f"The condition {name!r} {condition.comparison_operator!r} cannot be used: {why}.",
        "Use is, is not, contains, not contains, in, not in, empty, not empty, =, ≠, >, <, ≥, ≤, before or after.",
    )
