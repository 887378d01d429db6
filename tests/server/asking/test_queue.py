"""Turns: in order, not more at a time than allowed, and given back whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.server.asking.queue import QuestionQueue
from qa_engine.server.problems import ProblemError


async def test_more_than_may_wait_are_refused_at_once() -> None:
    queue = QuestionQueue(running=1, waiting=1)
    queue.enter()
    queue.enter()
    with pytest.raises(ProblemError) as refused:
        queue.enter()
    assert refused.value.code == "queue_full"
    assert int(refused.value.headers["Retry-After"]) >= 1


async def test_nobody_waits_if_none_may() -> None:
    queue = QuestionQueue(running=1, waiting=0)
    first = queue.enter()
    with pytest.raises(ProblemError):
        queue.enter()
    first.leave()
    queue.enter()


async def test_a_cancelled_question_gives_its_turn_to_the_next() -> None:
    queue = QuestionQueue(running=1, waiting=5)
    order: list[str] = []

    async def ask(name: str, ends: asyncio.Event) -> None:
        async with places[name].turn():
            order.append(name)
            await ends.wait()

    ends = {name: asyncio.Event() for name in "abc"}
    places = {name: queue.enter() for name in "abc"}
    tasks = {name: asyncio.create_task(ask(name, ends[name])) for name in "abc"}
    await asyncio.sleep(0)
    tasks["b"].cancel()  # while it waits
    tasks["a"].cancel()  # while it runs
    await asyncio.wait([tasks["a"], tasks["b"]])
    ends["c"].set()
    await tasks["c"]
    assert order == ["a", "c"]
    assert (queue.running, queue.waiting) == (0, 0)


async def test_a_turn_that_was_given_to_a_cancelled_question_is_passed_on() -> None:
    queue = QuestionQueue(running=1, waiting=5)
    first, second, third = queue.enter(), queue.enter(), queue.enter()

    async def wait() -> None:
        async with second.turn():
            raise AssertionError("it was cancelled")

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    first.leave()  # gives the turn to the second, which is cancelled before it sees it
    task.cancel()
    await asyncio.wait([task])
    async with asyncio.timeout(5), third.turn():
        assert queue.running == 1


@given(st.integers(1, 3), st.integers(0, 3), st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_places_are_never_lost(running: int, waiting: int, steps: list[tuple[bool, int]]) -> None:
    async def main() -> None:
        queue = QuestionQueue(running, waiting)
        places = []
        for enters, place in steps:
            if enters:
                try:
                    places.append(queue.enter())
                except ProblemError:
                    assert (queue.running, queue.waiting) == (running, waiting)
                    assert len(places) == running + waiting
            elif places:
                places.pop(place % len(places)).leave()
            assert queue.running == min(len(places), running)
            assert queue.waiting == len(places) - queue.running
        for turn in places:
            turn.leave()
            turn.leave()
        assert (queue.running, queue.waiting) == (0, 0)

    asyncio.run(main())
