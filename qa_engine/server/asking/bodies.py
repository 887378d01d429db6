"""The bodies of answers and searches, for the OpenAPI document. docs/json.md says what their fields mean."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from qa_engine.retrieval.page_trace import Outcome, PartOutcome, Unsearched
from qa_engine.server.asking.responses import EVENT_STREAM
from qa_engine.server.documents.unread_pages import UnreadPage

Seconds = dict[str, float]
LastEventId = Annotated[str | None, Header(description="The id of the last event that is known.")]


class Strict(BaseModel):
    """A body with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class BoxBody(Strict):
    """A rectangle on a page, in PDF points from the top left corner."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class PageLink(Strict):
    """A cited page, and the address of its image."""

    page: int
    image: str


class CitationBody(Strict):
    """A citation of an answer, see ``qa_engine.answering.answer.Citation``.

    Attributes:
        file_id: of the file within its collection; null for a text of no file.
        url: address of the citation for people; null for a text of no file.
        pages: the cited pages.
    """

    number: int
    file: str
    page: int
    page_end: int
    text: str
    boxes: list[BoxBody]
    score: float | None
    node_id: str
    section: str
    page_label: str
    place: str
    id: str
    collection: str
    identity: dict[str, Any]
    file_id: str | None
    url: str | None
    pages: list[PageLink]


class PassageBody(Strict):
    """A passage, see ``docs/json.md``.

    Attributes:
        file_id: of the file within its collection; null for a text of no file.
        url: address of the passage for people, as that of a citation; null for a text of no file.
        pages: that it is on.
    """

    rank: int
    node_id: str
    file: str
    page: int | None
    page_end: int | None
    place: str
    text: str
    sentence: str | None
    section: str
    statement: str
    tables: list[str]
    collection: str
    metadata: dict[str, Any]
    identity: dict[str, Any]
    score: float | None
    scores: dict[str, float]
    file_id: str | None
    url: str | None
    pages: list[PageLink]


class UsageBody(Strict):
    """Tokens of the language model."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class NearestBody(Strict):
    """What the documents hold, nearest to what a question named and they do not hold."""

    text: str
    kind: str
    value: str
    file: str


class AnswerBody(Strict):
    """An answer: the object of ``ask --json``, its ids, and links in its citations.

    Attributes:
        answer: the text, or the refusal.
        refused: whether it is the refusal.
        explanation: how the passages came about; only if it was asked for.
        answer_id: names the answer for as long as it is kept.
        request_id: of the request that asked, in the log of the server.
    """

    question: str
    answer: str
    refused: bool
    probability: float | None
    citations: list[CitationBody]
    unsupported: list[str]
    unverified: bool
    foreign: bool
    repaired: bool
    usage: UsageBody | None
    cost: float | None
    nearest: list[NearestBody]
    glosses: list[dict[str, Any]]
    passages: list[PassageBody]
    timings: Seconds
    models: dict[str, str]
    explanation: dict[str, Any] | None = None
    answer_id: str
    request_id: str


class SearchBody(Strict):
    """The passages for a question: the object of ``ask --search-only --json``."""

    question: str
    answer: None
    refused: None
    probability: None
    citations: Annotated[list[CitationBody], Field(max_length=0)]
    passages: list[PassageBody]
    timings: Seconds
    models: dict[str, str]
    explanation: dict[str, Any] | None = None


class ListTraceBody(Strict):
    """The best sentence of a page in one list, see ``qa_engine.retrieval.page_trace.ListTrace``."""

    stage: str
    query: str
    rank: int | None
    score: float | None
    last: float | None
    size: int
    sentence: str


class PartTraceBody(Strict):
    """How far a page came for a question or a part of it, see ``qa_engine.retrieval.page_trace.PartTrace``."""

    part: str
    outcome: PartOutcome
    lists: list[ListTraceBody]
    fused: int | None
    passage: int | None
    rerank: int | None
    rank: int | None
    matched: list[str]
    lacking: list[str]


class PageSearchBody(Strict):
    """Whether a page is among the passages for a question, and if not, where it got lost: see `docs/server.md`.

    Attributes:
        file: name of the file.
        page: its number, from 1.
        pages: how many pages the file has.
        unread: why nothing of the page is in the index; null if something is.
    """

    outcome: Outcome | Unsearched
    rank: int | None
    needed_top_k: int | None
    top_k: int
    candidates: int
    sentences: int
    parts: list[PartTraceBody]
    file: str
    page: int
    pages: int
    unread: UnreadPage | None


_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data", "id"],
    "properties": {
        "event": {"enum": ["start", "passages", "delta", "citation", "replace", "done", "error"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "Of `done` the answer, of `error` a problem object; docs/server.md describes the others.",
        },
        "id": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    },
}
ANSWER_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, which may be the refusal; or its events, the last of which holds it",
        "content": {EVENT_STREAM: {"itemSchema": _EVENT_SCHEMA}},
    }
}
"""What a route answers that has `AnswerBody` as its model."""
