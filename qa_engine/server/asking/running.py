"""An answer in the making: the log of its events, those who follow it, and what ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from qa_engine.server.problems import ProblemError


def to_json(content: Any) -> str:
    """JSON without line feeds. What is no text, such as half of a surrogate pair, is escaped."""
    return (
        json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        .encode("utf-8", "backslashreplace")
        .decode()
    )


@dataclass(frozen=True)
class LoggedEvent:
    """An event as it is sent.

    Attributes:
        number: its ``id``, from 1.
        name: its ``event``.
        data: its ``data``, JSON.
    """

    number: int
    name: str
    data: str


@dataclass(eq=False)
class RunningAnswer:
    """An answer in the making. For one event loop.

    It does not depend on a connection: it goes on for ``resume_seconds`` after its last follower has left, and is cancelled
    then.

    Attributes:
        answer_id: of the answer.
        owner: name of the key that asked.
        request_id: of the request that asked.
        resume_seconds: how long it goes on without a follower.
        events: those so far.
        body: the answer as it is sent, once it is finished.
        problem: why there is none.
    """

    answer_id: str
    owner: str
    request_id: str
    resume_seconds: float = 0
    events: list[LoggedEvent] = field(default_factory=list)
    body: dict[str, Any] | None = None
    problem: ProblemError | None = None
    _task: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _followers: int = 0
    _leaving: asyncio.TimerHandle | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.body is not None or self.problem is not None

    def add(self, name: str, content: Any) -> None:
        """Adds an event to the log."""
        self.events.append(LoggedEvent(len(self.events) + 1, name, to_json(content)))
        self._tell()

    def finish(self, body: dict[str, Any]) -> None:
        """Ends it with the answer."""
        self.body = body
        self.add("done", body)

    def fail(self, problem: ProblemError) -> None:
        """Ends it with a problem. Once it is over, that changes nothing."""
        if not self.over:
            self.problem = problem
            self.add("error", problem.to_dict(self.request_id))

    def run(self, task: asyncio.Task[None]) -> None:
        """Names the task that makes the answer."""
        self._task = task

    def stop(self, problem: ProblemError) -> None:
        """Ends it with a problem now, and cancels the work for it."""
        self.fail(problem)
        if self._task is not None:
            self._task.cancel()

    async def stopped(self) -> None:
        """Waits until the work for it has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Counts a follower until the block ends."""
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = None
        self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers and not self.over:
                self._left_alone()

    async def follow(
        self, after: int = 0, seconds: float | None = None
    ) -> AsyncGenerator[LoggedEvent | None, None]:
        """Yields the events behind a number, then those to come, until it is over.

        Args:
            after: number of the last event that is known.
            seconds: after so many without an event, None is yielded.
        """
        place = max(after, 0)
        while True:
            while place < len(self.events):
                place += 1
                yield self.events[place - 1]
            if self.over:
                return
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                yield None

    async def result(self) -> dict[str, Any]:
        """The answer as it is sent, when it is finished.

        Raises:
            ProblemError: there is none.
        """
        while not self.over:
            await self._news.wait()
        if self.problem is not None:
            raise self.problem
        assert self.body is not None
        return self.body

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _left_alone(self) -> None:
        if self.resume_seconds <= 0:
            self._give_up()
        else:
            self._leaving = asyncio.get_running_loop().call_later(self.resume_seconds, self._give_up)

    def _give_up(self) -> None:
        if not self._followers:
            self.stop(ProblemError("not_found", f"The answer {self.answer_id!r} was given up by its client."))
