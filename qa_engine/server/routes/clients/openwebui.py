"""OpenAI's protocol as Open WebUI speaks it: the same models, and completions with its events."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request, Response

from qa_engine.server.access import Reader
from qa_engine.server.clients.openai.bodies import COMPLETION_RESPONSE, ChatCompletionBody
from qa_engine.server.clients.openai.completions import Completion
from qa_engine.server.clients.openai.models import Model, ModelList, collections_of
from qa_engine.server.clients.openai.requests import (
    ChatCompletionRequest,
    dialogue_of,
    require_supported,
)
from qa_engine.server.clients.openai.responses import ready_response
from qa_engine.server.clients.openwebui.events import OpenWebUIPresentation
from qa_engine.server.clients.openwebui.tasks import question_in, task_reply
from qa_engine.server.routes.clients.openai import (
    PROBLEMS_OF_A_MODEL,
    PROBLEMS_OF_COMPLETIONS,
    PROBLEMS_OF_MODELS,
    completed,
    offered_model,
    offered_models,
)
from qa_engine.server.state import ReadyState, State

router = APIRouter(prefix="/openwebui/v1", tags=["open webui"])


@router.get("/models", responses=PROBLEMS_OF_MODELS)
async def models(state: State, access: Reader) -> ModelList:
    """Lists the models, as ``/v1/models`` does."""
    return ModelList(data=await offered_models(state, access))


@router.get("/models/{model:path}", responses=PROBLEMS_OF_A_MODEL)
async def model(model: str, state: State, access: Reader) -> Model:
    """Shows a model, as ``/v1/models`` does."""
    return await offered_model(model, state, access)


@router.post(
    "/chat/completions",
    response_model=ChatCompletionBody,
    responses=PROBLEMS_OF_COMPLETIONS | COMPLETION_RESPONSE,
)
async def complete(
    request: Request, body: ChatCompletionRequest, state: ReadyState, access: Reader
) -> Response:
    """Answers as ``/v1/chat/completions`` does, with events; Open WebUI's tasks, such as titles, without a search."""
    require_supported(body, ignores_tools=True)
    question, dialogue = dialogue_of(body.messages)
    reply = task_reply(question)
    if reply is not None:
        collections_of(body.model)
        return ready_response(Completion(secrets.token_urlsafe(16), body.model), reply, bool(body.stream))
    presentation = OpenWebUIPresentation(body.qa_engine.citations or "none")
    return await completed(request, body, state, access, presentation, question_in(question), dialogue)
