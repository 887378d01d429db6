"""One at a time, whoever waits."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from qa_engine.conversation.turnstile import Turnstile
from qa_engine.errors import InputError


def test_who_would_wait_for_himself_is_told() -> None:
    turnstile = Turnstile()
    with turnstile.held(), pytest.raises(InputError, match="still being streamed"), turnstile.held():
        pass
    with turnstile.held():
        pass


async def test_a_task_that_would_wait_for_itself_is_told_and_others_wait() -> None:
    turnstile = Turnstile()
    order: list[str] = []

    async def other() -> None:
        async with turnstile.aheld():
            order.append("other")

    async with turnstile.aheld():
        with pytest.raises(InputError):
            async with turnstile.aheld():
                pass
        waiting = asyncio.create_task(other())
        await asyncio.sleep(0.01)
        order.append("first")
    await waiting
    assert order == ["first", "other"]


async def test_a_cancelled_one_hands_its_turn_on() -> None:
    turnstile = Turnstile()
    done = asyncio.Event()

    async def take(event: asyncio.Event | None = None) -> None:
        async with turnstile.aheld():
            if event is not None:
                event.set()

    for moment in (0.0, 0.01):
        async with turnstile.aheld():
            cancelled = asyncio.create_task(take())
            await asyncio.sleep(0.01)
            waiting = asyncio.create_task(take(done))
            await asyncio.sleep(moment)
            cancelled.cancel()
        # Its turn may have come before the cancellation did.
        await asyncio.wait_for(waiting, 2)
        with pytest.raises(asyncio.CancelledError):
            await cancelled


def test_threads_and_tasks_take_turns() -> None:
    turnstile, inside, seen = Turnstile(), threading.Lock(), []

    def work() -> None:
        with turnstile.held():
            assert inside.acquire(blocking=False)
            time.sleep(0.002)
            inside.release()
            seen.append(1)

    async def awork() -> None:
        async with turnstile.aheld():
            assert inside.acquire(blocking=False)
            await asyncio.sleep(0.002)
            inside.release()
            seen.append(1)

    async def tasks() -> None:
        await asyncio.gather(*(awork() for _ in range(10)))

    threads = [threading.Thread(target=work) for _ in range(10)]
    threads.append(threading.Thread(target=lambda: asyncio.run(tasks())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(seen) == 20
