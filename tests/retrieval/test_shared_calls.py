"""Results kept and shared."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from qa_engine.retrieval.shared_calls import SharedCalls


def calls(size: int = 2) -> SharedCalls[str]:
    return SharedCalls(size, keep=lambda value: value != "bad")


def test_what_is_raised_reaches_the_caller_and_is_not_kept() -> None:
    shared = calls()

    def fail() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared.get("k", fail)
    assert shared.get("k", lambda: "v") == ("v", False)


def test_who_waits_for_an_interrupted_call_makes_its_own() -> None:
    shared, started, go = calls(), threading.Event(), threading.Event()

    def fail() -> str:
        started.set()
        go.wait(10)
        raise KeyboardInterrupt

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            shared.get("k", fail)

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(first)
        started.wait(10)
        waiting = pool.submit(shared.get, "k", lambda: "v")
        time.sleep(0.05)
        go.set()
        failing.result(10)
        assert waiting.result(10) == ("v", False)


def test_what_is_not_worth_keeping_is_made_again() -> None:
    shared = calls()
    assert shared.get("k", lambda: "bad") == ("bad", False)
    assert shared.get("k", lambda: "good") == ("good", False)
    assert shared.get("k", lambda: "other") == ("good", True)


def test_least_recently_used_goes_first() -> None:
    shared = calls(size=2)
    for key in "ab":
        shared.get(key, lambda key=key: key)
    assert shared.get("a", lambda: "new") == ("a", True)
    shared.get("c", lambda: "c")
    assert shared.get("a", lambda: "new") == ("a", True)
    assert shared.get("b", lambda: "new") == ("new", False)


def test_threads_share_one_call() -> None:
    shared, made = calls(), []

    def make() -> str:
        made.append(1)
        time.sleep(0.1)
        return "v"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shared.get("k", make), range(8)))
    assert [value for value, _ in found] == ["v"] * 8
    assert [known for _, known in found].count(False) == len(made) == 1


async def test_tasks_share_one_call_and_threads_know_it_later() -> None:
    shared, made = calls(), []

    async def make() -> str:
        made.append(1)
        await asyncio.sleep(0.05)
        return "v"

    found = await asyncio.gather(*(shared.aget("k", make) for _ in range(5)))
    assert [value for value, _ in found] == ["v"] * 5
    assert len(made) == 1
    assert shared.get("k", lambda: "other") == ("v", True)
    assert await shared.aget("k", make) == ("v", True)


async def test_call_goes_on_while_one_waits_and_ends_with_the_last() -> None:
    shared, ended = calls(), []

    async def make() -> str:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "v"

    first, second = (asyncio.create_task(shared.aget("k", make)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    assert await second == ("v", True)
    assert ended == []
    alone = asyncio.create_task(shared.aget("other", make))
    await asyncio.sleep(0.02)
    alone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await alone
    await asyncio.sleep(0)
    assert ended == ["cancelled"]
    assert await shared.aget("other", make) == ("v", False)


async def test_error_of_a_task_reaches_all_who_wait() -> None:
    shared = calls()

    async def fail() -> str:
        await asyncio.sleep(0.01)
        raise ValueError

    found = await asyncio.gather(*(shared.aget("k", fail) for _ in range(2)), return_exceptions=True)
    assert [type(error) for error in found] == [ValueError, ValueError]


def test_loops_in_several_threads_do_not_disturb_each_other() -> None:
    shared = calls()

    async def make() -> str:
        await asyncio.sleep(0.02)
        return "v"

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: asyncio.run(shared.aget("k", make)), range(8)))
    assert [value for value, _ in found] == ["v"] * 8
