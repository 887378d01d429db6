"""What the settings say about the way to a search engine: its addresses, who asks, and whose certificates are trusted."""

from __future__ import annotations

import base64
import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from qa_engine.config import IndexConfig
from qa_engine.errors import ConfigurationError
from qa_engine.models.remote.endpoints import HEADER_VALUE


@dataclass(frozen=True)
class NodeAddress:
    """Where one node, or a proxy before it, listens. ``prefix`` is the path before all others, with no slash at its end."""

    secure: bool
    host: str
    port: int
    prefix: str

    @property
    def scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def origin(self) -> str:
        """The address without the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __str__(self) -> str:
        return self.origin + self.prefix


def node_addresses(config: IndexConfig) -> list[NodeAddress]:
    """The addresses of ``index.search_url``, each once.

    Raises:
        ConfigurationError: a port is none.
    """
    found: dict[NodeAddress, None] = {}
    for url in (config.search_url or "").split(","):
        parts = urlsplit(url.strip())
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise ConfigurationError(
                f"index.search_url = {url.strip()!r} has a port that is none: ports are 1 to 65535."
            )
        secure = parts.scheme == "https"
        address = NodeAddress(
            secure, parts.hostname or "", port or (443 if secure else 80), parts.path.rstrip("/")
        )
        found[address] = None
    return list(found)


def authorization(config: IndexConfig) -> dict[str, str]:
    """The header that says who asks; empty where nothing is set. What is wrong with a secret is said without it.

    Raises:
        ConfigurationError: the settings contradict each other, or cannot be sent.
    """
    user = config.search_user or ""
    password = config.search_password.get_secret_value() if config.search_password else ""
    key = config.search_api_key.get_secret_value() if config.search_api_key else ""
    if key and (user or password):
        raise ConfigurationError(
            "index.search_api_key and index.search_user or index.search_password are both set: set the key alone, or the "
            "user and the password."
        )
    if bool(user) != bool(password):
        given, missing = ("search_user", "search_password") if user else ("search_password", "search_user")
        raise ConfigurationError(f"index.{given} is set without index.{missing}: set both, or neither.")
    if key:
        if not re.fullmatch(HEADER_VALUE, key):
            raise ConfigurationError(
                "index.search_api_key holds characters that a header cannot carry, such as a line end: set it to the key "
                "alone."
            )
        # The pair of id and key that is also handed out is sent in the form that has no colon.
        return {"authorization": f"ApiKey {_encoded(key) if ':' in key else key}"}
    if user:
        if ":" in user or not user.isprintable():
            raise ConfigurationError(
                f"index.search_user = {user!r} cannot be sent: a user has no colon and no control characters."
            )
        if re.search(r"[\x00-\x1f\x7f]", password):
            raise ConfigurationError(
                "index.search_password holds control characters, such as a line end: set it to the password alone."
            )
        return {"authorization": f"Basic {_encoded(f'{user}:{password}')}"}
    return {}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def trusted_certificates(config: IndexConfig) -> ssl.SSLContext:
    """What ``https`` connections are checked with: the authority of ``index.search_ca_file``, or those that httpx brings.

    Raises:
        ConfigurationError: the file is no certificate.
    """
    if config.search_ca_file is None:
        import httpx

        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=str(config.search_ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"index.search_ca_file = {str(config.search_ca_file)!r} cannot be read as a certificate in PEM "
            f"({getattr(error, 'strerror', None) or error}): name the file of the authority that signed the search "
            "engine's."
        ) from error
