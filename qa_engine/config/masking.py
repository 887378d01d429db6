"""Addresses of services without what is secret in them: whatever shows an address takes it from here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainSerializer

_PARTS = re.compile(r"(?P<scheme>[^:/?#]*://)?(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL)


def masked_url(url: str) -> str:
    """An address with ``…`` for user and password, and for query and fragment, which hold keys of some services.

    Of a text in which it is not clear what the password is, only the scheme is left.

    Example:
        >>> masked_url("https://me:secret@models.example:8000/v1?key=secret")
        'https://…@models.example:8000/v1?…'
        >>> masked_url("https://me:sec/ret@models.example/v1")
        'https://…'
    """
    parts = _PARTS.fullmatch(url.strip())
    assert parts is not None  # it fits every text
    scheme, host, path, rest = (parts[name] or "" for name in ("scheme", "host", "path", "rest"))
    if "@" in path + rest:
        return f"{scheme}…"
    user, at, place = host.rpartition("@")
    return f"{scheme}{'…' if user else ''}{at}{place}{path}{rest[:1]}{'…' if rest[1:] else ''}"


def is_address(name: str, value: str) -> bool:
    """Whether a setting of this name and value is, or was meant to be, an address."""
    return name.endswith(("url", "address")) or "://" in value


MaskedUrl = Annotated[str, PlainSerializer(masked_url, when_used="json")]
"""A setting that is an address: masked in JSON, as keys are."""
