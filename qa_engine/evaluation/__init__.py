"""Measures an engine with questions whose answers are known. Needs the extra ``eval``; nothing else imports it."""

from __future__ import annotations

from importlib.util import find_spec

from qa_engine.errors import ModelUnavailableError

_PACKAGES = ("scipy", "jinja2")


def require_packages() -> None:
    """Checks that the packages of the extra ``eval`` are installed, before any work is done.

    Raises:
        ModelUnavailableError: one of them is not; the message names the command that installs it.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise ModelUnavailableError(
                f"Evaluation needs a package that is not installed ({package}): pip install 'qa-engine[eval]'."
            )
