"""Repeats what may succeed in a moment, for as long as its caller can wait."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from qa_engine.errors import QAEngineError

if TYPE_CHECKING:
    from tenacity import RetryCallState

logger = logging.getLogger("qa_engine.index")
_T = TypeVar("_T")
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class PassingError(Exception):
    """What failed may succeed in a moment. ``error`` is raised if it does not."""

    def __init__(self, error: QAEngineError) -> None:
        super().__init__(str(error))
        self.error = error


class Patience:
    """How long something is repeated that does not succeed.

    Attributes:
        end: when no further attempt is begun, on the monotonic clock.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Begins anew, because part of the work was done."""
        self.end = time.monotonic() + self.seconds


def repeated(action: Callable[[], _T], patience: Patience) -> _T:
    """What an action returns, which is repeated while it raises `PassingError`, after pauses that grow.

    Raises:
        QAEngineError: that of the last `PassingError`.
    """
    from tenacity import Retrying, retry_if_exception_type, wait_random_exponential

    def ended(state: RetryCallState) -> bool:
        return time.monotonic() + state.upcoming_sleep > patience.end

    retrying = Retrying(
        retry=retry_if_exception_type(PassingError),
        wait=wait_random_exponential(_FIRST_PAUSE, _LONGEST_PAUSE, min=_FIRST_PAUSE / 2),
        stop=ended,
        before_sleep=_log,
        reraise=True,
    )
    try:
        return retrying(action)
    except PassingError as passing:
        raise passing.error from passing.__cause__


def _log(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    # A connection that was kept from an earlier request, and closed since, is nothing to warn of.
    level = logging.INFO if state.attempt_number == 1 else logging.WARNING
    logger.log(level, "attempt %d failed, trying again: %s", state.attempt_number, error)
