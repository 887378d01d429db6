"""``HEAD`` for every address that knows ``GET``, as RFC 9110 asks for: the same header without the body."""

from __future__ import annotations

from anyio import CancelScope
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """ASGI middleware: has ``HEAD`` answered like ``GET``, and ends the answer with its header."""

    def __init__(self, app: ASGIApp) -> None:
        """
        Args:
            app: the application below.
        """
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        begun = CancelScope()

        async def send_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                # A stream would go on for as long as there are events.
                begun.cancel()

        with begun:
            await self._app({**scope, "method": "GET"}, receive, send_header)
