"""Behind a proxy: the address and the scheme of its client, and the path below which it offers the server."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def proxy_headers(app: ASGIApp, trusted: Iterable[str]) -> ProxyHeadersMiddleware:
    """ASGI middleware: believes ``X-Forwarded-For`` and ``X-Forwarded-Proto`` of some proxies.

    Args:
        app: the application below.
        trusted: addresses and networks of the proxies.
    """
    return ProxyHeadersMiddleware(app, list(trusted))  # type: ignore[arg-type]  # uvicorn has types of its own for ASGI


class RootPath:
    """ASGI middleware: the application lies below the path of ``public_url``, whether the proxy cuts it off or not."""

    def __init__(self, app: ASGIApp, public_url: str | None) -> None:
        """
        Args:
            app: the application below.
            public_url: address under which clients reach the server.
        """
        self._app = app
        self._path = urlsplit(public_url or "").path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = unquote(self._path)
        if root and scope["type"] == "http":
            scope["root_path"] = root
            if scope["path"] != root and not scope["path"].startswith(f"{root}/"):
                scope["path"] = root + scope["path"]
                scope["raw_path"] = self._path.encode("ascii", "replace") + scope.get("raw_path", b"")
        await self._app(scope, receive, send)
