"""The optional dependencies of the package: what is missing is said before any work is done."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from qa_engine.errors import ModelUnavailableError


def missing_package(extra: str, package: str) -> str | None:
    """The command that installs an extra, if a package of it is not installed; None if it is.

    Args:
        extra: its name in the project file.
        package: the name under which its package is imported.
    """
    return None if find_spec(package) is not None else f"pip install 'qa-engine[{extra}]'"


def require_extra(extra: str, subject: str, packages: Iterable[str]) -> None:
    """Checks that the packages of an extra are installed.

    Args:
        extra: its name in the project file.
        subject: what needs it, as the beginning of a sentence.
        packages: the names under which its packages are imported.

    Raises:
        ModelUnavailableError: one of them is not; the message names the command that installs it.
    """
    for package in packages:
        if (command := missing_package(extra, package)) is not None:
            raise ModelUnavailableError(
                f"{subject} needs a package that is not installed ({package}): {command}."
            )
