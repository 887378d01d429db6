"""Test questions: what evaluations ask."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, field_validator

from qa_engine.server.access import Access, Writer
from qa_engine.server.asking.feedback import Expected
from qa_engine.server.asking.requests import Body, Name, asked_collections
from qa_engine.server.evaluation.questions import KeptQuestion, QuestionSet
from qa_engine.server.problems import problem_responses
from qa_engine.server.state import ServerState, State
from qa_engine.text.one_line import is_text

router = APIRouter(prefix="/api/v1/evaluation", tags=["evaluation"])
QuestionId = Annotated[str, PathParameter(max_length=64, description="The id of a test question.")]
_LINES = "application/x-ndjson"


class QuestionRequest(Body):
    """A test question to add.

    Attributes:
        question: as it is asked.
        collections: that it is asked of; those of the server if none is named.
        expected: the file, the page and the words that answer it, or that the documents do not.
    """

    question: Annotated[str, Field(min_length=1, max_length=10_000)]
    collections: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)
    expected: Expected

    @field_validator("question")
    @classmethod
    def _asked(cls, question: str) -> str:
        if not question.strip():
            raise ValueError("it is empty")
        if not is_text(question):
            raise ValueError("it holds lone surrogates, which are no text")
        return question.strip()

    @field_validator("expected")
    @classmethod
    def _known(cls, expected: Expected) -> Expected:
        if expected.labels is None:
            raise ValueError("name the file, the text, or unanswerable")
        if not all(is_text(text) for text in (expected.file, expected.text) if text is not None):
            raise ValueError("it holds lone surrogates, which are no text")
        return expected


class QuestionList(BaseModel):
    """A part of the test questions, the newest first.

    Attributes:
        data: the questions.
        next_cursor: where the next part begins; null behind the oldest.
        sets: how many there are of which collections, in all parts.
    """

    data: list[KeptQuestion]
    next_cursor: str | None
    sets: list[QuestionSet]


@router.post(
    "/questions",
    status_code=201,
    responses=problem_responses("not_found", "read_only", "storage_unavailable")
    | {200: {"model": KeptQuestion, "description": "There was such a question already"}},
)
async def add(body: QuestionRequest, state: State, access: Writer, response: Response) -> KeptQuestion:
    """Adds a test question. One with the same words, collections and label is not added again."""
    question, new = await kept(body, state, access)
    if not new:
        response.status_code = 200
    return question


async def kept(body: QuestionRequest, state: ServerState, access: Access) -> tuple[KeptQuestion, bool]:
    """Keeps a test question, see `QuestionStore.add`.

    Raises:
        ProblemError: ``not_found``: there is no such collection.
    """
    collections = asked_collections(body.collections, state.engines.default, access.collections)
    access.require(collections)
    for name in collections:
        await state.read_files(state.catalogs.require, name)
    return await to_thread.run_sync(state.test_questions.add, body.question, collections, body.expected)


@router.get("/questions", responses=problem_responses("storage_unavailable"))
async def questions(
    state: State,
    access: Writer,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
) -> QuestionList:
    """Lists the test questions of the collections that the key may see, the newest first."""
    before = None if cursor is None else int(cursor)
    found, following = await to_thread.run_sync(state.test_questions.latest, access, limit, before)
    sets = await to_thread.run_sync(state.test_questions.sets, access)
    return QuestionList(data=found, next_cursor=None if following is None else str(following), sets=sets)


@router.get(
    "/questions.jsonl",
    response_class=StreamingResponse,
    responses=problem_responses("storage_unavailable")
    | {
        200: {
            "description": "A JSON object a line, as `qa-engine evaluate` reads them",
            "content": {_LINES: {"schema": {"type": "string"}}},
        }
    },
)
async def lines(
    state: State,
    access: Writer,
    collection: Annotated[
        list[Name] | None, Query(max_length=100, description="Only questions of exactly these collections.")
    ] = None,
) -> StreamingResponse:
    """Tells the test questions of the collections that the key may see."""
    headers = {"Content-Disposition": 'attachment; filename="questions.jsonl"'}
    return StreamingResponse(
        state.test_questions.lines(access, collection or ()), media_type=_LINES, headers=headers
    )


@router.delete(
    "/questions/{question_id}",
    status_code=204,
    responses=problem_responses("not_found", "read_only", "storage_unavailable"),
)
async def delete(question_id: QuestionId, state: State, access: Writer) -> Response:
    """Deletes a test question."""
    await to_thread.run_sync(state.test_questions.delete, access, question_id)
    return Response(status_code=204)
