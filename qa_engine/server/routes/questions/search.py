"""Passages for a question, without an answer; and why a page is not among them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_engine.index.records import FileRecord
from qa_engine.server.access import Reader
from qa_engine.server.access_log import note
from qa_engine.server.asking.bodies import PageSearchBody, SearchBody
from qa_engine.server.asking.notes import note_stages
from qa_engine.server.asking.requests import PageSearchRequest, SearchRequest
from qa_engine.server.asking.responses import GoneError, gone_response, json_response, unless_gone
from qa_engine.server.documents.originals import Original
from qa_engine.server.documents.unread_pages import why_unread
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.state import ReadyState, ServerState

router = APIRouter(tags=["questions"])
PROBLEMS_OF_SEARCHES = (
    *(
        "not_found",
        "nothing_ingested",
        "queue_full",
        "model_unavailable",
        "storage_unavailable",
        "storage_busy",
    ),
    *("misconfigured", "model_timeout"),
)
"""Codes of what can go wrong with a search."""


@router.post(
    "/api/v1/search",
    response_model=SearchBody,
    responses=problem_responses(*PROBLEMS_OF_SEARCHES),
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


@router.post(
    "/api/v1/search/page",
    response_model=PageSearchBody,
    responses=problem_responses(*PROBLEMS_OF_SEARCHES, "gone"),
)
async def search_page(
    request: Request,
    body: PageSearchRequest,
    state: ReadyState,
    access: Reader,
) -> Response:
    """Tells whether a search finds a page; if not, in which stage it got lost, and what the last candidate had there."""
    access.require([body.collection])
    record = await state.read_files(_file, state, body)
    try:
        trace = await unless_gone(request, state.questions.search_page(body, access, record))
    except GoneError:
        return gone_response()
    unread = None
    if trace.outcome == "no_sentences":
        original = await state.read_files(_original, state, record)
        unread = await why_unread(state.images, original, record, body.page)
    note(request, question=body.question)
    place = {"file": record.file_name, "page": body.page, "pages": record.pages}
    return json_response(
        {**trace.to_dict(), **place, "unread": None if unread is None else unread.model_dump()}
    )


def _file(state: ServerState, body: PageSearchRequest) -> FileRecord:
    with state.catalogs.opened(body.collection) as catalog:
        return state.catalogs.file(catalog, body.collection, body.file_id)


def _original(state: ServerState, record: FileRecord) -> Original | None:
    try:
        return state.originals.find(record)
    except ProblemError:  # the file is not what was read, or not there: nobody can look at its page
        return None
