"""Threads for searches that run beside others."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar

import pytest

from qa_engine.retrieval.hybrid.search_threads import SearchThreads, awaited

_asked: ContextVar[str] = ContextVar("asked")
_SECONDS = 30


def test_a_search_beside_one_that_fails_has_ended_when_the_error_is_raised() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def search() -> None:
        begun.set()
        assert may_end.wait(_SECONDS)
        ended.set()

    with pytest.raises(ValueError, match="the first one failed"), awaited(SearchThreads().start(search)):
        assert begun.wait(_SECONDS)
        threading.Timer(0.05, may_end.set).start()
        raise ValueError("the first one failed")
    assert ended.is_set()


def test_an_error_comes_with_the_result() -> None:
    search = SearchThreads().start(int, "none")
    with awaited(search), pytest.raises(ValueError, match="none"):
        search.result(_SECONDS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_threads_of_its_own() -> None:
    threads = SearchThreads()
    assert threads.start(int, "1").result(_SECONDS) == 1
    child = os.fork()
    if child == 0:
        try:
            os._exit(threads.start(int, "2").result(5))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_a_search_has_the_context_of_who_asks() -> None:
    _asked.set("年假")
    assert SearchThreads().start(_asked.get).result(_SECONDS) == "年假"


def test_threads_are_kept() -> None:
    threads = SearchThreads()
    idents = {threads.start(threading.get_ident).result(_SECONDS) for _ in range(20)}
    assert len(idents) == 1
