"""How large a request may be: its address, its header and its body. Uploads have a limit of their own, in their routes."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_engine.server.paths import route_path
from qa_engine.server.problems import ProblemError, render

MAX_HEAD_BYTES = 32 * 1024
"""Of a request line with the header fields."""
_MAX_ADDRESS_BYTES = 8 * 1024
_UPLOADS = re.compile(r"/api/v1/collections/[^/]+/files(/.*)?", re.DOTALL)


class SizeLimits:
    """ASGI middleware: refuses what is too large, by what the header says before the body is read, and by counting."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        """
        Args:
            app: the application below.
            max_body_bytes: of a body, uploads aside.
        """
        self._app = app
        self._max = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["method"] in {"PUT", "POST"} and _UPLOADS.fullmatch(route_path(scope)) is not None
        problem = self._problem(scope, upload)
        if problem is not None:
            await render(problem, scope)(scope, receive, send)
        else:
            await self._app(scope, receive if upload else self._counted(receive), send)

    def _problem(self, scope: Scope, upload: bool) -> ProblemError | None:
        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > _MAX_ADDRESS_BYTES:
            return ProblemError(
                "address_too_long", f"The address has more than {_MAX_ADDRESS_BYTES:,} bytes."
            )
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEAD_BYTES:
            return ProblemError("headers_too_large", f"The header has more than {MAX_HEAD_BYTES:,} bytes.")
        declared = Headers(scope=scope).get("content-length", "0")
        if not upload and declared.isdecimal() and int(declared) > self._max:
            return self._too_large(f"The body has {int(declared):,} bytes")
        return None

    def _too_large(self, sentence: str) -> ProblemError:
        return ProblemError(
            "payload_too_large",
            f"{sentence}, and {self._max:,} are allowed.",
            "Send a smaller body, or raise server.max_body_kilobytes.",
        )

    def _counted(self, receive: Receive) -> Receive:
        """Receives until too much has come."""
        count = 0

        async def receive_and_count() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._max:
                # FastAPI passes on an HTTPException; other errors while it reads a body become its own.
                raise HTTPException(413, self._too_large(f"The body has {count:,} bytes and more").detail)
            return message

        return receive_and_count
