"""The application: its routes, its middleware, and what is open while it runs.

A request passes the middleware in this order, before anything of its body is read. What comes before it, the connection, is
the subject of `qa_engine.server.admission.connections`.

==================  ==================================================================  ==============
`RootPath`          the path of ``public_url`` below which the application lies
`proxy_headers`     address and scheme of the client behind a trusted proxy
`RequestIds`        the id of the request, security headers, the last resort of errors  500
`AccessLog`         a line in the log, and the metrics
`AllowedHosts`      one ``Host`` header, and one that is answered                       400, 421
`cors`              web pages of other origins; errors below can be read by them
`Authentication`    the key or the session; origins of changes without a key            401, 403, 429
`RateLimits`        how often a key or an address asks                                  429
`SizeLimits`        address, header and body, uploads aside                             413, 414, 431
`HeadRequests`      ``HEAD``, as ``GET`` without the body
==================  ==================================================================  ==============
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from qa_engine import __version__
from qa_engine.config import Config
from qa_engine.config.server import ServerConfig
from qa_engine.mcp import require_packages as require_mcp_packages
from qa_engine.server.access_log import AccessLog
from qa_engine.server.admission.authentication import SECURITY_SCHEMES, Authentication
from qa_engine.server.admission.bodies import SizeLimits
from qa_engine.server.admission.hosts import AllowedHosts, host_rules
from qa_engine.server.admission.origins import OriginRules, cors
from qa_engine.server.admission.proxies import RootPath, proxy_headers
from qa_engine.server.admission.rates import RateLimits, rate_of
from qa_engine.server.head_requests import HeadRequests
from qa_engine.server.problem_forms import SCHEMAS
from qa_engine.server.problem_kinds import PROBLEM_SCHEMA
from qa_engine.server.problems import handle_errors
from qa_engine.server.requests import RequestIds
from qa_engine.server.routes import ROUTERS
from qa_engine.server.state import opened_state

if TYPE_CHECKING:
    from qa_engine.server.mcp.endpoint import Endpoint


def create_app(
    config: Config,
    collections: tuple[str, ...] = (),
    on_failure: Callable[[], None] = lambda: None,
    no_auth: bool = False,
) -> FastAPI:
    """The ASGI application over a storage. Its lifespan opens the engine, and closes it.

    Args:
        config: the settings, with the storage.
        collections: those that are asked if a question names none; the collection of the configuration if empty.
        on_failure: called if the engine cannot be opened; ``app.state.server.failure`` says why.
        no_auth: whether everybody is let in without a key, wherever the server listens.

    Raises:
        ModelUnavailableError: ``server.mcp`` is set, and the extra ``mcp`` is not installed.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened_state(config, collections or (config.collection,), on_failure, no_auth) as state:
            app.state.server = state
            async with endpoint.running() if endpoint is not None else nullcontext():
                yield

    app = FastAPIOffline(
        title="qa_engine",
        version=__version__,
        summary="Document question answering: PDFs in, Chinese answers with page citations out.",
        docs_url="/api/docs",
        redoc_url=None,
        static_url="/api/docs/files",
        swagger_ui_oauth2_redirect_url="/api/docs/oauth2-redirect",
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    endpoint = _mcp(app, config.server) if config.server.mcp != "off" else None
    handle_errors(app)
    _admit(app, config.server)
    _complete_document(app)
    return app


def _mcp(app: FastAPI, settings: ServerConfig) -> Endpoint:
    """Adds the endpoint of MCP.

    Raises:
        ModelUnavailableError: its packages are not installed.
    """
    require_mcp_packages()
    from qa_engine.server.mcp.endpoint import mount

    return mount(app, settings)


def _admit(app: FastAPI, settings: ServerConfig) -> None:
    """Adds the middleware, from the innermost to the outermost: the table above in reverse."""
    app.add_middleware(HeadRequests)
    app.add_middleware(SizeLimits, settings.max_body_kilobytes * 1024)
    if (rate := rate_of(settings)) is not None:
        app.add_middleware(RateLimits, rate)
    open_paths = frozenset({"/metrics"}) if settings.metrics_open else frozenset[str]()
    app.add_middleware(Authentication, OriginRules(settings.public_url, settings.cors_origins), open_paths)
    if settings.cors_origins:
        app.add_middleware(cors, settings.cors_origins)
    app.add_middleware(AllowedHosts, host_rules(settings))
    app.add_middleware(AccessLog, settings.log_questions)
    app.add_middleware(RequestIds)
    if settings.trusted_proxies:
        app.add_middleware(proxy_headers, settings.trusted_proxies)
    app.add_middleware(RootPath, settings.public_url)


def _complete_document(app: FastAPI) -> None:
    """Adds problem objects and keys to the OpenAPI document, and takes out FastAPI's own errors."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["ProblemObject"] = PROBLEM_SCHEMA
        schemas |= SCHEMAS
        components["securitySchemes"] = SECURITY_SCHEMES
        document["security"] = [*({name: []} for name in SECURITY_SCHEMES), {}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
