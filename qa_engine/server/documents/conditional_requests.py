"""Requests that depend on what the client has already: If-None-Match, and ranges of bytes."""

from __future__ import annotations

import re

from starlette.requests import Request

from qa_engine.server.problems import ProblemError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_ZERO = re.compile(r"q=0(\.0*)?")
_ETAG = re.compile(r'(?:W/)?("[^"]*")')


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has this version, so that 304 is the answer.

    Args:
        request: of the client.
        etag: of the version, a strong one in quotes.
    """
    header = request.headers.get("if-none-match", "")
    return header.strip() == "*" or etag in _ETAG.findall(header)


def takes_gzip(request: Request) -> bool:
    """Whether the client can read content that gzip has compressed."""
    weights = {}
    for part in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = part.replace(" ", "").lower().partition(";")
        weights[name] = weight
    return not _ZERO.fullmatch(weights.get("gzip", weights.get("*", "q=0")))


def keep_plain_range(request: Request, etag: str, size: int) -> None:
    """Takes the Range out of a request unless it asks for one range of this version: then the whole is the answer.

    Args:
        request: of the client, whose headers are changed.
        etag: of the version, a strong one in quotes.
        size: of the whole in bytes.

    Raises:
        ProblemError: ``range_not_satisfiable`` if the range begins behind the end.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    usable = match is not None and request.headers.get("if-range", etag).strip() == etag
    if match is not None and usable:
        first, last = match.groups()
        usable = bool(first or last) and not (first and last and int(last) < int(first))
        if usable and (int(first) >= size if first else int(last) == 0 or size == 0):
            raise ProblemError(
                "range_not_satisfiable",
                f"The file has {size} bytes.",
                headers={"Content-Range": f"bytes */{size}"},
            )
    if not usable:
        request.scope["headers"] = [entry for entry in request.scope["headers"] if entry[0] != b"range"]
