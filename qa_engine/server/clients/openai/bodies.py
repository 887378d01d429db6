"""The bodies of completions, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from qa_engine.server.asking.bodies import AnswerBody, UsageBody
from qa_engine.server.asking.responses import EVENT_STREAM


class UrlCitationBody(BaseModel):
    """The source of a mark in the text.

    Attributes:
        url: address of the citation, for people.
        title: file, page and section.
        start_index: of the mark, in code points.
        end_index: behind the mark.
    """

    url: str
    title: str
    start_index: int
    end_index: int


class AnnotationBody(BaseModel):
    """A mark in the text that has a source."""

    type: str
    url_citation: UrlCitationBody


class MessageBody(BaseModel):
    """The answer."""

    role: str
    content: str
    refusal: None
    annotations: list[AnnotationBody]


class ChoiceBody(BaseModel):
    """The only choice."""

    index: int
    message: MessageBody
    logprobs: None
    finish_reason: str


class ChatCompletionBody(BaseModel):
    """An answer as a chat completion.

    Attributes:
        usage: tokens of the language model; 0 without one.
        qa_engine: the answer as ``/api/v1/ask`` sends it.
    """

    id: str
    object: str
    created: int
    model: str
    choices: list[ChoiceBody]
    usage: UsageBody
    qa_engine: AnswerBody | None = None


_CHUNK: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "A chat.completion.chunk, an object with `error`, or at the end `[DONE]`.",
        }
    },
}
COMPLETION_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, which may be the refusal; or its chunks",
        "content": {EVENT_STREAM: {"itemSchema": _CHUNK}},
    }
}
"""What a route answers that has `ChatCompletionBody` as its model."""
