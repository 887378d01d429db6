"""The events of a job as a stream of server-sent events, from the stored log on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock

from anyio import to_thread

from qa_engine.server.jobs.records import Job, JobEvent
from qa_engine.server.jobs.store import JobStore

_COMMENT_SECONDS = 15.0
"""After so long without an event, a comment keeps the connection open."""
_LOOK_SECONDS = 5.0
"""How often the log is read though nothing was told: another process may do the job."""
_END_SECONDS = 0.5
"""How often a stream asks whether it is to end."""


class EventSignal:
    """Wakes the event loops that wait for something to happen. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def notify(self) -> None:
        """Says that something has happened."""
        with self._lock:
            waiting = list(self._waiting)
        for loop, event in waiting:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set whenever something has happened."""
        entry = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._waiting.append(entry)
        try:
            yield entry[1]
        finally:
            with self._lock:
                self._waiting.remove(entry)


def server_sent(event: JobEvent) -> str:
    """An event in the form of the protocol."""
    return (
        f"id: {event.sequence}\nevent: {event.kind}\ndata: {json.dumps(event.data, ensure_ascii=False)}\n\n"
    )


async def ended(store: JobStore, signal: EventSignal, job_id: str, seconds: float) -> Job | None:
    """A job as it is when it is over, or after so many seconds; None if there is no such job."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with signal.waiting() as happened:
        while True:
            happened.clear()
            job = await to_thread.run_sync(store.get, job_id)
            left = deadline - loop.time()
            if job is None or job.is_over or left <= 0:
                return job
            with suppress(TimeoutError):
                await asyncio.wait_for(happened.wait(), min(left, _LOOK_SECONDS))


async def followed(
    store: JobStore,
    signal: EventSignal,
    job_id: str,
    after: int = 0,
    ends: Callable[[], bool] = lambda: False,
) -> AsyncIterator[str]:
    """The events of a job behind one of them, those that are still to come as well; it ends behind ``done``.

    Args:
        store, signal: the jobs, and what says that one has changed.
        job_id: the job.
        after: the sequence number of the last event that is known already; 0 for none.
        ends: whether the stream is to end though the job goes on.

    Yields:
        Events and comments as text of the protocol.
    """
    loop = asyncio.get_running_loop()
    silent_since = loop.time()
    with signal.waiting() as happened:
        while True:
            happened.clear()
            # Asked first: what happens to the job between the two questions is among the events.
            is_over = await to_thread.run_sync(store.is_over, job_id)
            events = await to_thread.run_sync(store.events, job_id, after)
            for event in events:
                yield server_sent(event)
                after = event.sequence
                if event.kind == "done":
                    return
            if is_over or ends():
                return
            if events:
                silent_since = loop.time()
            elif loop.time() - silent_since >= _COMMENT_SECONDS:
                yield ": the job goes on\n\n"
                silent_since = loop.time()
            look_at = loop.time() + _LOOK_SECONDS
            while not happened.is_set() and loop.time() < look_at and not ends():
                with suppress(TimeoutError):
                    await asyncio.wait_for(happened.wait(), _END_SECONDS)
