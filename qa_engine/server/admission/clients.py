"""Which client a request comes from, as one that is counted."""

from __future__ import annotations

from ipaddress import IPv6Address

from starlette.types import Scope

from qa_engine.server.admission.hosts import address_of


def address_group(scope: Scope) -> str:
    """The address of a client, as one that is counted: of IPv6 the network of 64 bits, all of which one client has."""
    host = str((scope.get("client") or ("",))[0])
    address = address_of(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return host
