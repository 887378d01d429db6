"""Stores many documents in a search engine: in parts of a bearable size, and what was rejected once more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from qa_engine.index.search_engine.connection.cluster import TOO_LARGE, Reply
from qa_engine.index.search_engine.connection.outages import PassingError, Patience, repeated
from qa_engine.index.search_engine.connection.refusals import Failure, refusal

Operation = tuple[dict[str, Any], Mapping[str, Any] | None]
"""The action with its metadata, such as ``{"index": {"_id": "1", "routing": "0"}}``, and the source."""
_BYTES = 4_000_000
"""About what one request holds at most."""


class BulkWriter:
    """Sends operations to one search engine. Thread-safe.

    Args:
        request: sends the lines to an index once, and takes the status 413 for an answer.
        url: of the search engine, for messages.
        patience_seconds: how long what was rejected is sent again without any progress.
    """

    def __init__(self, request: Callable[[str, bytes], Reply], url: str, patience_seconds: float) -> None:
        self._request = request
        self._url = url
        self._seconds = patience_seconds
        self._bytes = _BYTES

    def write(self, index: str, operations: Iterable[Operation]) -> None:
        """Stores, updates or deletes many documents; each operation is idempotent, so all may be sent again.

        Raises:
            QAEngineError: as of `SearchEngine.request`.
        """
        lines: list[bytes] = []
        size = 0
        for action, source in operations:
            line = orjson.dumps(action) + b"\n"
            if source is not None:
                line += orjson.dumps(source) + b"\n"
            if lines and size + len(line) > self._bytes:
                self._send(index, lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line)
        if lines:
            self._send(index, lines)

    def _send(self, index: str, lines: Sequence[bytes]) -> None:
        left = list(lines)
        patience = Patience(self._seconds)

        def attempt() -> bool:
            nonlocal left
            content = b"".join(left)
            reply = self._request(index, content)
            if reply.status == TOO_LARGE:
                if len(left) == 1:
                    raise refusal(Failure.of(TOO_LARGE, reply.body), self._url, f"/{index}")
                self._bytes = min(self._bytes, max(len(content) // 2, 1))
                return False
            rejected, failure = self._rejected(index, left, reply.body)
            if failure is None:
                return True
            if len(rejected) < len(left):
                patience.renew()
            left = rejected
            raise PassingError(refusal(failure, self._url, f"/{index}"))

        if not repeated(attempt, patience):
            half = len(left) // 2
            self._send(index, left[:half])
            self._send(index, left[half:])

    def _rejected(
        self, index: str, lines: Sequence[bytes], body: Mapping[str, Any]
    ) -> tuple[list[bytes], Failure | None]:
        """The operations that have to be sent again, and why the first of them was rejected."""
        rejected: list[bytes] = []
        first: Failure | None = None
        if not body.get("errors"):
            return rejected, first
        for line, item in zip(lines, body["items"], strict=True):
            ((action, result),) = item.items()
            status = result["status"]
            if status < 300 or (action == "delete" and status == 404 and "error" not in result):
                continue
            failure = Failure.of(status, result)
            # Two requests changed one document at once, of which one may be an earlier attempt of this one.
            if not failure.passes and failure.kind != "version_conflict_engine_exception":
                raise refusal(failure, self._url, f"/{index}")
            rejected.append(line)
            first = first or failure
        return rejected, first
