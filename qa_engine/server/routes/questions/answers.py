"""Answers again: those that are kept, and those in the making whose stream was lost."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_engine.server.access import Reader
from qa_engine.server.asking.bodies import ANSWER_RESPONSE, AnswerBody, LastEventId
from qa_engine.server.asking.responses import (
    FinishedEvents,
    answer_response,
    event_number,
    json_response,
    wants_events,
)
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.questions.ask import PROBLEMS_OF_ANSWERS
from qa_engine.server.state import State

router = APIRouter(tags=["questions"])


@router.get(
    "/api/v1/answers/{answer_id}",
    response_model=AnswerBody,
    responses=problem_responses(*PROBLEMS_OF_ANSWERS) | ANSWER_RESPONSE,
)
async def answer(
    request: Request,
    answer_id: str,
    state: State,
    access: Reader,
    last_event_id: LastEventId = None,
) -> Response:
    """Sends an answer again, to the key that asked. If it is in the making, waits for it, or follows its events."""
    events = wants_events(request, None)
    running = state.questions.find(access.name, answer_id)
    if running is not None:
        return await answer_response(request, running, events, event_number(last_event_id))
    kept = await state.questions.kept(access.name, answer_id)
    if kept is None:
        raise ProblemError(
            "not_found",
            f"There is no answer {answer_id!r}.",
            "Ask again: answers are kept for a limited time.",
        )
    return FinishedEvents(kept.last_event) if events else json_response(kept.body)


@router.delete(
    "/api/v1/answers/{answer_id}",
    status_code=204,
    responses=problem_responses("not_found"),
)
async def stop(answer_id: str, state: State, access: Reader) -> Response:
    """Stops an answer in the making, the language model with it. One that is finished stays as it is."""
    running = state.questions.find(access.name, answer_id)
    if running is None or running.over:
        raise ProblemError("not_found", f"No answer {answer_id!r} is in the making.")
    running.stop(ProblemError("not_found", f"The answer {answer_id!r} was stopped by its client."))
    await running.stopped()
    return Response(status_code=204)
