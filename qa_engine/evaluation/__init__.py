"""Measures an engine with questions whose answers are known. Needs the extra ``eval``; nothing else imports it."""

from __future__ import annotations

from qa_engine.extras import require_extra

_PACKAGES = ("scipy", "jinja2")


def require_packages() -> None:
    """Checks that the packages of the extra ``eval`` are installed, before any work is done.

    Raises:
        ModelUnavailableError: one of them is not; the message names the command that installs it.
    """
    require_extra("eval", "Evaluation", _PACKAGES)
