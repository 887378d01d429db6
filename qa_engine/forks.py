"""What a child of ``os.fork`` has from its parent and must not use: locks, connections, threads of libraries."""

from __future__ import annotations

import os
from threading import Lock
from typing import Any, Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that is put in order in a forked child."""

    def after_fork(self) -> None:
        """Forgets what belongs to the parent. Runs in the child, before anything else there; nothing else runs meanwhile."""


_forkables: WeakSet[Forkable] = WeakSet()
_kept: list[object] = []


def follow_forks(thing: Forkable) -> None:
    """Has `Forkable.after_fork` called in each forked child, for as long as the thing exists."""
    _forkables.add(thing)


def keep(*things: object) -> None:
    """Keeps what belongs to the parent until this process ends: to close it could disturb the parent."""
    _kept.extend(things)


class RenewedLock:
    """A lock that is free in a forked child, where the thread that held it does not exist."""

    def __init__(self) -> None:
        self.after_fork()
        follow_forks(self)

    def after_fork(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._lock.__exit__(*error)


def _after_fork() -> None:
    for thing in list(_forkables):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
