"""Faults at every point of an HTTP exchange, in every way of asking: an answer or a named error, in time."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
from fault_server import EVENTS, JSON, OK, Drip, FaultServer, Reset, Stall, Step, completion, event, sized
from llama_index.core.schema import NodeWithScore, TextNode
from openai_server import OpenAIServer, chat, error

from qa_engine.answering.answer import Answer
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.config import LlmConfig
from qa_engine.errors import ConfigurationError, QAEngineError, ServiceUnavailableError
from qa_engine.models.llm import build_llm

NODES = [NodeWithScore(node=TextNode(text="模型有7B参数。"))]
TEXT = "模型有7B参数[1]。"
BODY = completion(TEXT)
HEAD = JSON + b"content-length: %d\r\n\r\n" % len(BODY)
CHUNKED = JSON + b"transfer-encoding: chunked\r\n\r\n"
FIRST = event("模型有7B参数[1]。其次")
SHORT = 0.25
"""Seconds: the time-out of a try where only the time-out ends it."""
LONG = 60.0
"""Seconds: the time-out of a try that ends by itself."""
IN_TIME = 15.0
"""Seconds: far more than a busy machine needs, and less than any of the drips takes to its end."""


def synthesizer_at(url: str, **settings: object) -> ChineseAnswerSynthesizer:
    values = {"model": "m", "base_url": url, "timeout_seconds": LONG, "max_retries": 0, **settings}
    return ChineseAnswerSynthesizer(build_llm(LlmConfig(**values)))


def ask(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    return synthesizer.synthesize("多少参数？", NODES)


async def aask(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    return await synthesizer.asynthesize("多少参数？", NODES)


def stream(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    pieces = synthesizer.stream_answer("多少参数？", NODES)
    list(pieces)
    return pieces.answer


async def astream(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    pieces = synthesizer.astream_answer("多少参数？", NODES)
    async for _ in pieces:
        pass
    return pieces.answer


def limit_for(fault: Sequence[Step]) -> float:
    """The time-out of a try that meets a fault: short where the server never comes to an end."""
    return SHORT if any(isinstance(step, Stall | Drip) for step in fault) else LONG


def outcome(
    way: Callable[[ChineseAnswerSynthesizer], Answer | Awaitable[Answer]], url: str, seconds: float = LONG
) -> str | QAEngineError:
    """The answer or the error, which has to be one of ours and in time."""

    async def awaited() -> Answer:
        return await way(synthesizer)  # type: ignore[misc]

    synthesizer = synthesizer_at(url, timeout_seconds=seconds)
    begin = time.monotonic()
    try:
        answer = asyncio.run(awaited()) if way in (aask, astream) else way(synthesizer)
    except QAEngineError as failure:
        return failure
    finally:
        assert time.monotonic() - begin < IN_TIME
    return str(answer.response)


BEFORE_THE_BODY: dict[str, Sequence[Step]] = {
    "closed before a word": [],
    "reset before a word": [Reset()],
    "silent": [Stall()],
    "closed in the status line": [OK[:7]],
    "silent in the status line": [OK[:7], Stall()],
    "closed in a header": [JSON[:-9]],
    "reset in a header": [JSON[:-9], Reset()],
    "silent in a header": [JSON[:-9], Stall()],
    "dripping headers": [Drip(JSON + b"x-long: " + b"a" * 500)],
    "dripping headers of an error": [Drip(b"HTTP/1.1 500 No\r\nx-long: " + b"a" * 500)],
    "no HTTP at all": [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "a status that is none": [b"HTTP/1.1 abc OK\r\n\r\n"],
    "an error without a body": [b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"],
    "an error that breaks off": [b"HTTP/1.1 500 No\r\ncontent-length: 99\r\n\r\n{"],
    "an error that drips": [b"HTTP/1.1 500 No\r\ncontent-length: 900\r\n\r\n", Drip(b"x" * 900)],
    "an error that stalls": [b"HTTP/1.1 500 No\r\ncontent-length: 99\r\n\r\n{", Stall()],
    "a redirect in circles": [
        b"HTTP/1.1 307 Go\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ],
}
WHOLE: dict[str, Sequence[Step]] = {
    "closed before the body": [HEAD],
    "silent before the body": [HEAD, Stall()],
    "closed in the body": [HEAD + BODY[:40]],
    "reset in the body": [HEAD + BODY[:40], Reset()],
    "silent in the body": [HEAD + BODY[:40], Stall()],
    "a dripping body": [HEAD, Drip(BODY)],
    "closed in a chunk": [CHUNKED + b"ff\r\n" + BODY[:40]],
    "closed between chunks": [CHUNKED + b"28\r\n" + BODY[:40] + b"\r\n"],
    "a chunk that is none": [CHUNKED + b"zz\r\n" + BODY],
    "half the JSON": [sized(BODY[:60])],
    "an empty body": [sized(b"")],
    "JSON of something else": [sized(b"{}"), b""],
    "JSON that is a list": [sized(b"[1, 2]")],
    "JSON that is null": [sized(b"null")],
    "no choices": [sized(completion(TEXT, choices=[]))],
    "choices that are null": [sized(completion(TEXT, choices=None))],
    "choices that are numbers": [sized(completion(TEXT, choices=[1]))],
    "a message that is null": [sized(completion(TEXT, choices=[{"index": 0, "message": None}]))],
    "a content that is an object": [sized(completion(TEXT, choices=[{"message": {"content": {"a": 1}}}]))],
    "not UTF-8": [sized(BODY.replace(b"7B", b"\xff\xfe"))],
    "a body that is not gzip": [JSON + b"content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello"],
    "half the gzip": [JSON + b"content-encoding: gzip\r\nconnection: close\r\n\r\n" + gzip.compress(BODY)[:30]],
    "an empty reply": [sized(completion(""))],
    "a reply of null": [sized(completion(None))],
    "cut at the length": [sized(completion("模型有", "length"))],
    "withheld": [sized(completion(None, "content_filter"))],
    "withheld in other words": [sized(completion("模", "sensitive"))],
    "out of resources": [sized(completion("模型有", "insufficient_system_resource"))],
}  # fmt: skip
IN_THE_STREAM: dict[str, Sequence[Step]] = {
    "closed before an event": [EVENTS],
    "silent before an event": [EVENTS, Stall()],
    "comments without end": [EVENTS, Drip(b": still there\n\n" * 90)],
    "closed in an event": [EVENTS + FIRST[:50]],
    "closed in a later event": [EVENTS + FIRST + FIRST[:50]],
    "reset in a later event": [EVENTS + FIRST + FIRST[:50], Reset()],
    "silent in a later event": [EVENTS + FIRST + FIRST[:50], Stall()],
    "a dripping event": [EVENTS, Drip(FIRST * 3)],
    "a dripping later event": [EVENTS + FIRST, Drip(FIRST * 3)],
    "comments without end after an event": [EVENTS + FIRST, Drip(b": still there\n\n" * 90)],
    "closed between events": [EVENTS + FIRST],
    "done without a reason": [EVENTS + FIRST + b"data: [DONE]\n\n"],
    "a reason and an error": [EVENTS + FIRST + b'data: {"error": {"message": "overloaded"}}\n\n'],
    "an event that is no JSON": [EVENTS + FIRST + b"data: {oops\n\n"],
    "an event that is a number": [EVENTS + FIRST + b"data: 5\n\n"],
    "an event that is null": [EVENTS + FIRST + b"data: null\n\n"],
    "not UTF-8": [EVENTS + FIRST + FIRST.replace(b"7B", b"\xff\xfe")],
    "choices that are null": [EVENTS + b'data: {"choices": null}\n\n'],
    "a delta that is null": [EVENTS + b'data: {"choices": [{"index": 0, "delta": null}]}\n\n'],
    "cut at the length": [EVENTS + FIRST + event(None, "length") + b"data: [DONE]\n\n"],
    "withheld": [EVENTS + FIRST + event(None, "content_filter") + b"data: [DONE]\n\n"],
    "aborted": [EVENTS + FIRST + event(None, "abort") + b"data: [DONE]\n\n"],
    "a page": [OK + b"content-type: text/html\r\nconnection: close\r\n\r\n<html>Welcome</html>"],
    "a chunk that is none": [OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + FIRST],
    "a body that is not gzip": [OK + b"content-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\nhello"],
    "an empty reply": [EVENTS + event("") + event(None, "stop") + b"data: [DONE]\n\n"],
}  # fmt: skip


@pytest.mark.parametrize(
    "way",
    [ask, astream, pytest.param(aask, marks=pytest.mark.slow), pytest.param(stream, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("fault", BEFORE_THE_BODY)
def test_faults_before_the_body(fault: str, way: Callable[..., Answer]) -> None:
    steps = BEFORE_THE_BODY[fault]
    with FaultServer(steps) as server:
        assert isinstance(outcome(way, server.url, limit_for(steps)), ServiceUnavailableError)


@pytest.mark.parametrize("way", [ask, aask])
@pytest.mark.parametrize("fault", WHOLE)
def test_faults_of_whole_replies(fault: str, way: Callable[..., Answer]) -> None:
    steps = WHOLE[fault]
    with FaultServer(steps) as server:
        assert isinstance(outcome(way, server.url, limit_for(steps)), QAEngineError)


@pytest.mark.parametrize("way", [stream, astream])
@pytest.mark.parametrize("fault", IN_THE_STREAM)
def test_faults_in_the_stream(fault: str, way: Callable[..., Answer]) -> None:
    steps = IN_THE_STREAM[fault]
    with FaultServer(steps) as server:
        assert isinstance(outcome(way, server.url, limit_for(steps)), QAEngineError)


@pytest.mark.parametrize("way", [ask, aask])
@pytest.mark.parametrize(
    "steps",
    [
        [sized(BODY)],
        [JSON + b"connection: close\r\n\r\n" + BODY],
        [CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"],
        [JSON + b"content-encoding: gzip\r\nconnection: close\r\n\r\n" + gzip.compress(BODY)],
        [sized(completion(TEXT, None))],
        [HEAD, Drip(BODY[:3], 0.01), BODY[3:]],
    ],
)
def test_whole_replies_of_any_kind_are_answers(way: Callable[..., Answer], steps: Sequence[Step]) -> None:
    with FaultServer(steps) as server:
        assert outcome(way, server.url) == TEXT


@pytest.mark.parametrize("way", [stream, astream])
@pytest.mark.parametrize(
    "tail",
    [
        event(None, "stop") + b"data: [DONE]\n\n",
        event(None, "stop"),
        b": comment\n\n" + event(None, "stop") + b'data: {"choices": [], "usage": null}\n\n',
        event(None, "stop").replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n",
    ],
)
def test_a_reason_to_end_makes_a_stream_whole(way: Callable[..., Answer], tail: bytes) -> None:
    with FaultServer([EVENTS + event(TEXT) + tail]) as server:
        assert outcome(way, server.url) == TEXT


@pytest.mark.parametrize("way", [stream, astream])
def test_a_stream_may_take_longer_than_one_try_if_its_pieces_keep_coming(way: Callable[..., Answer]) -> None:
    limit = 1.0
    slow: list[Step] = [EVENTS]
    for char in TEXT:
        slow += [Drip(b":", 0.2), b"\n", event(char)]
    with FaultServer([*slow, event(None, "stop")]) as server:
        synthesizer = synthesizer_at(server.url, timeout_seconds=limit)
        begin = time.monotonic()
        answer = asyncio.run(way(synthesizer)) if way is astream else way(synthesizer)  # type: ignore[arg-type]
    assert answer.response == TEXT
    assert time.monotonic() - begin > 2 * limit


@pytest.mark.parametrize("way", [aask, astream])
@pytest.mark.parametrize("steps", [[Stall()], [JSON, Stall()], [EVENTS + FIRST, Stall()]])
async def test_a_cancelled_task_closes_its_connection(
    way: Callable[..., Awaitable[Answer]], steps: Sequence[Step]
) -> None:
    with FaultServer(steps) as server:
        task = asyncio.ensure_future(way(synthesizer_at(server.url)))
        assert await asyncio.to_thread(server.stalled.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.left.wait, 60)


async def test_a_stream_that_is_left_closes_its_connection() -> None:
    with FaultServer([EVENTS + FIRST, Stall()]) as server:
        async with synthesizer_at(server.url).astream_answer("？", NODES) as pieces:
            assert await anext(pieces)
        assert await asyncio.to_thread(server.left.wait, 60)
    with FaultServer([EVENTS + FIRST, Stall()]) as server:
        with synthesizer_at(server.url).stream_answer("？", NODES) as blocking:
            assert next(blocking)
        assert server.left.wait(60)


def test_many_threads_ask_at_once() -> None:
    answers: list[str] = []
    with OpenAIServer(chat(TEXT)) as server:
        synthesizer = synthesizer_at(server.url)
        threads = [
            threading.Thread(target=lambda: answers.append(str(ask(synthesizer).response))) for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [TEXT] * 16


def test_a_wait_that_is_longer_than_a_try_is_not_waited_for() -> None:
    with OpenAIServer(error(429, "slow down", retry_after="30")) as server:
        begin = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match="429"):
            ask(synthesizer_at(server.url, timeout_seconds=20, max_retries=3))
        assert len(server.requests) == 1
    assert time.monotonic() - begin < IN_TIME


def test_a_service_that_cannot_count_streams_is_asked_without() -> None:
    with OpenAIServer(error(400, "Unknown argument stream_options"), chat(TEXT)) as server:
        synthesizer = synthesizer_at(server.url)
        assert stream(synthesizer).response == TEXT
        assert stream(synthesizer).response == TEXT
    assert ["stream_options" in request.body for request in server.requests] == [True, False, False]


def test_context_overflow_is_wrong_input() -> None:
    with OpenAIServer(error(400, "This model's maximum context length is 4096 tokens")) as server:
        with pytest.raises(ConfigurationError, match="context_window"):
            ask(synthesizer_at(server.url))
        assert len(server.requests) == 1
