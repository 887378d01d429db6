"""Leaves a service that keeps failing alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row. After enough of them the service is not to be asked for a while, then once to try.

    Thread-safe. A trial that never ends, because it was cancelled, holds nothing up: the next one is due after the same
    while.

    Args:
        failures: in a row, after which it opens.
        seconds: for which it stays open.
        clock: seconds that only grow.

    Example:
        >>> breaker = CircuitBreaker(failures=2, seconds=60)
        >>> breaker.failed()
        >>> breaker.allows()
        True
        >>> breaker.failed()
        >>> breaker.allows()
        False
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = failures, seconds, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._closed_from = 0.0

    def allows(self) -> bool:
        """Whether to ask the service now. While it is under suspicion, True is a trial, and for one caller only."""
        with self._lock:
            if self._in_a_row < self._limit:
                return True
            now = self._clock()
            if now < self._closed_from:
                return False
            self._closed_from = now + self._seconds
            return True

    def failed(self) -> None:
        """The service was asked and failed."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._limit:
                self._closed_from = self._clock() + self._seconds

    def succeeded(self) -> None:
        """The service was asked and answered."""
        with self._lock:
            self._in_a_row = 0
