"""What readers have said of answers, for a person to decide about."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel

from qa_engine.server.access import Administrator
from qa_engine.server.evaluation.questions import KeptQuestion
from qa_engine.server.evaluation.reviews import Feedback, ReviewState
from qa_engine.server.problems import problem_responses
from qa_engine.server.routes.evaluations.questions import QuestionRequest, kept
from qa_engine.server.state import State

router = APIRouter(prefix="/api/v1/feedback", tags=["feedback"])
FeedbackId = Annotated[str, PathParameter(max_length=64, description="The id of feedback.")]


class FeedbackList(BaseModel):
    """A part of the feedback, the newest first.

    Attributes:
        data: the feedback.
        next_cursor: where the next part begins; null behind the oldest.
    """

    data: list[Feedback]
    next_cursor: str | None


@router.get("", responses=problem_responses("storage_unavailable"))
async def feedback(
    state: State,
    access: Administrator,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
    review: Annotated[ReviewState | None, Query(alias="state")] = None,
) -> FeedbackList:
    """Lists what readers have said of answers, of all keys, the newest first."""
    before = None if cursor is None else int(cursor)
    found, following = await to_thread.run_sync(state.reviews.latest, access, review, limit, before)
    return FeedbackList(data=found, next_cursor=None if following is None else str(following))


@router.post(
    "/{feedback_id}/accept", responses=problem_responses("not_found", "read_only", "storage_unavailable")
)
async def accept(
    feedback_id: FeedbackId, body: QuestionRequest, state: State, access: Administrator
) -> KeptQuestion:
    """Keeps the question of feedback as a test question, with the words and the label of the request."""
    await to_thread.run_sync(state.reviews.get, access, feedback_id)
    question, _ = await kept(body, state, access)
    await to_thread.run_sync(state.reviews.decide, feedback_id, "accepted")
    return question


@router.post(
    "/{feedback_id}/dismiss",
    status_code=204,
    responses=problem_responses("not_found", "read_only", "storage_unavailable"),
)
async def dismiss(feedback_id: FeedbackId, state: State, access: Administrator) -> Response:
    """Says that feedback makes no test question."""
    await to_thread.run_sync(state.reviews.get, access, feedback_id)
    await to_thread.run_sync(state.reviews.decide, feedback_id, "dismissed")
    return Response(status_code=204)
