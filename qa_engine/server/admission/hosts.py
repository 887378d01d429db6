"""The names under which the server answers.

A web page whose name was made to point at this machine (DNS rebinding) could otherwise read a server on loopback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from qa_engine.config.server import ServerConfig
from qa_engine.server.problems import ProblemError, render

_HEADER = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]{0,5})?")


def host_of(header: str) -> str | None:
    """The host in the value of a ``Host`` header: in small letters, without port and final dot; None if it is none.

    Example:
        >>> host_of("QA.example.com.:8600"), host_of("[0:0::1]:80"), host_of("me@localhost")
        ('qa.example.com', '::1', None)
    """
    parts = _HEADER.fullmatch(header)
    if parts is None:
        return None
    if parts["six"] is not None:
        address = address_of(parts["six"])
        return str(address) if isinstance(address, IPv6Address) else None
    return parts["name"].lower().removesuffix(".") or None


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is, or None, such as for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a host is reached from this machine only."""
    address = address_of(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return host.lower() == "localhost" if address is None else address.is_loopback


class HostRules:
    """Which hosts are answered: loopback, the address that is listened on, and the names that were given.

    A server that listens on all addresses answers to any address: no name can be made to point at it then.
    """

    def __init__(self, bound: str, names: Iterable[str]) -> None:
        """
        Args:
            bound: the address that is listened on.
            names: further hosts; ``*.example.com`` stands for all names below ``example.com``.
        """
        address = address_of(bound)
        self._any_address = address is not None and address.is_unspecified
        given = {bound, *names}
        self._below = tuple(name[1:].removesuffix(".").lower() for name in given if name.startswith("*."))
        self._exact = {_plain(name) for name in given}

    def allow(self, host: str) -> bool:
        """Whether a host, as `host_of` returns it, is answered."""
        if is_loopback(host) or host in self._exact:
            return True
        if address_of(host) is not None:
            return self._any_address
        return any(host.endswith(ending) and len(host) > len(ending) for ending in self._below)


def host_rules(config: ServerConfig) -> HostRules:
    """The rules that the settings make."""
    public = urlsplit(config.public_url or "").hostname
    return HostRules(config.host, [*config.allowed_hosts, *([public] if public else [])])


def _plain(name: str) -> str:
    address = address_of(name.strip("[]"))
    return str(address) if address is not None else name.lower().removesuffix(".")


class AllowedHosts:
    """ASGI middleware: answers requests for other hosts with ``host_not_allowed``."""

    def __init__(self, app: ASGIApp, rules: HostRules) -> None:
        """
        Args:
            app: the application below.
            rules: which hosts are answered.
        """
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(Headers(scope=scope).getlist("host")) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await render(problem, scope)(scope, receive, send)

    def _problem(self, sent: list[str]) -> ProblemError | None:
        if len(sent) != 1:
            return ProblemError(
                "malformed_request", f"The request has {len(sent)} Host headers, and not one."
            )
        host = host_of(sent[0])
        if host is None:
            return ProblemError("malformed_request", f"The Host header {sent[0][:100]!r} is no host.")
        if not self._rules.allow(host):
            return ProblemError("host_not_allowed", f"The server does not answer as {host[:100]!r}.")
        return None
