"""Threads for searches that run beside others.

They are kept: each thread makes a converter of Chinese characters of its own, which takes as long as a small search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from qa_engine.forks import follow_forks, keep

T = TypeVar("T")
P = ParamSpec("P")
_THREADS = 64
"""Of so many questions at the same time, none waits for another one."""


class SearchThreads:
    """Runs searches in threads, with the context of who asks for them. Thread-safe, also in forked children."""

    def __init__(self) -> None:
        self._executor = self._new_executor()
        follow_forks(self)

    def after_fork(self) -> None:
        """In a forked child, the threads are the parent's."""
        keep(self._executor)
        self._executor = self._new_executor()

    def start(self, search: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begins a search, once a thread is free."""
        return self._executor.submit(copy_context().run, partial(search, *args, **kwargs))

    @staticmethod
    def _new_executor() -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="qa_engine_search")


search_threads = SearchThreads()


@contextmanager
def awaited(search: Future[T]) -> Iterator[None]:
    """After the block, a search does not run: one that has not begun is given up."""
    try:
        yield
    finally:
        if not search.cancel():
            wait([search])
