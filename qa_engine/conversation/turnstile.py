"""Lets one question at a time through, from threads and from event loops."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from threading import Lock, get_ident
from typing import Any

from qa_engine.errors import InputError

_Caller = tuple[int, "asyncio.Task[Any] | None"]


class Turnstile:
    """A lock in the order of arrival that a thread waits for, or a task without blocking its loop.

    A caller that would wait for itself, because a stream that it reads is not at its end, is told so instead.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holder: _Caller | None = None
        self._waiting: deque[tuple[Future[None], _Caller]] = deque()

    @contextmanager
    def held(self) -> Iterator[None]:
        """For a thread."""
        ticket = self._enter()
        try:
            ticket.result()
        except BaseException:
            self._give_up(ticket)
            raise
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def aheld(self) -> AsyncIterator[None]:
        """For a task."""
        ticket = self._enter()
        try:
            await asyncio.wrap_future(ticket)
        except BaseException:
            self._give_up(ticket)
            raise
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> Future[None]:
        ticket: Future[None] = Future()
        caller = _caller()
        with self._lock:
            if self._holder is None:
                self._holder = caller
                ticket.set_result(None)
            elif self._holder == caller:
                raise InputError(
                    "An answer of this conversation is still being streamed here: read the stream to its end, or close it, "
                    "before the next question."
                )
            else:
                self._waiting.append((ticket, caller))
        return ticket

    def _give_up(self, ticket: Future[None]) -> None:
        """For one that was interrupted while it waited, perhaps just when its turn had come."""
        if not ticket.cancel() and not ticket.cancelled():
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            while self._waiting:
                ticket, caller = self._waiting.popleft()
                if ticket.set_running_or_notify_cancel():
                    self._holder = caller
                    ticket.set_result(None)
                    return
            self._holder = None


def _caller() -> _Caller:
    try:
        return get_ident(), asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return get_ident(), None
