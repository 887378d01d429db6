"""Dify's API of external knowledge."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_engine.server.access import Reader
from qa_engine.server.access_log import note
from qa_engine.server.asking.notes import note_stages
from qa_engine.server.asking.responses import GoneError, gone_response, json_response, unless_gone
from qa_engine.server.clients.dify.records import RecordList, RetrievalRequest, records_of
from qa_engine.server.problems import problem_responses
from qa_engine.server.routes.questions.search import PROBLEMS_OF_SEARCHES
from qa_engine.server.state import ReadyState

router = APIRouter(tags=["dify"])
_RESPONSES = problem_responses(*PROBLEMS_OF_SEARCHES, "unsupported", form="dify")


@router.post("/dify/retrieval", response_model=RecordList, responses=_RESPONSES)
@router.post("/retrieval", response_model=RecordList, responses=_RESPONSES)
async def retrieve(request: Request, body: RetrievalRequest, state: ReadyState, access: Reader) -> Response:
    """Finds the passages for a question in the collection that ``knowledge_id`` names."""
    search = body.search()
    try:
        found = await unless_gone(request, state.questions.search(request, search, access))
    except GoneError:
        return gone_response()
    note(request, question=body.query)
    note_stages(request, found["timings"])
    records = records_of(found["passages"], body.retrieval_setting.score_threshold)
    return json_response(records.model_dump())
