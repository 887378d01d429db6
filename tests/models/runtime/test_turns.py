"""Threads that take turns: so many at once, the first who came first, and none is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from qa_engine.models.runtime.turns import Turns

PATIENCE = 20


def waiting(turns: Turns, count: int) -> None:
    """Returns when so many threads wait for a turn."""
    reached = threading.Event()
    while len(turns._waiting) < count:
        assert not reached.wait(0.001)


def enter(turns: Turns, then: Callable[[], None] = lambda: None) -> threading.Thread:
    """A thread that has a turn, or waits for one."""

    def work() -> None:
        with turns:
            then()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    with pytest.raises(RuntimeError), turns:
        raise RuntimeError
    enter(turns).join(PATIENCE)
    assert turns._free == 1


def test_a_thread_that_is_interrupted_while_it_waits_leaves_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted:
        """A lock whose owner never gets it."""

        def __init__(self) -> None:
            self.asked = 0

        def acquire(self) -> None:
            self.asked += 1
            if self.asked == 2:
                raise KeyboardInterrupt

    turns = Turns(1)
    with turns:
        monkeypatch.setattr("qa_engine.models.runtime.turns.Lock", Interrupted)
        with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
            pool.submit(turns.__enter__).result(PATIENCE)
        monkeypatch.undo()
        assert not turns._waiting
    assert turns._free == 1


def test_a_thread_enters_again_what_it_is_in() -> None:
    turns = Turns(1)
    with turns:
        with turns:
            pass
        thread = enter(turns)
        waiting(turns, 1)
    thread.join(PATIENCE)
    assert turns._free == 1


def test_no_more_than_so_many_are_in_at_once() -> None:
    turns, together, inside, most = Turns(2), threading.Barrier(2), [0], [0]
    lock = threading.Lock()

    def work(_: int) -> None:
        with turns:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            together.wait(PATIENCE)  # ends only if two are in
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == [2]
    assert turns._free == 2


def test_who_came_first_enters_first() -> None:
    turns, order = Turns(1), []
    with turns:
        threads = []
        for number in range(5):
            threads.append(enter(turns, lambda number=number: order.append(number)))
            waiting(turns, number + 1)
    for thread in threads:
        thread.join(PATIENCE)
    assert order == [0, 1, 2, 3, 4]
