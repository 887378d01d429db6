"""The body of a chat completion, and what is asked in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from llama_index.core.base.llms.types import ChatMessage
from pydantic import BaseModel, ConfigDict, Field

from qa_engine.conversation.turns import turns_of
from qa_engine.server.asking.course import Dialogue
from qa_engine.server.asking.requests import (
    MAX_FILTERS,
    Body,
    Condition,
    Filters,
    MessageRequest,
    Name,
)
from qa_engine.server.clients.openai.sources import without_source_list
from qa_engine.server.problems import ProblemError

Citations = Literal["markdown", "none"]
_SPOKEN = frozenset({"system", "developer", "user", "assistant"})


class _Open(BaseModel):
    """A part of a body whose other fields are ignored: clients send many that mean nothing here."""

    model_config = ConfigDict(extra="allow")


class ContentPart(_Open):
    """A part of a message. Only those of the type ``text`` are read."""

    type: str
    text: str | None = None


class ChatCompletionMessage(_Open):
    """A message of the conversation.

    Attributes:
        role: ``user``, ``assistant``, or ``system`` and ``developer``, which are ignored.
        content: its text, whole or in parts.
        tool_calls: refused.
    """

    role: str
    content: str | list[ContentPart] | None = None
    tool_calls: list[Any] | None = None


class StreamOptions(_Open):
    """How a stream ends.

    Attributes:
        include_usage: whether its last chunk has the tokens of the language model.
    """

    include_usage: bool | None = None


class ResponseFormat(_Open):
    """The form of the answer, which must be ``text``."""

    type: str


class Extension(Body):
    """What OpenAI's protocol has no field for.

    Attributes:
        collections: that are asked, instead of that of the model.
        filters: as those of ``/api/v1/ask``.
        top_k: number of passages to answer from.
        explain: whether the answer says how its passages came about.
        citations: whether a list of sources is written below the answer (``markdown``) or not (``none``).
    """

    collections: Annotated[list[Name], Field(max_length=100)] | None = None
    filters: Annotated[list[Condition], Field(max_length=MAX_FILTERS)] | Filters | None = None
    top_k: Annotated[int, Field(ge=1, le=1000)] | None = None
    explain: bool = False
    citations: Citations | None = None


class ChatCompletionRequest(_Open):
    """A question in the form of a chat completion. Fields that are not listed are ignored.

    Attributes:
        model: ``qa-engine``, or ``qa-engine/COLLECTION``.
        messages: the last one is the question, those before are the conversation.
        stream: whether the answer comes as server-sent events.
        n: number of answers, which must be 1.
        tools: refused, as are ``functions``.
        response_format: of the type ``text``; others are refused.
        modalities: ``text`` alone.
        logprobs: refused.
        qa_engine: what OpenAI's protocol has no field for.
    """

    model: Annotated[str, Field(max_length=300)]
    messages: Annotated[list[ChatCompletionMessage], Field(min_length=1, max_length=2000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    logprobs: bool | None = None
    qa_engine: Extension = Field(default_factory=Extension)

    @property
    def counts_usage(self) -> bool:
        """Whether the last chunk of a stream has the tokens."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)


def require_supported(body: ChatCompletionRequest, ignores_tools: bool = False) -> None:
    """Refuses what would change the answer and is not offered.

    Args:
        body: of the request.
        ignores_tools: whether tools are offered by the client in any case, and are not missed.

    Raises:
        ProblemError: ``unsupported``.
    """
    faults: Mapping[str, bool] = {
        "tools": bool(body.tools) and not ignores_tools,
        "functions": bool(body.functions) and not ignores_tools,
        "response_format": body.response_format is not None and body.response_format.type != "text",
        "n": body.n is not None and body.n != 1,
        "modalities": bool(body.modalities) and body.modalities != ["text"],
        "logprobs": bool(body.logprobs),
    }
    reasons = {
        "tools": "Tools are not called: answers come from the documents alone.",
        "functions": "Functions are not called: answers come from the documents alone.",
        "response_format": "Answers are text; the object qa_engine of the response holds them as JSON.",
        "n": "There is one answer to a question.",
        "modalities": "Answers are text.",
        "logprobs": "There are no probabilities of tokens.",
    }
    for name, fault in faults.items():
        if fault:
            raise unsupported(f"#/{name}", reasons[name])


def dialogue_of(messages: Sequence[ChatCompletionMessage]) -> tuple[str, Dialogue]:
    """The question, and the conversation that it belongs to.

    Args:
        messages: of a request.

    Raises:
        ProblemError: ``unsupported``: one has other content than text, or the last one is not the user's.
    """
    spoken = list(_spoken(messages))
    if not spoken or spoken[-1].role != "user":
        raise unsupported("#/messages", "The last message is not the user's.", "Send a question last.")
    *before, last = spoken
    turns = tuple(turns_of(before)) if before else None
    return last.content or "", Dialogue(turns=turns)


def question_of(question: str, extension: Extension, collections: Sequence[str] | None) -> MessageRequest:
    """The question for the engine.

    Args:
        question: its text; it is checked later.
        extension: the fields that OpenAI's protocol does not have.
        collections: that the model names; None for those of the server.

    Raises:
        ProblemError: ``invalid_request``: the model and the extension both name collections.
    """
    if collections and extension.collections:
        fault = "The model names a collection, and qa_engine.collections does as well."
        raise ProblemError(
            "invalid_request",
            fault,
            "Leave one of them out: the model qa-engine goes with any collections.",
            errors=[{"pointer": "#/qa_engine/collections", "detail": fault}],
        )
    return MessageRequest.model_construct(
        question=question,
        collections=list(collections) if collections else extension.collections,
        filters=extension.filters,
        top_k=extension.top_k,
        explain=extension.explain,
        stream=None,
        answer_id=None,
    )


def unsupported(pointer: str, detail: str, fix: str = "") -> ProblemError:
    """The problem of a field that asks for what is not offered.

    Args:
        pointer: to the field.
        detail: what is not offered.
        fix: what mends it, instead of leaving the field out.
    """
    return ProblemError("unsupported", detail, fix, errors=[{"pointer": pointer, "detail": detail}])


def _spoken(messages: Sequence[ChatCompletionMessage]) -> Iterator[ChatMessage]:
    """The messages of user and assistant, those of the assistant without their list of sources."""
    for number, message in enumerate(messages):
        pointer = f"#/messages/{number}"
        if message.role not in _SPOKEN:
            raise unsupported(f"{pointer}/role", f"Messages of the role {message.role[:40]!r} are not read.")
        if message.role in {"system", "developer"}:
            continue
        if message.tool_calls:
            raise unsupported(f"{pointer}/tool_calls", "Tools are not called.")
        text = _text(message, pointer)
        yield ChatMessage(
            role=message.role, content=without_source_list(text) if message.role == "assistant" else text
        )


def _text(message: ChatCompletionMessage, pointer: str) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    for number, part in enumerate(message.content):
        if part.type != "text":
            raise unsupported(
                f"{pointer}/content/{number}",
                f"Content of the type {part.type[:40]!r} is not read.",
                "Send text alone; upload documents to a collection.",
            )
    return "\n".join(part.text or "" for part in message.content)
