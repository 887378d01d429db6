"""Where a remote model is reached and with which key, checked before anything is sent."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from qa_engine.config.masking import masked_url
from qa_engine.errors import ConfigurationError
from qa_engine.models.remote.proxies import proxy_for

OPENAI_BASE_URL = "https://api.openai.com/v1"
FALLBACK = "llm.fallback"
"""What stands for the section of the second language model."""

HEADER_VALUE = r"[!-~]+( [!-~]+)*"
"""A key or a token that a header can carry."""

# The client refuses an empty key, servers on one's own machine need none.
_NO_KEY = "no-key"


@dataclass(frozen=True)
class Endpoint:
    """A checked address and key.

    Attributes:
        base_url: with scheme and path, as the OpenAI client wants it, and without user and password.
        api_key: the key, or a placeholder for a server that needs none.
        official: whether this is OpenAI itself.
        headers: what requests carry instead of the key, if the address names a user and a password.
    """

    base_url: str
    api_key: str = field(repr=False)
    official: bool
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def resolve_endpoint(section: str, base_url: str | None, api_key: SecretStr | None) -> Endpoint:
    """The endpoint that a section of the configuration means.

    Args:
        section: name of the section, ``llm`` or ``embedding``; ``llm.fallback`` for the second language model.
        base_url: its ``base_url``; None is OpenAI.
        api_key: its ``api_key``.

    Raises:
        ConfigurationError: the address is not an http(s) URL, OpenAI is asked without a key, no header can carry the key, or
            the proxy for the address cannot be used.
    """
    url = base_url.strip() if base_url else OPENAI_BASE_URL
    official = _host(section, url) == "api.openai.com"
    key = api_key.get_secret_value().strip() if api_key else ""
    if official and not key:
        raise ConfigurationError(
            f"OpenAI needs an API key and none is set for {section}: set "
            f"{'' if section == FALLBACK else 'OPENAI_API_KEY or '}{variable_name(section, 'api_key')}, "
            f"or name another server with {setting_name(section, 'base_url')}."
        )
    if key and not re.fullmatch(HEADER_VALUE, key):
        variables = variable_name(section, "api_key") + ("" if section == FALLBACK else " or OPENAI_API_KEY")
        raise ConfigurationError(
            f"{setting_name(section, 'api_key')} holds characters that a header cannot carry, such as a line end or "
            f"letters that are not ASCII: set {variables} to the key alone."
        )
    proxy_for(url)
    url, headers = _without_user(url)
    return Endpoint(base_url=url, api_key=key or _NO_KEY, official=official, headers=headers)


def _without_user(url: str) -> tuple[str, dict[str, str]]:
    """A URL without user and password, and the header that says them.

    httpx sends them in the same way, but writes the whole URL into its log records, and LlamaIndex into its spans.
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    encoded = base64.b64encode(unquote(user if ":" in user else f"{user}:").encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {encoded}"}


def address(base_url: str | None) -> str:
    """Host and port of a URL for messages, never its user name or password."""
    parts = urlsplit(base_url or OPENAI_BASE_URL)
    try:
        port = parts.port
    except ValueError:
        port = None
    host = parts.hostname or "an address without a host"
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port or (80 if parts.scheme == 'http' else 443)}"


def setting_name(section: str, name: str) -> str:
    """A setting of a model in the words of the configuration: the second language model has settings of its own in ``llm``.

    Example:
        >>> setting_name("llm", "base_url"), setting_name("llm.fallback", "base_url")
        ('llm.base_url', 'llm.fallback_base_url')
    """
    return f"llm.fallback_{name}" if section == FALLBACK else f"{section}.{name}"


def variable_name(section: str, name: str) -> str:
    """The environment variable of a setting."""
    return "QA_ENGINE_" + setting_name(section, name).upper().replace(".", "__")


def _host(section: str, url: str) -> str:
    parts = urlsplit(url)
    try:
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        valid = valid and not parts.query and not parts.fragment  # the client would put paths behind them
    except ValueError:
        valid = False
    if not valid or parts.hostname is None:
        raise ConfigurationError(
            f"{setting_name(section, 'base_url')} = {masked_url(url)!r} is not the address of a server: "
            "it must look like http://localhost:8000/v1, without a query."
        )
    return parts.hostname
