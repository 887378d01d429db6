"""Connections to the nodes of a search engine, held by the official clients of OpenSearch and of Elasticsearch.

The clients log each failed attempt with a traceback, some with the text of documents, and turn remarks of the server into
warnings. Ours say nothing: what failed is told once, by who asked. Importing a client takes a while: this module does so
when a connection is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from qa_engine.errors import ConfigurationError
from qa_engine.index.search_engine.connection.access import NodeAddress
from qa_engine.models.remote.proxies import proxy_for

if TYPE_CHECKING:
    import ssl

_CONNECTIONS = 128
"""Connections to a node that are kept; further threads wait for one."""
_CONNECT_SECONDS = 5.0


class Answer(NamedTuple):
    """What a node answered, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: str | bytes


class NoAnswerError(Exception):
    """A node did not answer. ``original`` is the error of urllib3 that tells why."""

    def __init__(self, original: BaseException) -> None:
        super().__init__(str(original))
        self.original = original

    @property
    def timed_out(self) -> bool:
        """The node took the request, and did not answer in time."""
        from urllib3.exceptions import ReadTimeoutError

        return isinstance(self.original, ReadTimeoutError)

    @property
    def dropped(self) -> bool:
        """The connection was closed, as servers and proxies do with those that were kept for long."""
        from urllib3.exceptions import ProtocolError

        return isinstance(self.original, ProtocolError)

    @property
    def untrusted(self) -> bool:
        """The certificate of the node is not trusted."""
        return "CERTIFICATE_VERIFY_FAILED" in str(self.original)

    @property
    def reason(self) -> str:
        """What the operating system or the TLS library says, on one line."""
        *first, last = self.original.args or (type(self.original).__name__,)
        said = [one for one in first if isinstance(one, str)] if isinstance(last, BaseException) else []
        text = " ".join([*said, str(last)])
        return " ".join(re.sub(r"^\w+\(host=[^)]*\): ", "", text).split())[:300]


class Connection(Protocol):
    """Connections to one node. Thread-safe."""

    def send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """One request, once.

        Raises:
            NoAnswerError: there was no answer, or it broke off.
        """

    def close(self) -> None:
        """Closes those that are open."""


def time_limits(seconds: float) -> Any:
    """The limits of one request: for the whole of it, and for the connection."""
    from urllib3 import Timeout

    return Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds)


def pool_of(address: NodeAddress, trusted: ssl.SSLContext | None) -> Any:
    """The pool of urllib3 that both clients send through: theirs know no proxies, and trust more certificates than ours.

    Raises:
        ConfigurationError: the proxy that the environment names for the address cannot be used.
    """
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    proxy = proxy_for(address.origin)
    if proxy is not None:
        return _ProxiedPool(address, proxy, trusted)
    if address.secure:
        return HTTPSConnectionPool(
            address.host, address.port, maxsize=_CONNECTIONS, block=True, ssl_context=trusted
        )
    return HTTPConnectionPool(address.host, address.port, maxsize=_CONNECTIONS, block=True)


class _ProxiedPool:
    """As a pool of urllib3, through a proxy."""

    def __init__(self, address: NodeAddress, proxy: str, trusted: ssl.SSLContext | None) -> None:
        from urllib3 import ProxyManager, make_headers

        self._origin = address.origin
        options: dict[str, Any] = {"maxsize": _CONNECTIONS, "block": True}
        if address.secure:
            options["ssl_context"] = trusted
        parts = urlsplit(proxy)
        if parts.scheme.startswith("socks"):
            try:
                from urllib3.contrib.socks import SOCKSProxyManager
            except ImportError as error:
                raise ConfigurationError(
                    f"The proxy for {address.host} is a SOCKS proxy, which needs a package that is not installed: pip "
                    f"install 'urllib3[socks]', or name {address.host} in NO_PROXY if it needs no proxy."
                ) from error
            self._manager: Any = SOCKSProxyManager(proxy, **options)
            return
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            options["proxy_headers"] = make_headers(proxy_basic_auth=user)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._manager = ProxyManager(f"{parts.scheme}://{host}:{port}", **options)

    def urlopen(self, method: str, url: str, body: bytes | None = None, **options: Any) -> Any:
        return self._manager.urlopen(method, self._origin + url, body=body, redirect=False, **options)

    def close(self) -> None:
        self._manager.clear()
