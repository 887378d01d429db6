"""An event loop in a thread of its own, where blocking calls run the asynchronous ones."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

_T = TypeVar("_T")


class _Closable(Protocol):
    async def close(self) -> None: ...


class _BackgroundLoop:
    """A running loop with its thread, and the clients to close before it ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clients: WeakSet[Any] = WeakSet()
        self._thread = threading.Thread(target=self.loop.run_forever, name="qa-engine requests", daemon=True)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _end(self) -> None:
        for client in list(self.clients):
            await client.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.loop.shutdown_asyncgens()


_lock = threading.Lock()
_current: _BackgroundLoop | None = None


def run_blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine. Interrupted, it is cancelled, and its connections are closed.

    Example:
        >>> run_blocking(asyncio.sleep(0, "done"))
        'done'
    """
    future = asyncio.run_coroutine_threadsafe(work, _running().loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate_blocking(items: AsyncGenerator[_T, None]) -> Generator[_T, None, None]:
    """The items of an async generator, which is closed with this one."""
    end = object()

    async def following() -> Any:
        return await anext(items, end)

    try:
        while (item := run_blocking(following())) is not end:
            yield item
    finally:
        # What failed has been raised already; an interrupted item may still be on its way out.
        with suppress(RuntimeError):
            run_blocking(items.aclose())


def close_with_loop(client: _Closable) -> None:
    """Has a client closed when the background loop ends, if it was opened there; call it in the client's loop."""
    current = _current
    if current is not None and asyncio.get_running_loop() is current.loop:
        current.clients.add(client)


def close_background_loop() -> None:
    """Ends the loop and its thread, with the connections and the requests in it. The next blocking call starts another."""
    global _current
    with _lock:
        ending, _current = _current, None
    if ending is not None:
        ending.close()


def _running() -> _BackgroundLoop:
    global _current
    with _lock:
        if _current is None:
            _current = _BackgroundLoop()
        return _current


def _forget() -> None:
    """A forked child has the loop without the thread that runs it, and perhaps the lock without its holder."""
    global _current, _lock
    _current, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
