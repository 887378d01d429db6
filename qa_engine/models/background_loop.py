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
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a forked child inherits the loop without the thread that runs it."""


def run_blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """What a coroutine returns. Interrupted, it is cancelled, and its connections are closed.

    Example:
        >>> run_blocking(asyncio.sleep(0, "done"))
        'done'
    """
    future = asyncio.run_coroutine_threadsafe(work, _loop())
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


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        process = os.getpid()
        if process not in _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="qa-engine requests", daemon=True).start()
            _loops.clear()
            _loops[process] = loop
        return _loops[process]
