"""Dataclasses as JSON objects, and back."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


def to_dict(result: Any) -> dict[str, Any]:
    """A dataclass of the files of a run as a JSON object."""
    return dataclasses.asdict(result)


def from_dict(kind: type[_T], content: Mapping[str, Any]) -> _T:
    """The dataclass that `to_dict` made an object of; keys that later versions added are passed over.

    Raises:
        TypeError: a key that cannot be left out is missing, or a value has another shape.
    """
    hints = get_type_hints(kind)
    known = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], value) for name, value in content.items() if name in known})


def _value(hint: Any, value: Any) -> Any:
    """A JSON value as the type that a field has."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        inner = [kind for kind in arguments if kind is not type(None)]
        return None if value is None else _value(inner[0], value) if len(inner) == 1 else value
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value)  # type: ignore[arg-type]
    if origin is list:
        return [_value(arguments[0], item) for item in value]
    if origin is dict:
        return {key: _value(arguments[1], item) for key, item in value.items()}
    return value
