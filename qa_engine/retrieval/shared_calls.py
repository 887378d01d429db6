"""Results that cost something: kept for later, and made once for all who want the same at the same time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Value = TypeVar("Value")


@dataclass
class _Running(Generic[Value]):
    """A call of an event loop, and how many wait for it."""

    task: asyncio.Task[Value]
    waiting: int = 0


class SharedCalls(Generic[Value]):
    """A bounded cache (the least recently used go first) in front of calls that are shared while they run.

    For any number of threads and event loops. Threads share with threads, and tasks with tasks of their loop: a thread that
    waited for a task of its own loop would wait for ever.
    """

    def __init__(self, size: int, keep: Callable[[Value], bool]) -> None:
        """
        Args:
            size: most results to keep.
            keep: whether a result is worth keeping; a failure is not.
        """
        self._size = size
        self._keep = keep
        self._known: OrderedDict[Hashable, Value] = OrderedDict()
        self._calls: dict[Hashable, Future[Value]] = {}
        self._tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Running[Value]]] = (
            WeakKeyDictionary()
        )
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """The result for a key, and whether another call had it. What ``make`` raises reaches its own caller only."""
        while True:
            with self._lock:
                if key in self._known:
                    return self._recall(key), True
                running = self._calls.get(key)
                if running is None:
                    mine: Future[Value] = Future()
                    self._calls[key] = mine
                    break
            try:
                return running.result(), True
            except CancelledError:
                continue  # the one that asked was interrupted
        try:
            value = make()
        except BaseException:
            with self._lock:
                del self._calls[key]
            mine.cancel()
            raise
        with self._lock:
            del self._calls[key]
            self._remember(key, value)
        mine.set_result(value)
        return value, False

    async def aget(self, key: Hashable, make: Callable[[], Awaitable[Value]]) -> tuple[Value, bool]:
        """`get` without blocking. The call is cancelled when all who wait for it are."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if key in self._known:
                return self._recall(key), True
            tasks = self._tasks.setdefault(loop, {})
            shared = key in tasks
            if not shared:
                tasks[key] = _Running(loop.create_task(self._run(key, make)))
            running = tasks[key]
            running.waiting += 1
        try:
            return await asyncio.shield(running.task), shared
        finally:
            with self._lock:
                running.waiting -= 1
                if running.waiting == 0:
                    if tasks.get(key) is running:
                        del tasks[key]
                    running.task.cancel()

    async def _run(self, key: Hashable, make: Callable[[], Awaitable[Value]]) -> Value:
        value = await make()
        with self._lock:
            self._remember(key, value)
        return value

    def clear(self) -> None:
        """Forgets all results."""
        with self._lock:
            self._known.clear()

    def _recall(self, key: Hashable) -> Value:
        self._known.move_to_end(key)
        return self._known[key]

    def _remember(self, key: Hashable, value: Value) -> None:
        if not self._keep(value):
            return
        self._known[key] = value
        self._known.move_to_end(key)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
