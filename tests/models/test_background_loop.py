from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator

import pytest
from fault_server import FaultServer, Stall

from qa_engine.config import LlmConfig
from qa_engine.models.llm import build_llm
from qa_engine.models.remote.openai_llm import iterate_blocking, run_blocking


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
        os._exit(run_blocking(_number(7)))
    until = time.monotonic() + 10
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 7
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child waits for a loop that nobody runs")


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


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signals here")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_interrupted_call_closes_its_connection(streamed: bool) -> None:
    """As Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def send() -> None:
        while not server.requests:
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with FaultServer([Stall()]) as server:
            llm = build_llm(LlmConfig(model="m", base_url=server.url, timeout_seconds=60, max_retries=0))
            threading.Thread(target=send, daemon=True).start()
            with pytest.raises(KeyboardInterrupt):
                next(iter(llm.stream_complete("?"))) if streamed else llm.complete("?")
            assert server.left.wait(3)
    finally:
        signal.signal(signal.SIGUSR1, before)
