"""Conversations that the server keeps, and their questions."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field

from qa_engine.server.access import Reader
from qa_engine.server.asking.bodies import ANSWER_RESPONSE, AnswerBody
from qa_engine.server.asking.conversations.store import Conversation, WholeConversation
from qa_engine.server.asking.requests import Body, MessageRequest, Name
from qa_engine.server.asking.responses import answer_response, wants_events
from qa_engine.server.problems import problem_responses
from qa_engine.server.routes.questions.ask import PROBLEMS_OF_ANSWERS
from qa_engine.server.state import ReadyState, State

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])
ConversationId = Annotated[str, PathParameter(max_length=64, description="The id of a conversation.")]


class ConversationRequest(Body):
    """A conversation to begin.

    Attributes:
        title: its title; its first question if there is none.
        collections: that are asked if a question names none; those of the server if there are none.
    """

    title: Annotated[str, Field(max_length=200)] = ""
    collections: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)


class ConversationList(BaseModel):
    """A part of the conversations, the newest first.

    Attributes:
        data: the conversations.
        next_cursor: where the next part begins; null behind the oldest.
    """

    data: list[Conversation]
    next_cursor: str | None


@router.post("", status_code=201, responses=problem_responses("not_found", "storage_unavailable"))
async def begin(body: ConversationRequest, state: State, access: Reader, response: Response) -> Conversation:
    """Begins a conversation; questions of it may lean on those before. It belongs to the key."""
    access.require(body.collections)
    begun = await to_thread.run_sync(
        state.conversations.store.begin, access.name, body.title, body.collections
    )
    response.headers["Location"] = f"/api/v1/conversations/{begun.id}"
    return begun


@router.get("", responses=problem_responses("storage_unavailable"))
async def conversations(
    state: State,
    access: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
) -> ConversationList:
    """Lists the conversations of the key, the newest first."""
    before = None if cursor is None else int(cursor)
    found, following = await to_thread.run_sync(state.conversations.store.latest, access.name, limit, before)
    return ConversationList(data=found, next_cursor=None if following is None else str(following))


@router.get("/{conversation_id}", responses=problem_responses("not_found", "storage_unavailable"))
async def conversation(
    conversation_id: ConversationId,
    state: State,
    access: Reader,
    turns: Annotated[int, Query(ge=1, le=1000, description="Number of the last turns to show.")] = 100,
) -> WholeConversation:
    """Shows a conversation with its last turns."""
    return await to_thread.run_sync(state.conversations.store.show, access.name, conversation_id, turns)


@router.delete(
    "/{conversation_id}",
    status_code=204,
    responses=problem_responses("not_found", "conversation_busy", "storage_unavailable"),
)
async def delete(conversation_id: ConversationId, state: State, access: Reader) -> Response:
    """Deletes a conversation. Its answers stay for their time."""
    await state.conversations.delete(access.name, conversation_id)
    return Response(status_code=204)


@router.post(
    "/{conversation_id}/messages",
    response_model=AnswerBody,
    responses=problem_responses(*PROBLEMS_OF_ANSWERS) | ANSWER_RESPONSE,
)
async def ask(
    request: Request, conversation_id: ConversationId, body: MessageRequest, state: ReadyState, access: Reader
) -> Response:
    """Answers the next question of a conversation, as ``/api/v1/ask`` does."""
    events = wants_events(request, body.stream)
    dialogue = await state.conversations.question(access.name, conversation_id)
    running = await state.questions.ask(request, body, access, events, dialogue)
    return await answer_response(request, running, events)
