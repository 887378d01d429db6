"""Questions and their answers, whole or in events."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_engine.server.access import Reader
from qa_engine.server.asking.bodies import ANSWER_RESPONSE, AnswerBody
from qa_engine.server.asking.course import Dialogue
from qa_engine.server.asking.requests import AskRequest
from qa_engine.server.asking.responses import answer_response, wants_events
from qa_engine.server.problems import problem_responses
from qa_engine.server.state import ReadyState

router = APIRouter(tags=["questions"])
PROBLEMS_OF_ANSWERS = (
    *("not_found", "already_exists", "conversation_busy", "nothing_ingested", "queue_full"),
    *("model_unavailable", "storage_unavailable", "storage_busy", "misconfigured", "model_timeout"),
)
"""Codes of what can go wrong with a question."""


@router.post(
    "/api/v1/ask",
    response_model=AnswerBody,
    responses=problem_responses(*PROBLEMS_OF_ANSWERS) | ANSWER_RESPONSE,
)
async def ask(
    request: Request,
    body: AskRequest,
    state: ReadyState,
    access: Reader,
) -> Response:
    """Answers a question in Chinese with citations, or refuses; as events if ``stream`` or ``Accept`` says so."""
    events = wants_events(request, body.stream)
    if body.conversation_id is not None:
        dialogue = await state.conversations.question(access.name, body.conversation_id)
    else:
        dialogue = Dialogue(turns=None if body.history is None else body.turns)
    running = await state.questions.ask(request, body, access, events, dialogue)
    return await answer_response(request, running, events)
