"""Sends an answer in the making in the form that a request wants: whole, or in events."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from qa_engine.server.asking.notes import note_answer
from qa_engine.server.asking.running import RunningAnswer, to_json
from qa_engine.server.asking.streams import AnswerEvents, GoneError, last_event_id, unless_gone

_CLIENT_GONE = 499
"""For the access log alone: nobody is there to read it."""


def json_response(content: Any) -> Response:
    """Content that is ready for JSON."""
    return Response(to_json(content), media_type="application/json")


def gone_response() -> Response:
    """For a client that has left."""
    return Response(status_code=_CLIENT_GONE)


async def answer_response(request: Request, running: RunningAnswer, events: bool) -> Response:
    """An answer, when it is there; or its events as they come. The work for it ends if its client leaves.

    Args:
        request: of the client.
        running: the answer.
        events: whether the client wants events.

    Raises:
        ProblemError: there is no answer.
    """
    if events:
        return AnswerEvents(running, last_event_id(request))
    with running.followed():
        try:
            return json_response(await unless_gone(request, running.result()))
        except GoneError:
            return gone_response()
        finally:
            note_answer(request, running)
