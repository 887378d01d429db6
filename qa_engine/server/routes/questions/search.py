"""Passages for a question, without an answer."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_engine.server.access import Reader
from qa_engine.server.access_log import note
from qa_engine.server.asking.bodies import SearchBody
from qa_engine.server.asking.notes import note_stages
from qa_engine.server.asking.requests import SearchRequest
from qa_engine.server.asking.responses import GoneError, gone_response, json_response, unless_gone
from qa_engine.server.problems import problem_responses
from qa_engine.server.state import ReadyState

router = APIRouter(tags=["questions"])


@router.post(
    "/api/v1/search",
    response_model=SearchBody,
    responses=problem_responses(
        *(
            "not_found",
            "nothing_ingested",
            "queue_full",
            "model_unavailable",
            "storage_unavailable",
            "storage_busy",
        ),
        *("misconfigured", "model_timeout"),
    ),
)
async def search(
    request: Request,
    body: SearchRequest,
    state: ReadyState,
    access: Reader,
) -> Response:
    """Finds the passages for a question, in the same way as answers find theirs; ``explain`` tells each stage's ranks."""
    try:
        found = await unless_gone(request, state.questions.search(request, body, access))
    except GoneError:
        return gone_response()
    note(request, question=body.question)
    note_stages(request, found["timings"])
    return json_response(found)
