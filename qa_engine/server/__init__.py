"""The HTTP server over the engine. Needs the extra ``server``; nothing else imports it."""

from __future__ import annotations

from importlib.util import find_spec

from qa_engine.errors import ModelUnavailableError

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
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise ModelUnavailableError(
                f"The server needs a package that is not installed ({package}): pip install 'qa-engine[server]'."
            )
