"""Who asks: the key or the session of a request is looked up before anything of its body is read."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, field
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from qa_engine.config.server import ServerConfig
from qa_engine.errors import StorageError
from qa_engine.server.access import Access
from qa_engine.server.admission.clients import address_group
from qa_engine.server.admission.hosts import is_loopback
from qa_engine.server.admission.keys import Key, KeyStore
from qa_engine.server.admission.login_page import login_page
from qa_engine.server.admission.origins import SAFE_METHODS, OriginRules
from qa_engine.server.admission.rates import MovingWindow
from qa_engine.server.admission.sessions import COOKIE, SessionStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.paths import route_path
from qa_engine.server.problems import ProblemError, problem_of, render, request_id_of

_FAILURES = "20/minute"
_WITHOUT_KEY = frozenset({"/healthz", "/readyz", "/login", "/api/v1/session"})
_FILES_OF_THE_PAGE = "/assets/"
"""They are those of the package. A page whose session has ended still loads its screens, and asks for a key."""
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, as qae_…"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key, as qae_…"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "See POST /api/v1/session."},
}
"""The ways to send a key, for the OpenAPI document."""
_NOBODY = Access(scopes=frozenset())


@dataclass
class Authenticator:
    """Finds the key of a request. Its methods are for the event loop; the database is read in threads.

    Attributes:
        keys: all keys.
        sessions: the sessions of browsers.
        config: the settings of the server.
        no_auth: whether everybody is let in without a key.
    """

    keys: KeyStore
    sessions: SessionStore
    config: ServerConfig
    no_auth: bool = False
    _needed: bool = False
    _failures: MovingWindow = field(default_factory=lambda: MovingWindow.of(_FAILURES))
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))

    @classmethod
    def over(cls, database: ServerDatabase, config: ServerConfig, no_auth: bool) -> Authenticator:
        """An authenticator over the database of the server.

        Raises:
            StorageError: the database cannot be written.
        """
        keys = KeyStore(database)
        return cls(
            keys, SessionStore(database, keys), config, no_auth, not is_loopback(config.host) or keys.any()
        )

    async def needs_key(self) -> bool:
        """Whether requests need a key. Once there was one, they do until the process ends, even if it is removed."""
        if not self._needed and not self.no_auth:
            self._needed = await to_thread.run_sync(self.keys.any, limiter=self._threads)
        return self._needed and not self.no_auth

    async def key(self, secret: str, scope: Scope) -> Key:
        """The key with a secret that was sent.

        A right one is let in however many wrong ones have come from its address: they cannot lock others out.

        Raises:
            ProblemError: ``unauthorized``, or ``rate_limited`` after many wrong ones from this address.
        """
        found = await to_thread.run_sync(self.keys.find, secret, limiter=self._threads)
        if found is None:
            raise self._refusal(scope, "The key is not known.")
        return found

    async def session_key(self, session: str) -> Key:
        """The key that a session stands for.

        Raises:
            ProblemError: ``unauthorized``.
        """
        found = await to_thread.run_sync(self.sessions.find, session, limiter=self._threads)
        if found is None:
            raise ProblemError("unauthorized", "The session has ended.")
        return found

    async def open_session(self, key: Key) -> str:
        """Opens a session for a key, and returns its id.

        Raises:
            ProblemError: ``unauthorized`` if the key has just been removed.
        """
        try:
            return await to_thread.run_sync(self.sessions.open, key, limiter=self._threads)
        except sqlite3.IntegrityError:
            raise ProblemError("unauthorized", f"The key {key.name!r} has been removed.") from None

    async def end_session(self, session: str) -> None:
        """Ends a session."""
        await to_thread.run_sync(self.sessions.end, session, limiter=self._threads)

    def _refusal(self, scope: Scope, detail: str) -> ProblemError:
        client = address_group(scope)
        if self._failures.count(client):
            return ProblemError("unauthorized", detail)
        seconds = max(math.ceil(self._failures.wait(client)), 1)
        return ProblemError(
            "rate_limited", "Too many wrong keys came from this address.", retry_after=seconds
        )


class Authentication:
    """ASGI middleware: puts the access of a request into its state, or answers that a key is needed."""

    def __init__(self, app: ASGIApp, origins: OriginRules, open_paths: frozenset[str] = frozenset()) -> None:
        """
        Args:
            app: the application below; ``app.state.server.authenticator`` of the whole application finds keys.
            origins: those that requests with a cookie, or without a key where none is needed, may come from.
            open_paths: further paths that need no key.
        """
        self._app = app
        self._origins = origins
        self._open_paths = _WITHOUT_KEY | open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope["state"]["access"] = await self._access(scope)
        except (ProblemError, StorageError) as error:
            problem = problem_of(error, request_id_of(scope))
            response = render(problem, scope)
            if problem.code == "unauthorized" and _wants_page(scope):
                response = login_page(scope, _asked_for(scope), status=401)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _access(self, scope: Scope) -> Access:
        authenticator: Authenticator = scope["app"].state.server.authenticator
        changes = scope["method"] not in SAFE_METHODS
        if not await authenticator.needs_key():
            # A page of another origin may send some requests without asking, and this machine lets its browser in.
            if changes and not self._origins.allow(scope, required=False):
                raise _foreign(scope)
            return Access()
        path = route_path(scope)
        open_path = path in self._open_paths or path.startswith(_FILES_OF_THE_PAGE)
        secret, session = _credentials(scope), HTTPConnection(scope).cookies.get(COOKIE)
        if secret is None and changes and not self._origins.allow(scope, required=False):
            raise _foreign(scope)
        try:
            if secret is not None:
                return (await authenticator.key(secret, scope)).access
            if session is not None:
                key = await authenticator.session_key(session)
                if changes and not self._origins.allow(scope, required=True):
                    raise _foreign(scope)
                return key.access
        except ProblemError as problem:
            if not open_path or problem.code == "forbidden":
                raise
        if not open_path:
            raise ProblemError("unauthorized", "The request has no key.")
        return _NOBODY


def _credentials(scope: Scope) -> str | None:
    """The key that was sent, None if none was."""
    headers = Headers(scope=scope)
    sent = headers.getlist("authorization")
    bearer = [value[7:].strip() for value in sent if value[:7].lower() == "bearer "]
    found = {*bearer, *headers.getlist("x-api-key")}
    if len(found) > 1:
        raise ProblemError("malformed_request", "The request has several keys.", "Send one key.")
    return found.pop() if found else None


def _foreign(scope: Scope) -> ProblemError:
    origin = Headers(scope=scope).get("origin")
    came = "does not say which web page it comes from" if origin is None else f"comes from {origin[:100]!r}"
    return ProblemError(
        "forbidden",
        f"The request {came}.",
        "Send a key in the header Authorization, or name the origin in server.cors_origins.",
    )


def _wants_page(scope: Scope) -> bool:
    return scope["method"] in {"GET", "HEAD"} and "text/html" in Headers(scope=scope).get("accept", "")


def _asked_for(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"], safe="/:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
