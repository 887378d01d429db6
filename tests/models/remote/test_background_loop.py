from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import CancelledError

import pytest
from fault_server import FaultServer, Stall
from openai_server import OpenAIServer, chat

from qa_engine.config import LlmConfig
from qa_engine.models.llm import build_llm
from qa_engine.models.remote.background_loop import close_background_loop, iterate_blocking, run_blocking


async def _number(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_errors_come_through_as_they_are() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        run_blocking(fail())


def test_it_works_from_any_thread_and_within_a_running_loop() -> None:
    async def inside() -> int:
        return run_blocking(_number(3))

    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(run_blocking(_number(n)))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(20))
    assert asyncio.run(inside()) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    assert run_blocking(_number(1)) == 1
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends a child that waits for a loop that nobody runs
        os._exit(run_blocking(_number(7)))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7


def test_a_generator_that_is_left_is_closed() -> None:
    closed = threading.Event()

    async def items() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.set()

    assert list(iterate_blocking(items())) == [1, 2]
    assert closed.is_set()
    closed.clear()
    left = iterate_blocking(items())
    assert next(left) == 1
    left.close()
    assert closed.is_set()


def _requests() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "qa-engine requests"]


def test_a_closed_loop_leaves_no_thread_and_the_next_call_starts_another() -> None:
    close_background_loop()
    assert run_blocking(_number(1)) == 1
    (thread,) = _requests()
    close_background_loop()
    close_background_loop()
    assert not thread.is_alive()
    assert _requests() == []
    assert run_blocking(_number(2)) == 2


def test_closing_the_loop_cancels_what_runs_in_it() -> None:
    started, ended = threading.Event(), threading.Event()

    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def ask() -> None:
        with pytest.raises(CancelledError):
            run_blocking(endless())

    asking = threading.Thread(target=ask)
    asking.start()
    assert started.wait(60)
    close_background_loop()
    asking.join()
    assert ended.is_set()


def test_connections_end_with_the_loop_and_the_model_stays_usable() -> None:
    with OpenAIServer(chat("好")) as server:
        llm = build_llm(LlmConfig(model="m", base_url=server.url))
        assert llm.complete("?").text == "好"
        (client,) = llm._aclients.values()
        close_background_loop()
        assert client.is_closed()
        assert llm.complete("?").text == "好"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signals here")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_interrupted_call_closes_its_connection(streamed: bool) -> None:
    """As Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def send() -> None:
        server.asked.wait()
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with FaultServer([Stall()]) as server:
            llm = build_llm(LlmConfig(model="m", base_url=server.url, timeout_seconds=60, max_retries=0))
            threading.Thread(target=send, daemon=True).start()
            with pytest.raises(KeyboardInterrupt):
                next(iter(llm.stream_complete("?"))) if streamed else llm.complete("?")
            assert server.left.wait(60)
    finally:
        signal.signal(signal.SIGUSR1, before)
