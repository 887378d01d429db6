"""OpenAI's protocol: the models, and chat completions."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_engine.server.access import Access, Reader
from qa_engine.server.asking.course import Dialogue
from qa_engine.server.clients.openai.bodies import COMPLETION_RESPONSE, ChatCompletionBody
from qa_engine.server.clients.openai.completions import Completion, Presentation
from qa_engine.server.clients.openai.models import Model, ModelList, collections_of, models_of, no_model
from qa_engine.server.clients.openai.requests import (
    ChatCompletionRequest,
    dialogue_of,
    question_of,
    require_supported,
)
from qa_engine.server.clients.openai.responses import completion_response
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.questions.ask import PROBLEMS_OF_ANSWERS
from qa_engine.server.state import ReadyState, ServerState, State

router = APIRouter(tags=["openai"])
PROBLEMS_OF_COMPLETIONS = problem_responses(*PROBLEMS_OF_ANSWERS, "unsupported", form="openai")
PROBLEMS_OF_MODELS = problem_responses("storage_unavailable", form="openai")
PROBLEMS_OF_A_MODEL = problem_responses("not_found", "storage_unavailable", form="openai")
_POINTERS = {"#/question": "#/messages", "#/filters": "#/qa_engine/filters"}


@router.get("/v1/models", responses=PROBLEMS_OF_MODELS)
async def models(state: State, access: Reader) -> ModelList:
    """Lists the models: ``qa-engine`` for the default collections, and one for each collection that the key may see."""
    return ModelList(data=await offered_models(state, access))


@router.get("/v1/models/{model:path}", responses=PROBLEMS_OF_A_MODEL)
async def model(model: str, state: State, access: Reader) -> Model:
    """Shows a model."""
    return await offered_model(model, state, access)


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletionBody,
    responses=PROBLEMS_OF_COMPLETIONS | COMPLETION_RESPONSE,
)
async def complete(
    request: Request, body: ChatCompletionRequest, state: ReadyState, access: Reader
) -> Response:
    """Answers the last message in Chinese with citations, or refuses; the messages before it are the conversation."""
    require_supported(body)
    presentation = Presentation(body.qa_engine.citations or state.config.server.openai_citations)
    return await completed(request, body, state, access, presentation, *dialogue_of(body.messages))


async def offered_models(state: ServerState, access: Access) -> list[Model]:
    """The models that a key may ask."""
    names = await state.read_files(state.catalogs.names)
    return models_of(name for name in names if access.sees(name))


async def offered_model(name: str, state: ServerState, access: Access) -> Model:
    """A model that a key may ask.

    Raises:
        ProblemError: ``not_found``.
    """
    found = [one for one in await offered_models(state, access) if one.id == name]
    if not found:
        raise no_model(name)
    return found[0]


async def completed(
    request: Request,
    body: ChatCompletionRequest,
    state: ServerState,
    access: Access,
    presentation: Presentation,
    question: str,
    dialogue: Dialogue,
) -> Response:
    """The completion that a request asks for.

    Args:
        request: of the client.
        body: of the request.
        state: what the routes share, ready.
        access: of the key.
        presentation: how the answer is shown.
        question: that its messages ask.
        dialogue: the messages before.

    Raises:
        ProblemError: it cannot be asked, or not now.
    """
    named = collections_of(body.model)
    asked = question_of(question, body.qa_engine, named)
    try:
        running = await state.questions.ask(request, asked, access, False, dialogue)
    except ProblemError as problem:
        _name_fields(problem, "#/model" if named else "#/qa_engine/collections")
        raise
    completion = Completion(running.answer_id, body.model)
    stream = bool(body.stream)
    return await completion_response(request, running, completion, presentation, stream, body.counts_usage)


def _name_fields(problem: ProblemError, collections: str) -> None:
    """Names the fields of a problem as this protocol does."""
    if problem.code == "not_found":
        problem.members["errors"] = [{"pointer": collections, "detail": problem.detail}]
    for error in problem.members.get("errors", ()):
        error["pointer"] = _POINTERS.get(error["pointer"], error["pointer"])
