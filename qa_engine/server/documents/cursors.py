"""Cursors: where the next part of a list begins, as text that clients hand back and need not understand."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from qa_engine.index.files.listing import FileOrder, order_value
from qa_engine.index.records import FileRecord
from qa_engine.server.problems import ProblemError

_INTEGERS = 2**63


def cursor_behind(record: FileRecord, order: FileOrder) -> str:
    """The cursor of the files behind one of them."""
    content = json.dumps([order, order_value(record, order), record.file_id])
    return urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: FileOrder) -> tuple[str | int, str]:
    """The value and the id of the file that the list goes on behind.

    Args:
        cursor: of `cursor_behind`.
        order: of the list.

    Raises:
        ProblemError: ``invalid_request`` for any other text, or the cursor of another order.
    """
    try:
        content = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, value, identifier = content
    except (ValueError, TypeError, RecursionError):
        raise _invalid("It is no cursor of this list") from None
    kind = int if order.removeprefix("-") in {"pages", "size"} else str
    if made_for != order:
        raise _invalid(f"It was made for another order than {order!r}")
    if (
        type(value) is not kind
        or type(identifier) is not str
        or not _storable(value)
        or not _storable(identifier)
    ):
        raise _invalid("It is no cursor of this list")
    return value, identifier


def _storable(value: str | int) -> bool:
    """Whether SQLite takes a value."""
    if isinstance(value, int):
        return abs(value) < _INTEGERS
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _invalid(detail: str) -> ProblemError:
    return ProblemError(
        "invalid_request",
        f"query:cursor: {detail}.",
        "Begin again without a cursor, or hand back next_cursor as it came.",
        errors=[{"pointer": "query:cursor", "detail": detail}],
    )
