"""The benchmark of questions at the same time: its server, and what it counts."""

from __future__ import annotations

import asyncio
import time

import pytest
from concurrency import bare, in_loop, in_threads
from openai import OpenAI
from scripted_server import REPLY, scripted_server


def test_the_server_takes_its_time_and_speaks_both_ways() -> None:
    messages = [{"role": "user", "content": "问"}]
    with scripted_server(0.1) as url, OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        started = time.perf_counter()
        whole = client.chat.completions.create(model="m", messages=messages)
        assert time.perf_counter() - started >= 0.1
        assert whole.choices[0].message.content == REPLY
        stream = client.chat.completions.create(model="m", messages=messages, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == REPLY


async def test_requests_run_side_by_side() -> None:
    with scripted_server(0.5) as url:
        ask = bare(url, "资料")
        await ask("问")
        run = await in_loop("bare", ask, ["问"] * 8, 8)
    assert len(run.each) == 8
    assert run.rate > 2 / 0.5
    assert run.longest_block is not None


async def test_a_blocked_loop_is_seen() -> None:
    async def block(_: str) -> None:
        await asyncio.sleep(0.01)
        time.sleep(0.2)

    assert (await in_loop("blocking", block, ["问"], 1)).longest_block > 0.15


def test_a_failure_is_not_counted_as_an_answer() -> None:
    def fail(_: str) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        in_threads("failing", fail, ["问"] * 2, 2)
