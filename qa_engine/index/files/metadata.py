"""What people note about a file, such as its year: which keys and values there may be, and how values compare."""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from qa_engine.index.records import Scalar
from qa_engine.text.one_line import is_text

RESERVED_KEYS = ("file", "file_name", "page", "page_end", "page_label", "section", "collection")
"""Keys that say where a passage stands; a file's own metadata cannot use them."""

_OPERATORS = re.compile(r"[=<>!]")
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")
_MAX_KEY = 100
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def checked_metadata(content: Mapping[Any, Any]) -> dict[str, Scalar]:
    """The metadata that a mapping holds, with tidied keys.

    Raises:
        ValueError: a key is reserved or cannot be used in a filter, or a value is no text, number or truth value. The
            message is a clause that names it.
    """
    checked: dict[str, Scalar] = {}
    for name, value in content.items():
        key = normal(str(name)).strip()
        if not key or len(key) > _MAX_KEY or _OPERATORS.search(key) or not key.isprintable():
            raise ValueError(
                f"the key {name!r} cannot be used in a filter: take 1 to {_MAX_KEY} characters without = < > !"
            )
        if key in RESERVED_KEYS:
            raise ValueError(f"the key {key!r} is reserved: name it otherwise")
        if key in checked:
            raise ValueError(f"the key {key!r} occurs twice")
        if not isinstance(value, str | int | float) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            raise ValueError(
                f"the value of {key!r} is {value!r}: only text, numbers, true and false can be used"
            )
        if isinstance(value, str) and ("\0" in value or not is_text(value)):  # SQLite compares text up to NUL
            raise ValueError(
                f"the value of {key!r} is {value!r}: text cannot hold the character NUL or lone surrogates"
            )
        checked[key] = value
    return checked


def normal(text: str) -> str:
    """Text in one of the forms that look the same; file systems and people write different ones."""
    return unicodedata.normalize("NFC", text)


def as_number(value: Scalar) -> int | float | None:
    """A number, or a text that reads like one, as a number; else None. ``007`` is no number, since it is not ``7``."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, int | float):
        return value
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = (
        float(text) if any(mark in text for mark in ".eE") else int(text) if len(text) < 300 else math.inf
    )
    return number if math.isfinite(number) else None


def as_text(value: Scalar) -> str:
    """A value as people write it in a filter."""
    return str(value).lower() if isinstance(value, bool) else normal(str(value))


def same(left: Scalar, right: Scalar) -> bool:
    """Whether two values are equal: as numbers if both read like numbers, else as text."""
    first, second = as_number(left), as_number(right)
    if first is not None and second is not None:
        return first == second
    return as_text(left) == as_text(right)


def ordered(order: str, left: Scalar, right: Scalar) -> bool:
    """Whether one of `ORDERS` holds: between numbers, or between texts (ISO dates); never between the two."""
    first, second = as_number(left), as_number(right)
    if first is not None and second is not None:
        return ORDERS[order](first, second)
    if first is not None or second is not None:
        return False
    return ORDERS[order](as_text(left), as_text(right))
