"""The settings of `Config` in the form in which docs/configuration.md shows them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from qa_engine import Config


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Every setting by its dotted name, in the order of the code."""
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from ((f"{name}.{key}", inner) for key, inner in section.model_fields.items())
        else:
            yield name, field


def rows() -> Iterator[tuple[str, str, str]]:
    """Name, default and values of every setting, as the table words them."""
    for name, field in fields():
        yield name, _default(field.default), _values(field)


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"  # as TOML has it
    return "not set" if value is None else "empty" if value == "" else f"`{value}`"


def _values(field: FieldInfo) -> str:
    kinds = [field.annotation]
    metadata = list(field.metadata)
    if get_origin(field.annotation) in {Union, types.UnionType}:
        kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    if hasattr(kinds[0], "__metadata__"):
        for part in kinds[0].__metadata__:
            metadata += getattr(part, "metadata", [])
    if get_origin(kinds[0]) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kinds[0]))
    if kinds[0] is bool:
        return "`true`, `false`"
    bounds = {
        bound: getattr(part, bound)
        for part in metadata
        for bound in ("gt", "ge", "le")
        if hasattr(part, bound)
    }
    if not bounds:
        return "secret" if "Secret" in str(kinds[0]) else "path" if "Path" in str(kinds[0]) else "text"
    low = f"above {bounds['gt']:,}" if "gt" in bounds else f"{bounds['ge']:,}"
    return f"{low} to {bounds['le']:,}"
