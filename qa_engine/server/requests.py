"""The outermost layer of the application: it gives every request an id, and every failure an answer."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_engine.server.paths import route_path
from qa_engine.server.problems import problem_of, render

HEADER = "X-Request-ID"
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""Of every response whose route says nothing else."""
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE_OF_THE_API = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI begins with a script in the page, and has styles and pictures of its own."""
_SENT = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """ASGI middleware: takes the id that a proxy has given a request, or makes one, and sends it back with security headers.

    What fails below is answered as a problem, unless the answer has begun: then the connection ends.
    """

    def __init__(self, app: ASGIApp) -> None:
        """
        Args:
            app: the application below.
        """
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER, "")
        request_id = sent if _SENT.fullmatch(sent) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        begun = False

        async def send_with_id(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request_id
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
                policy = _PAGE_OF_THE_API if route_path(scope) == "/api/docs" else _NOTHING
                headers.setdefault("Content-Security-Policy", policy)
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:  # the last resort of a request; the log has the traceback
            problem = problem_of(error, request_id)
            if begun:
                raise
            await render(problem, scope)(scope, receive, send_with_id)
