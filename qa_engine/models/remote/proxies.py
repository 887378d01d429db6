"""Which proxy leads to a service: none to this machine, else the one that the environment names for the address.

httpx by itself prepares every proxy of the environment for every client: a SOCKS proxy without its package then keeps it
from a model on the same machine, which needs no proxy.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from qa_engine.errors import ConfigurationError

_SOCKS = {"socks5", "socks5h"}
_SCHEMES = {"http", "https"} | _SOCKS


def proxy_for(url: str) -> str | None:
    """The address of the proxy for requests to a URL; None for a direct connection.

    Raises:
        ConfigurationError: it is no address of a proxy, or a SOCKS proxy whose package is not installed; the message names
            the variable, and not its value, which may hold a password.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    proxy = proxies.get(kind)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    fault = _fault(proxy)
    if fault is None:
        return proxy
    name = next((name for name in os.environ if name.lower() == f"{kind}_proxy"), f"{kind}_proxy")
    raise ConfigurationError(
        f"{name}, the proxy for {host}, cannot be used: {fault}; or name {host} in NO_PROXY if it needs no proxy."
    )


def http_options(url: str) -> dict[str, Any]:
    """The arguments of a client of httpx for a URL: its proxy alone, and the certificates that the environment names.

    Raises:
        ConfigurationError: as `proxy_for`.
    """
    import httpx

    return {"proxy": proxy_for(url), "trust_env": False, "verify": httpx.create_ssl_context()}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: ``localhost``, ``127.0.0.1``, ``::1`` and the like."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost")


def _fault(proxy: str) -> str | None:
    """What is wrong with the address of a proxy, and what to do about it."""
    try:
        parts = urlsplit(proxy)
        usable = bool(parts.hostname) and parts.port != 0 and proxy.isprintable() and " " not in proxy
    except ValueError:
        usable = False
    if not usable:
        return "it is no address such as http://127.0.0.1:7890"
    if parts.scheme not in _SCHEMES:
        return f"a proxy of the kind {parts.scheme}:// is not known; write http:// or socks5://"
    if parts.scheme in _SOCKS and importlib.util.find_spec("socksio") is None:
        return "a SOCKS proxy needs a package that is not installed, pip install 'httpx[socks]'"
    return None
