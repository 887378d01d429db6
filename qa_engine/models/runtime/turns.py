"""Lets a few threads compute at once, in the order in which they came."""

from __future__ import annotations

from collections import deque
from threading import Lock, local
from typing import Any

from qa_engine.forks import follow_forks


class Turns:
    """A context that so many threads may be in at once; the others wait, and enter in the order in which they came.

    A thread that is in it enters it again at once. Whatever waits for other threads of the same kind, or for a network, has
    to stay outside.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.after_fork()
        follow_forks(self)

    def after_fork(self) -> None:
        """In a forked child, the threads that are in it, and those that wait, do not exist."""
        self._lock = Lock()
        self._free = self._count
        self._waiting: deque[Lock] = deque()
        self._own = local()

    def __enter__(self) -> None:
        depth = getattr(self._own, "depth", 0)
        if not depth:
            self._wait()
        self._own.depth = depth + 1

    def __exit__(self, *error: Any) -> None:
        # A child of a fork leaves what its parent entered.
        depth = getattr(self._own, "depth", 0)
        self._own.depth = max(0, depth - 1)
        if depth == 1:
            with self._lock:
                self._pass_on()

    def _wait(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:  # such as KeyboardInterrupt
            with self._lock:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Gives a turn to the thread that has waited longest."""
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._free += 1
