"""The client of a Chroma server: with a time-out, and with errors that say what to do.

Imports Chroma and httpx, which takes a while: import it where a server is used.
"""

from __future__ import annotations

import logging
import re
import ssl
import urllib.parse
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import orjson
from chromadb.api.fastapi import FastAPI
from chromadb.config import Settings, System
from chromadb.errors import ChromaAuthError, ChromaError
from chromadb.telemetry.opentelemetry import OpenTelemetryClient
from chromadb.telemetry.product import ProductTelemetryClient
from overrides import override  # Chroma's classes insist on it

from qa_engine.config import IndexConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    IndexUnavailableError,
    ServiceUnavailableError,
)
from qa_engine.forks import follow_forks, keep
from qa_engine.index.vectors.chroma_folder import cosine_collection
from qa_engine.index.vectors.runtime import runtime
from qa_engine.models.remote.endpoints import HEADER_VALUE
from qa_engine.models.remote.proxies import http_options

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

logger = logging.getLogger("qa_engine.index")
_API = "/api/v2"
_REFUSED = {401, 403}
_TOO_LARGE = 413
_BUSY = {429, 502, 503, 504}
"""What servers, and proxies before them, say while they start, stop or have too much to do."""
_EXCERPT = 200
_DROPPED = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


class ChromaServer(FastAPI):
    """Chroma's own HTTP client with a time-out and clear errors: that one waits for ever, and raises bare exceptions.

    Thread-safe. Errors that Chroma itself reports, such as ``NotFoundError``, stay what they are.
    """

    def __init__(self, config: IndexConfig) -> None:
        """Prepares for a configuration with an address; nothing is sent yet.

        Raises:
            ConfigurationError: the address, the token or the certificate cannot be used.
        """
        self.url = (config.url or "").rstrip("/")
        self.config = config
        parts = urllib.parse.urlsplit(self.url)
        settings = Settings(
            anonymized_telemetry=False,
            chroma_server_host=parts.hostname,
            chroma_server_http_port=_port(config),
            chroma_server_ssl_enabled=parts.scheme == "https",
            chroma_server_headers=_headers(config),
        )
        # Not the constructor of `FastAPI`, whose client fails on any proxy of the environment that it cannot use.
        super(FastAPI, self).__init__(System(settings))
        self._opentelemetry_client = self.require(OpenTelemetryClient)
        self._product_telemetry_client = self.require(ProductTelemetryClient)  # type: ignore[type-abstract]
        self._settings = settings
        self._header = {**(settings.chroma_server_headers or {}), "Content-Type": "application/json"}
        self._connect()
        self._api_url = self.url + _API
        follow_forks(self)

    def _connect(self) -> None:
        self._session = httpx.Client(
            timeout=httpx.Timeout(self.config.timeout_seconds),
            limits=self.http_limits,
            headers=self._header,
            **http_options(self.url) | _certificates(self.config),
        )
        self._finalizer = weakref.finalize(self, self._session.close)
        self._finalizer.atexit = False
        self._inherited = False

    def after_fork(self) -> None:
        """In a forked child, the connections are the parent's: the next request opens others."""
        self._finalizer.detach()
        keep(self._session)
        self._inherited = True

    def collection(self, name: str, create: bool = False) -> Collection:
        """The collection of a name in the configured database.

        Raises:
            ServiceUnavailableError: the server does not answer.
            AuthenticationFailedError: it refuses the token.
            NotFoundError: it has no such collection (an error of Chroma).
        """
        try:
            return cosine_collection(
                self, name, create, tenant=self.config.tenant, database=self.config.database
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise self._unavailable(
                "answers in another form than Chroma",
                "check that index.url is the address of a Chroma server",
            ) from error

    def database_status(self) -> int:
        """The HTTP status that the server answers with when it is asked for the configured database.

        Raises:
            ServiceUnavailableError: the server does not answer.
            ConfigurationError: its certificate cannot be trusted.
        """
        tenant, database = (
            urllib.parse.quote(name, safe="") for name in (self.config.tenant, self.config.database)
        )
        return self._response("GET", f"{self._api_url}/tenants/{tenant}/databases/{database}").status_code

    @override
    def _make_request(self, method: str, path: str, **kwargs: Any) -> Any:
        if "json" in kwargs:
            kwargs["content"] = orjson.dumps(kwargs.pop("json"), option=orjson.OPT_SERIALIZE_NUMPY)
        response = self._response(method, self._api_url + urllib.parse.quote(path, safe="/"), **kwargs)
        if not response.is_success:
            self._refuse(response)
        try:
            return orjson.loads(response.text)
        except ValueError as error:
            raise self._unavailable(
                f"answers what is no JSON ({_line(response.text) or 'nothing'})",
                "check that index.url is the address of a Chroma server",
            ) from error

    def _response(self, method: str, address: str, **kwargs: Any) -> httpx.Response:
        """What the server answers, whatever its status."""
        try:
            return self._send(method, address, **kwargs)
        except httpx.TimeoutException as error:
            raise self._unavailable(
                f"did not answer within index.timeout_seconds = {self.config.timeout_seconds:g}",
                "raise that, or look what the server is doing",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise ConfigurationError(
                    f"The certificate of the Chroma server at {self.url} cannot be trusted ({_line(str(error))}): set "
                    "index.ca_file to the certificate of the authority that signed it."
                ) from error
            raise self._unavailable(
                f"cannot be reached ({_line(str(error)) or type(error).__name__})",
                "check index.url, and that the server runs",
            ) from error

    def _send(self, method: str, address: str, **kwargs: Any) -> httpx.Response:
        """One request; a second one, if the connection was kept from an earlier one and the server has closed it since."""
        if self._inherited:
            self._connect()
        try:
            return self._session.request(method, address, **kwargs)
        except _DROPPED as error:
            logger.info(
                "the connection to the Chroma server at %s was closed (%s): asking again", self.url, error
            )
            return self._session.request(method, address, **kwargs)

    def _refuse(self, response: httpx.Response) -> NoReturn:
        """Raises what an answer means that is no success."""
        status = response.status_code
        try:
            self._raise_chroma_error(response)
        except ChromaAuthError:
            status = 403
        except ChromaError:
            if status not in _REFUSED:
                raise
        except Exception:  # noqa: BLE001 - Chroma has nothing narrower for the answers of others
            pass
        if status in _REFUSED:
            sent = "the token that was sent" if self.config.token else "requests without a token"
            raise AuthenticationFailedError(
                f"The Chroma server at {self.url} refuses {sent} in the header {self.config.token_header} ({status}): "
                "correct index.token and index.token_header."
            )
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            details = response.headers.get("location") if response.is_redirect else _line(response.text)
            raise self._unavailable(
                f"answers with status {status} ({details or response.reason_phrase})",
                _advice(response),
            ) from error
        raise AssertionError(status)

    def _unavailable(self, what: str, advice: str) -> ServiceUnavailableError:
        return IndexUnavailableError(
            f"The Chroma server at {self.url} {what}: {advice}, then run the same command again."
        )


def chroma_server(config: IndexConfig) -> ChromaServer:
    """The configured server, one object for all who use it at a time, so that connections are kept.

    Raises:
        ConfigurationError: the address, the token or the certificate cannot be used.
    """
    key = tuple(config)
    with runtime.lock:
        server = runtime.servers.get(key)
        if server is None:
            server = runtime.servers[key] = ChromaServer(config)
        return server


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment: the server was not there, or too busy. Not so for time-outs."""
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPStatusError):
        return cause.response.status_code in _BUSY
    return isinstance(error, ServiceUnavailableError) and isinstance(
        cause, httpx.NetworkError | httpx.RemoteProtocolError
    )


def may_be_too_large(error: BaseException) -> bool:
    """Whether a request may have failed for its size: it was refused, broke off, or took too long."""
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPStatusError):
        return cause.response.status_code == _TOO_LARGE
    return isinstance(cause, httpx.NetworkError | httpx.RemoteProtocolError | httpx.TimeoutException)


def _port(config: IndexConfig) -> int:
    parts = urllib.parse.urlsplit(config.url or "")
    try:
        port = parts.port
    except ValueError:
        raise ConfigurationError(
            f"index.url = {config.url!r} has a port that is none: ports are 1 to 65535."
        ) from None
    return port or (443 if parts.scheme == "https" else 80)


def _headers(config: IndexConfig) -> dict[str, str]:
    """The header with the token. What is wrong with a token is said without it."""
    token = config.token.get_secret_value() if config.token else ""
    if not token:
        return {}
    if not re.fullmatch(HEADER_VALUE, token):
        raise ConfigurationError(
            "index.token holds characters that a header cannot carry, such as a line end: set it to the token alone."
        )
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", config.token_header):
        raise ConfigurationError(
            f"index.token_header = {config.token_header!r} cannot be the name of a header: use one such as Authorization "
            "or X-Chroma-Token."
        )
    bearer = config.token_header.lower() == "authorization"
    return {config.token_header: f"Bearer {token}" if bearer else token}


def _certificates(config: IndexConfig) -> dict[str, ssl.SSLContext]:
    if config.ca_file is None:
        return {}
    try:
        return {"verify": ssl.create_default_context(cafile=str(config.ca_file))}
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"index.ca_file = {str(config.ca_file)!r} cannot be read as a certificate in PEM "
            f"({getattr(error, 'strerror', None) or error}): name the file of the authority that signed the server's."
        ) from error


def _advice(response: httpx.Response) -> str:
    if response.status_code == _TOO_LARGE:
        return "let the server, or the proxy before it, accept larger requests"
    if response.is_redirect:
        return "set index.url to where it really is"
    if response.status_code in _BUSY:
        return "wait until it is ready"
    return "check that index.url is the address of a Chroma server of version 1.0 or later"


def _line(text: str) -> str:
    """The beginning of what a server said, on one line."""
    plain = " ".join(re.sub(r"<[^<>]*>", " ", text).split())
    return plain if len(plain) <= _EXCERPT else plain[:_EXCERPT] + "…"
