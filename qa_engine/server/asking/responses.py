"""Sends answers in the form that a request wants, whole or in server-sent events, and ends the work if its client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from qa_engine.server.asking.notes import note_answer
from qa_engine.server.asking.running import LoggedEvent, RunningAnswer, to_json

EVENT_STREAM = "text/event-stream"
KEEP_ALIVE_SECONDS = 15.0
"""A comment is sent after so long without an event, so that proxies keep the connection."""
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Of a stream, so that nothing on its way holds it back."""
BEGUN = format_sse_event(comment="begun")
"""The first line of a stream, which says that the request was accepted."""
_CLIENT_GONE = 499
"""For the access log alone: nobody is there to read it."""
_T = TypeVar("_T")


class GoneError(Exception):
    """The client has left before its answer was there."""


class AnswerEvents(StreamingResponse):
    """The events of an answer as they come. The stream follows the answer: see `RunningAnswer.followed`."""

    media_type = EVENT_STREAM

    def __init__(self, running: RunningAnswer, after: int = 0) -> None:
        """
        Args:
            running: the answer.
            after: number of the last event that the client knows.
        """
        super().__init__(self.chunks(running, after), headers=STREAM_HEADERS)
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._running.followed():
            await super().__call__(scope, receive, send)
        note_answer(HTTPConnection(scope), self._running)

    async def chunks(self, running: RunningAnswer, after: int) -> AsyncIterator[bytes]:
        """What is sent: a comment at once, then the events as they come, and comments between those that are far apart."""
        yield BEGUN
        async with aclosing(running.follow(after, KEEP_ALIVE_SECONDS)) as events:
            async for event in events:
                yield KEEPALIVE_COMMENT if event is None else formatted(event)


class FinishedEvents(StreamingResponse):
    """The last event of an answer that is finished: it says all that the others have said."""

    media_type = EVENT_STREAM

    def __init__(self, event: LoggedEvent) -> None:
        super().__init__(iter([formatted(event)]), headers=STREAM_HEADERS)


def formatted(event: LoggedEvent) -> bytes:
    """An event as it goes over the line."""
    return format_sse_event(data_str=event.data, event=event.name, id=str(event.number))


async def unless_gone(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """The result of some work, which is cancelled if the client leaves.

    Args:
        request: whose body has been read.
        work: for its response.

    Raises:
        GoneError: the client has left.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise GoneError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.wait([task, gone])


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def wants_events(request: Request, stream: bool | None) -> bool:
    """Whether a client wants server-sent events: its body says so, or else its header ``Accept`` prefers them.

    Args:
        request: with the header.
        stream: what the body says; None if nothing.
    """
    if stream is not None:
        return stream
    qualities: dict[str, float] = {}
    for entry in ",".join(request.headers.getlist("accept")).split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        with suppress(ValueError):
            qualities[media_type] = float(quality)
    events = qualities.get(EVENT_STREAM, 0)
    return events > 0 and events >= qualities.get("application/json", 0)


def event_number(text: str | None) -> int:
    """The number of an event from the value of ``Last-Event-ID``; 0 for none, and for what is no number."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def json_response(content: Any) -> Response:
    """Content that is ready for JSON."""
    return Response(to_json(content), media_type="application/json")


def gone_response() -> Response:
    """For a client that has left."""
    return Response(status_code=_CLIENT_GONE)


async def answer_response(request: Request, running: RunningAnswer, events: bool, after: int = 0) -> Response:
    """An answer, when it is there; or its events as they come. The work for it ends if its client leaves.

    Args:
        request: of the client.
        running: the answer.
        events: whether the client wants events.
        after: number of the last event that it knows.

    Raises:
        ProblemError: there is no answer.
    """
    if events:
        return AnswerEvents(running, after)
    try:
        return json_response(await finished(request, running))
    except GoneError:
        return gone_response()


async def finished(request: Request, running: RunningAnswer) -> dict[str, Any]:
    """The body of an answer, when it is there. The work for it ends if its client leaves.

    Args:
        request: of the client.
        running: the answer.

    Raises:
        GoneError: the client has left.
        ProblemError: there is no answer.
    """
    with running.followed():
        try:
            return await unless_gone(request, running.result())
        finally:
            note_answer(request, running)
