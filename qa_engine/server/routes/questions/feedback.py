"""What readers say of answers, and the questions that it makes for evaluations."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Response
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse

from qa_engine.server.access import Administrator, Reader
from qa_engine.server.asking.feedback import FeedbackRequest
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.state import State

router = APIRouter(prefix="/api/v1", tags=["feedback"])
_LINES = "application/x-ndjson"


@router.post(
    "/answers/{answer_id}/feedback",
    status_code=204,
    responses=problem_responses("not_found", "storage_unavailable"),
)
async def give(
    answer_id: Annotated[str, PathParameter(max_length=64)],
    body: FeedbackRequest,
    state: State,
    access: Reader,
) -> Response:
    """Takes feedback on an answer that was asked for with the same key; later feedback takes the place of earlier."""
    kept = await state.questions.kept(access.name, answer_id)
    if kept is None:
        raise ProblemError(
            "not_found",
            f"There is no answer {answer_id!r}.",
            "Send feedback while the answer is kept: see server.answer_hours.",
        )
    await to_thread.run_sync(state.feedback.put, access.name, kept, body)
    return Response(status_code=204)


@router.get(
    "/feedback.jsonl",
    response_class=StreamingResponse,
    responses=problem_responses("storage_unavailable")
    | {
        200: {
            "description": "A JSON object a line, as `qa-engine evaluate` reads them",
            "content": {_LINES: {"schema": {"type": "string"}}},
        }
    },
)
async def lines(state: State, access: Administrator) -> StreamingResponse:
    """Tells the questions of all keys whose feedback says what the answer is."""
    return StreamingResponse(state.feedback.lines(access), media_type=_LINES)
