"""An event loop in a thread of its own, for callers that block."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run_blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """What a coroutine returns. Interrupted, it is cancelled, and its connections are closed.

    Example:
        >>> run_blocking(asyncio.sleep(0, "done"))
        'done'
    """
    future = asyncio.run_coroutine_threadsafe(work, _running_loop())
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


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="qa-engine requests", daemon=True).start()
        return _loop


def _forget() -> None:
    """A forked child has the loop without the thread that runs it, and perhaps the lock without its holder."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
