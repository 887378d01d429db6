"""The results of a diagnosis, for people and for machines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from qa_engine.text.one_line import one_line

logger = logging.getLogger("qa_engine.diagnosis")
Status = Literal["ok", "warning", "failed"]
NAMES_SHOWN = 5
"""The largest number of names in one message, which gives the number of the others."""


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        check: the name of the check, which does not change between versions; see `run_check`.
        status: the outcome.
        message: a sentence for people, with the offending values.
        command: the command that mends it; None where nothing needs mending.
        collection: the collection that was checked; None for what concerns all of them.
        may_lag: whether a process that is writing could explain a failure as well.
    """

    check: str
    status: Status
    message: str
    command: str | None = None
    collection: str | None = None
    may_lag: bool = field(default=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """One of the objects of ``doctor --json``."""
        return {name: getattr(self, name) for name in ("collection", "check", "status", "message", "command")}


@dataclass(frozen=True)
class Diagnosis:
    """All checks of one diagnosis.

    Attributes:
        storage: the folder that was checked.
        checks: in the order in which they are shown.
        empty: whether there was no collection to check.
    """

    storage: str
    checks: list[Check]
    empty: bool = False

    @property
    def failed(self) -> int:
        """Number of checks that failed."""
        return sum(check.status == "failed" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``doctor --json``."""
        checks = [check.to_dict() for check in self.checks]
        return {"storage": self.storage, "checks": checks, "failed": self.failed}


def ok(message: str) -> Check:
    """A check without a finding."""
    return Check("", "ok", message)


def warning(message: str, command: str | None = None) -> Check:
    """A check of something that works, with a finding that people should know."""
    return Check("", "warning", message, command)


def failed(message: str, command: str, may_lag: bool = False) -> Check:
    """A check of something that does not work, or not as it should."""
    return Check("", "failed", message, command, may_lag=may_lag)


def run_check(name: str, command: str, check: Callable[..., Check], *arguments: Any) -> Check:
    """Runs a check and names its result. An unexpected error, which damaged files can cause, is a failure.

    Args:
        name: the name of the check.
        command: mends it after an unexpected error.
        check: the check, called with the arguments.
    """
    try:
        result = check(*arguments)
    except Exception as error:
        logger.warning("the check %s failed unexpectedly", name, exc_info=True)
        result = failed(error_sentence(error), command)
    except BaseException as error:
        # A panic in the Rust code of Chroma is no subclass of Exception.
        if type(error).__name__ != "PanicException":
            raise
        result = failed(error_sentence(error), command)
    return replace(result, check=name)


def error_sentence(error: BaseException) -> str:
    """An error as one sentence."""
    message = one_line(str(error), 400) or "no details"
    return message if message.endswith(".") else f"It cannot be read ({type(error).__name__}: {message})."


def as_writer_lag(check: Check, writer: str) -> Check:
    """A check of a collection that is being written: a failure that the writer can explain becomes a warning.

    Args:
        check: the check.
        writer: the process that writes, as messages name it.
    """
    if check.status != "failed" or not check.may_lag:
        return check
    message = f"{check.message} {writer} is at work, so these numbers may lag: look again when it is done."
    return replace(check, status="warning", message=message, command=None)


def first_names(names: Iterable[str]) -> str:
    """The first names of many."""
    every = list(names)
    more = f" and {len(every) - NAMES_SHOWN} more" if len(every) > NAMES_SHOWN else ""
    return ", ".join(every[:NAMES_SHOWN]) + more


def quantity(number: int, noun: str) -> str:
    """A number with its noun, such as ``1 file`` or ``3 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
