"""Which web pages may use the server: those of its own origin, and those of ``server.cors_origins``."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Scope

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READABLE = (
    *("X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy", "Location", "ETag"),
    *("Content-Disposition", "WWW-Authenticate"),
)
_SENDABLE = (
    *("Authorization", "X-API-Key", "X-Request-ID", "Idempotency-Key", "Content-Digest", "If-Match"),
    *("If-None-Match", "Last-Event-ID", "Range"),
)


def cors(app: ASGIApp, origins: Iterable[str]) -> CORSMiddleware:
    """ASGI middleware: lets web pages of other origins ask, and read the answers, errors included.

    Args:
        app: the application below.
        origins: such as ``https://wiki.example.com``.
    """
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=_SENDABLE,
        allow_credentials=True,
        expose_headers=_READABLE,
    )


class OriginRules:
    """Which origins a request that changes something may come from, if it has no key of its own in the header."""

    def __init__(self, public_url: str | None, origins: Iterable[str]) -> None:
        """
        Args:
            public_url: address under which clients reach the server.
            origins: further ones that may use it.
        """
        parts = urlsplit(public_url or "")
        self._allowed = {origin.lower() for origin in origins}
        if public_url:
            self._allowed.add(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower())

    def allow(self, scope: Scope, required: bool) -> bool:
        """Whether a request may change something.

        Args:
            scope: of the request; its host has been checked.
            required: whether it must say where it comes from, as browsers do.
        """
        headers = Headers(scope=scope)
        sent = headers.getlist("origin")
        if not sent:
            return not required
        own = f"{scope['scheme']}://{headers.get('host', '')}".lower()
        return len(sent) == 1 and (sent[0].lower() == own or sent[0].lower() in self._allowed)
