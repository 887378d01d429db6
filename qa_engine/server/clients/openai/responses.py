"""Sends answers as chat completions, whole or in server-sent events.

OpenAI's protocol cannot take text back. So a stream sends the text when the answer is complete and checked, as
``answering.streaming = "checked"`` does for other streams; until then it sends comments, which keep the connection.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from qa_engine.server.asking.responses import (
    BEGUN,
    EVENT_STREAM,
    KEEP_ALIVE_SECONDS,
    STREAM_HEADERS,
    AnswerEvents,
    GoneError,
    finished,
    gone_response,
    json_response,
)
from qa_engine.server.asking.running import RunningAnswer, to_json
from qa_engine.server.clients.openai.completions import Completion, Content, Presentation, usage_of
from qa_engine.server.problems import openai_body

_DONE = format_sse_event(data_str="[DONE]")


class CompletionEvents(AnswerEvents):
    """The chunks of a completion. The stream follows its answer: see `RunningAnswer.followed`."""

    def __init__(
        self, running: RunningAnswer, completion: Completion, presentation: Presentation, counts_usage: bool
    ) -> None:
        """
        Args:
            running: the answer.
            completion: that it becomes.
            presentation: how it is shown.
            counts_usage: whether a last chunk has the tokens of the language model.
        """
        super().__init__(running)
        self._completion, self._presentation = completion, presentation
        self._counts_usage = counts_usage

    async def chunks(self, running: RunningAnswer, after: int) -> AsyncIterator[bytes]:
        """What is sent: the role at once, what tells of progress, and when the answer is complete, all of it."""
        yield BEGUN
        yield self._formatted(self._completion.chunk({"role": "assistant", "content": ""}))
        async with aclosing(running.follow(after, KEEP_ALIVE_SECONDS)) as events:
            async for event in events:
                if event is None:
                    yield KEEPALIVE_COMMENT
                    continue
                for fields in self._presentation.progress(event.name, json.loads(event.data)):
                    yield self._formatted(self._completion.bare_chunk(**fields))
        if running.problem is not None:
            yield formatted(openai_body(running.problem))
        elif running.body is not None:
            content = self._presentation.content(running.body)
            for chunk in closing_chunks(self._completion, self._presentation, content, running.body):
                yield self._formatted(chunk)
            if self._counts_usage:
                yield formatted(self._completion.bare_chunk(usage=usage_of(running.body)))
        yield _DONE

    def _formatted(self, chunk: dict[str, Any]) -> bytes:
        return formatted({**chunk, "usage": None} if self._counts_usage else chunk)


def closing_chunks(
    completion: Completion, presentation: Presentation, content: Content, body: dict[str, Any] | None
) -> Iterator[dict[str, Any]]:
    """The chunks of what a completion says, and the one that ends it, which holds the answer.

    Args:
        completion: the completion.
        presentation: how it is shown.
        content: what it says.
        body: of the answer; None for what is none.
    """
    for delta in presentation.deltas(content):
        yield completion.chunk(delta)
    yield completion.chunk({}, "stop", **({} if body is None else {"qa_engine": body}))


def formatted(content: dict[str, Any]) -> bytes:
    """A chunk as it goes over the line."""
    return format_sse_event(data_str=to_json(content))


async def completion_response(
    request: Request,
    running: RunningAnswer,
    completion: Completion,
    presentation: Presentation,
    stream: bool,
    counts_usage: bool,
) -> Response:
    """A completion, when its answer is there; or its chunks. The work for it ends if its client leaves.

    Args:
        request: of the client.
        running: the answer.
        completion: that it becomes.
        presentation: how it is shown.
        stream: whether the client wants chunks.
        counts_usage: whether the last of them has the tokens of the language model.

    Raises:
        ProblemError: there is no answer.
    """
    if stream:
        return CompletionEvents(running, completion, presentation, counts_usage)
    try:
        body = await finished(request, running)
    except GoneError:
        return gone_response()
    return json_response(completion.whole(presentation.content(body), body))


def ready_response(completion: Completion, text: str, stream: bool) -> Response:
    """A completion that needs no answer of the engine.

    Args:
        completion: the completion.
        text: what it says.
        stream: whether the client wants chunks.
    """
    content = Content(text)
    if not stream:
        return json_response(completion.whole(content, None))
    first = completion.chunk({"role": "assistant", "content": ""})
    chunks = closing_chunks(completion, Presentation(), content, None)
    parts = [formatted(first), *map(formatted, chunks), _DONE]
    return StreamingResponse(iter(parts), media_type=EVENT_STREAM, headers=STREAM_HEADERS)
