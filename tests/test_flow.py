"""Flows: one piece of work, run for callers that block and for those that await."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qa_engine.flow import (
    Flow,
    Piece,
    apieces,
    arun,
    call,
    in_thread,
    in_threads_of,
    pieces,
    read,
    run,
    to_thread,
)


class Stream:
    """Numbers to read in both ways, which may break, and remembers that it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error, self.closed = count, error, 0

    def blocking(self) -> Generator[int, None, None]:
        try:
            yield from range(self.count)
            if self.error:
                raise self.error
        finally:
            self.closed += 1

    async def awaited(self) -> AsyncGenerator[int, None]:
        async def items() -> AsyncGenerator[int, None]:
            for item in self.blocking():
                yield item

        return items()


def whole(flow: Flow[Any]) -> list[Any]:
    return list(pieces(flow))


def awaited(flow: Flow[Any]) -> list[Any]:
    async def items() -> list[Any]:
        return [piece async for piece in apieces(flow)]

    return asyncio.run(items())


every_way = pytest.mark.parametrize("way", [whole, awaited])


def sometimes(number: int) -> Flow[None]:
    if number % 2:
        yield Piece(str(number))


def later(number: int) -> Flow[None]:
    yield Piece(f"{(yield from in_thread(int, number))}")


class TestFailures:
    @every_way
    def test_errors_reach_the_flow_where_it_asked(self, way: Callable[[Flow[Any]], list[Any]]) -> None:
        def flow() -> Flow[str]:
            for request in (in_thread(int, "x"), read(stream.blocking, stream.awaited, sometimes)):
                try:
                    yield from request
                except (ValueError, KeyError) as error:
                    yield Piece(type(error).__name__)
            return "done"

        stream = Stream(2, KeyError())
        assert way(flow()) == ["ValueError", "1", "KeyError", "done"]
        assert stream.closed == 1

    @every_way
    def test_what_the_flow_does_not_handle_is_raised(self, way: Callable[[Flow[Any]], list[Any]]) -> None:
        ended = []

        def flow() -> Flow[str]:
            try:
                yield from in_thread(int, "x")
            finally:
                ended.append(True)
            return "done"

        with pytest.raises(ValueError, match="'x'"):
            way(flow())
        assert ended

    def test_interrupts_pass_through_the_flow(self) -> None:
        seen = []

        def interrupted() -> None:
            raise KeyboardInterrupt

        def flow() -> Flow[None]:
            try:
                yield from in_thread(interrupted)
            except BaseException as error:
                seen.append(type(error))
                raise

        with pytest.raises(KeyboardInterrupt):
            run(flow())
        assert seen == [KeyboardInterrupt]

    async def test_cancelling_passes_through_the_flow(self) -> None:
        started, seen = asyncio.Event(), []

        async def for_ever() -> None:
            started.set()
            await asyncio.Event().wait()

        def flow() -> Flow[None]:
            try:
                yield from call(lambda: None, for_ever)
            except BaseException as error:
                seen.append(type(error))
                raise

        task = asyncio.create_task(arun(flow()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == [asyncio.CancelledError]

    async def test_closing_early_closes_the_stream_and_then_the_flow(self) -> None:
        order: list[str] = []

        def flow() -> Flow[str]:
            try:
                yield from read(stream.blocking, stream.awaited)
            finally:
                order.append(f"closed {stream.closed}")
            return "done"

        stream = Stream(9)
        blocking = pieces(flow())
        assert next(blocking) == "0"
        blocking.close()
        stream = Stream(9)
        waiting = apieces(flow())
        assert await anext(waiting) == "0"
        await waiting.aclose()
        assert order == ["closed 1"] * 2


class TestResults:
    @every_way
    def test_pieces_come_before_the_result(self, way: Callable[[Flow[Any]], list[Any]]) -> None:
        def flow() -> Flow[int]:
            yield Piece("a")
            yield from read(stream.blocking, stream.awaited, sometimes)
            return (yield from in_thread(int, "7"))

        stream = Stream(4)
        assert way(flow()) == ["a", "1", "3", 7]

    @every_way
    def test_an_item_of_a_stream_may_take_work(self, way: Callable[[Flow[Any]], list[Any]]) -> None:
        def flow() -> Flow[None]:
            yield from read(stream.blocking, stream.awaited, later)

        stream = Stream(3)
        assert way(flow()) == ["0", "1", "2", None]

    async def test_threads_of_ones_own_do_the_work(self) -> None:
        def name() -> str:
            return threading.current_thread().name

        with ThreadPoolExecutor(1, thread_name_prefix="own") as executor:
            with in_threads_of(executor):
                named = await asyncio.gather(arun(in_thread(name)), to_thread(name))
            assert [one.split("_")[0] for one in named] == ["own", "own"]
            assert not (await arun(in_thread(name))).startswith("own")

    async def test_who_wants_no_text_gets_the_result(self) -> None:
        def flow() -> Flow[int]:
            yield Piece("a")
            return 7

        assert run(flow()) == await arun(flow()) == 7

    async def test_blocking_work_runs_in_a_thread_with_the_context_of_the_caller(self) -> None:
        variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
        variable.set("mine")
        go_on = threading.Event()

        def work() -> tuple[str, int]:
            assert go_on.wait(60)
            return variable.get(), threading.get_ident()

        task = asyncio.create_task(arun(in_thread(work)))
        await asyncio.sleep(0)
        go_on.set()  # the loop is free to do so
        value, thread = await task
        assert value == "mine"
        assert thread != threading.get_ident()
