"""What a diagnosis found, for people and for machines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from qa_engine.text.one_line import one_line

logger = logging.getLogger("qa_engine.diagnosis")
Status = Literal["ok", "warning", "failed"]
NAMES_SHOWN = 5
"""Names in one message; the rest is counted."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        check: stable name of what was looked at.
        status: whether it is as it should be.
        message: a sentence for people, with the offending values.
        command: what mends it; None where nothing needs mending.
        collection: that it belongs to; None for what concerns all.
        may_lag: whether a process that is writing explains it as well.
    """

    check: str
    status: Status
    message: str
    command: str | None = None
    collection: str | None = None
    may_lag: bool = field(default=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """One of the objects of ``doctor --json``."""
        facts = asdict(self)
        return {name: facts[name] for name in ("collection", "check", "status", "message", "command")}


@dataclass(frozen=True)
class Diagnosis:
    """All checks of one look.

    Attributes:
        storage: the folder that was looked at.
        checks: in the order in which they are shown.
        empty: whether there was no collection to look at.
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
        return {
            "storage": self.storage,
            "checks": [check.to_dict() for check in self.checks],
            "failed": self.failed,
        }


def ok(check: str, message: str) -> Check:
    """All is well."""
    return Check(check, "ok", message)


def warning(check: str, message: str, command: str | None = None) -> Check:
    """It works, and something should be known about it."""
    return Check(check, "warning", message, command)


def failed(check: str, message: str, command: str, may_lag: bool = False) -> Check:
    """It does not work, or not as it should."""
    return Check(check, "failed", message, command, may_lag=may_lag)


def guarded(name: str, command: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """What a look finds; whatever it trips over, which damaged files are good for, is a failed check.

    Args:
        name: of the check that fails then.
        command: that mends it then.
        look: gives the checks.
    """
    checks: list[Check] = []
    try:
        checks.extend(look())
    except Exception as error:
        logger.warning("the check %s failed unexpectedly", name, exc_info=True)
        checks.append(failed(name, unexpected(error), command))
    except BaseException as error:
        # Chroma is written in Rust; what it gives up on is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        checks.append(failed(name, unexpected(error), command))
    return checks


def unexpected(error: BaseException) -> str:
    """An error as one sentence."""
    message = one_line(str(error), 400) or "no details"
    return message if message.endswith(".") else f"It cannot be read ({type(error).__name__}: {message})."


def behind_a_writer(checks: Iterable[Check], writer: str) -> Iterator[Check]:
    """Checks of a collection that is being written: what a writer explains is no failure.

    Args:
        checks: of the collection.
        writer: who writes.
    """
    for check in checks:
        if check.status == "failed" and check.may_lag:
            message = (
                f"{check.message} {writer} is at work, so these numbers may lag: look again when it is done."
            )
            yield replace(check, status="warning", message=message, command=None)
        else:
            yield check


def some_of(names: Iterable[str]) -> str:
    """The first names of many."""
    every = list(names)
    more = f" and {len(every) - NAMES_SHOWN} more" if len(every) > NAMES_SHOWN else ""
    return ", ".join(every[:NAMES_SHOWN]) + more


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
