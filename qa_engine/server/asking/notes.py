"""What the access log and the metrics are told about an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from qa_engine.server.access_log import note
from qa_engine.server.asking.running import RunningAnswer


def note_answer(connection: HTTPConnection, running: RunningAnswer) -> None:
    """Notes how an answer ended; nothing of one that is not over.

    Args:
        connection: the request whose response is ready.
        running: the answer.
    """
    if running.problem is not None:
        note(connection, problem=running.problem.code)
    elif running.body is not None:
        body = running.body
        note(connection, refused=body["refused"], question=body["question"], answer=body["answer"])
        note_stages(connection, body["timings"])
        if body["usage"] is not None:
            usage = body["usage"]
            note(connection, tokens={kind: usage[f"{kind}_tokens"] for kind in ("prompt", "completion")})


def note_stages(connection: HTTPConnection, seconds: Mapping[str, Any]) -> None:
    """Notes how long the stages of a question took.

    Args:
        connection: the request.
        seconds: by stage.
    """
    note(connection, stages={stage: round(duration * 1000, 1) for stage, duration in seconds.items()})
