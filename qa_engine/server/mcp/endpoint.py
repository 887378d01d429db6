"""The endpoint ``/mcp``: Streamable HTTP without sessions, for clients of the protocol of 2026 and of 2025."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qa_engine.config.server import ServerConfig
from qa_engine.mcp.serving import build_server
from qa_engine.server.access import access_of
from qa_engine.server.mcp.library import ServedLibrary
from qa_engine.server.problems import ProblemError, render
from qa_engine.server.state import state_of

PATH = "/mcp"


class Endpoint:
    """ASGI application. Keys, hosts, rates and sizes have been checked before; each request is answered for its key."""

    def __init__(self, settings: ServerConfig) -> None:
        self._settings = settings
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answers requests until the block ends; those that are being answered are left then."""
        manager = StreamableHTTPSessionManager(
            build_server(_library_of),
            stateless=True,
            max_request_body_size=self._settings.max_body_kilobytes * 1024,
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path=PATH)  # for the access log
        problem = self._problem(scope)
        if problem is not None or self._manager is None:
            await render(problem or ProblemError("draining", "The server is stopping."), scope)(
                scope, receive, send
            )
            return
        await self._manager.asgi_app(scope, receive, send)

    def _problem(self, scope: Scope) -> ProblemError | None:
        if scope["method"] != "POST":  # nothing is sent on its own account, and there is no session to end
            headers = {"Allow": "POST"}
            return ProblemError("method_not_allowed", "MCP is spoken by POST here.", headers=headers)
        request = Request(scope)
        if not access_of(request).may_read:
            return ProblemError("unauthorized", "The request has no key.")
        if state_of(request).draining:
            return ProblemError("draining", "The server has been asked to stop.")
        return None


def mount(app: FastAPI, settings: ServerConfig) -> Endpoint:
    """Adds the endpoint to an application, whose lifespan enters `Endpoint.running`."""
    endpoint = Endpoint(settings)
    app.router.routes.append(Route(PATH, endpoint, include_in_schema=False))
    return endpoint


async def _library_of(context: ServerRequestContext[Any, Any]) -> ServedLibrary:
    request = context.request
    assert isinstance(request, Request)
    return ServedLibrary(request, state_of(request), access_of(request))
