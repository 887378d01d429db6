"""Whose turn it is: so many questions run at a time, some wait, in the order in which they came, and more are refused."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from qa_engine.server.problems import ProblemError

_WEIGHT = 0.2
"""Of the last question in the mean duration."""
_LONGEST_RETRY = 300


class QuestionQueue:
    """Lets questions run. For one event loop.

    A question enters at once or is refused at once; then it waits for its turn. Leaving gives its place to the next one,
    also if it is cancelled.

    Args:
        running: how many run at a time.
        waiting: how many may wait.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._most_running, self._most_waiting = running, waiting
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_seconds = 1.0

    @property
    def running(self) -> int:
        """How many run now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def enter(self) -> Place:
        """A place, whose turn comes when it is at the front.

        Raises:
            ProblemError: ``queue_full``.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._running < self._most_running:
            self._running += 1
            future.set_result(None)
        elif len(self._waiting) < self._most_waiting:
            self._waiting.append(future)
        else:
            rounds = (len(self._waiting) + 1) / self._most_running
            seconds = min(_LONGEST_RETRY, max(1, math.ceil(self._mean_seconds * rounds)))
            raise ProblemError(
                "queue_full",
                f"{self._running} questions are being answered and {len(self._waiting)} are waiting.",
                retry_after=seconds,
            )
        return Place(self, future)

    def _leave(self, future: asyncio.Future[None], seconds: float | None) -> None:
        if not future.done() or future.cancelled():
            if future in self._waiting:
                self._waiting.remove(future)
            return
        if seconds is not None:
            self._mean_seconds += _WEIGHT * (seconds - self._mean_seconds)
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._running -= 1


class Place:
    """The place of one question in a `QuestionQueue`. It is given back once, by `leave` or at the end of its `turn`."""

    def __init__(self, queue: QuestionQueue, future: asyncio.Future[None]) -> None:
        self._queue, self._future, self._left = queue, future, False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until it is the turn of the question, and gives the place back at the end."""
        started: float | None = None
        clock = asyncio.get_running_loop().time
        try:
            await self._future
            started = clock()
            yield
        finally:
            self.leave(None if started is None else clock() - started)

    def leave(self, seconds: float | None = None) -> None:
        """Gives the place back. Doing so again does nothing.

        Args:
            seconds: that the question took; None if it was not answered.
        """
        if not self._left:
            self._left = True
            self._queue._leave(self._future, seconds)
