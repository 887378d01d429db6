"""The HTTP server over the engine. Needs the extra ``server``; nothing else imports it."""

from __future__ import annotations

from qa_engine.extras import require_extra

_PACKAGES = (
    "fastapi",
    "fastapi_offline",
    "uvicorn",
    "python_multipart",
    "limits",
    "prometheus_client",
    "jinja2",
)


def require_packages() -> None:
    """Checks that the packages of the extra ``server`` are installed, before any work is done.

    Raises:
        ModelUnavailableError: one of them is not; the message names the command that installs it.
    """
    require_extra("server", "The server", _PACKAGES)
