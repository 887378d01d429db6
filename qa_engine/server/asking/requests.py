"""The bodies of questions and searches, and what they mean for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)
from pydantic import BaseModel, ConfigDict, Field, model_validator

from qa_engine.config import Config
from qa_engine.conversation.turns import Turn, turns_of
from qa_engine.errors import InputError
from qa_engine.retrieval.filters.expressions import parse_filters
from qa_engine.server.problems import ProblemError
from qa_engine.text.one_line import is_text

MAX_FILTERS = 200
"""Filters of one question, and of one group of them."""
_MAX_DEPTH = 5

Name = Annotated[str, Field(min_length=1, max_length=200)]
AnswerId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", description="8 to 64 characters of A-Z a-z 0-9 _ -")
]
Condition = Annotated[
    str, Field(min_length=1, max_length=1000, examples=["file=年报*.pdf", "page=3-10", "year>=2020"])
]


class Body(BaseModel):
    """A body whose unknown fields are refused: a misspelt one would change an answer in silence."""

    model_config = ConfigDict(extra="forbid")


class Filter(Body):
    """A filter of LlamaIndex.

    Attributes:
        key: ``file``, ``section``, ``page``, or a key of the files' metadata.
        value: one value, or with ``in`` and ``nin`` a list.
        operator: the comparison.
    """

    key: Name
    value: str | int | float | list[str | int | float] | None = None
    operator: FilterOperator = FilterOperator.EQ


class Filters(Body):
    """Several filters, as LlamaIndex's ``MetadataFilters``.

    Attributes:
        filters: the filters, which may be groups of filters.
        condition: how they are joined.
    """

    filters: list[Filter | Filters] = Field(max_length=MAX_FILTERS)
    condition: FilterCondition = FilterCondition.AND

    def to_llamaindex(self, depth: int = 1) -> MetadataFilters:
        """The filters for the engine.

        Raises:
            InputError: they are nested too deeply.
        """
        if depth > _MAX_DEPTH:
            raise InputError(f"The filters are nested more than {_MAX_DEPTH} deep: write fewer groups.")
        parts: list[MetadataFilter | MetadataFilters] = [
            MetadataFilter(key=one.key, value=one.value, operator=one.operator)
            if isinstance(one, Filter)
            else one.to_llamaindex(depth + 1)
            for one in self.filters
        ]
        return MetadataFilters(filters=parts, condition=self.condition)


class Message(Body):
    """A message of a conversation that the client keeps."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=100_000)]


class SearchRequest(Body):
    """A question whose passages are wanted.

    Attributes:
        question: in Chinese or English.
        collections: that are searched; those of the server if none is named.
        filters: conditions as ``--filter`` takes them, all of which must hold; or filters of LlamaIndex.
        top_k: number of passages; 10 if it is not named.
        explain: whether ``explanation`` is wanted: the queries, and the rank of each passage in every stage.
    """

    question: Annotated[str, Field(min_length=1)]
    collections: Annotated[list[Name], Field(max_length=100)] | None = None
    filters: Annotated[list[Condition], Field(max_length=MAX_FILTERS)] | Filters | None = None
    top_k: Annotated[int, Field(ge=1, le=1000)] | None = None
    explain: bool = False

    def checked(self, config: Config) -> None:
        """Refuses a question that the engine would refuse, before anything is done for it.

        Raises:
            ProblemError: ``invalid_request``.
        """
        limit = config.retrieval.max_question_chars
        if not self.question.strip():
            fault = "The question is empty."
        elif not is_text(self.question):
            fault = "The question holds lone surrogates, which are no text."
        elif len(self.question) > limit:
            fault = f"The question has {len(self.question)} characters, more than {limit}."
        else:
            return
        raise ProblemError(
            "invalid_request", fault, "Ask a shorter question, in UTF-8.", errors=[_at("#/question", fault)]
        )

    def conditions(self) -> MetadataFilters | None:
        """The filters for the engine.

        Raises:
            ProblemError: ``invalid_request``: one of them cannot be read.
        """
        try:
            if isinstance(self.filters, Filters):
                return self.filters.to_llamaindex()
            return parse_filters(self.filters or ())
        except InputError as error:
            raise ProblemError(
                "invalid_request", str(error), errors=[_at("#/filters", str(error))]
            ) from error


class PageSearchRequest(SearchRequest):
    """A question, and a page that one expects among its passages. ``explain`` changes nothing.

    Attributes:
        collection: that holds the file; it need not be one of those that are searched.
        file_id: of the file.
        page: its number, from 1.
    """

    collection: Name
    file_id: Annotated[str, Field(min_length=1, max_length=64)]
    page: Annotated[int, Field(ge=1, le=1_000_000)]


class MessageRequest(SearchRequest):
    """A question of a conversation that the server keeps.

    Attributes:
        top_k: number of passages to answer from; ``answering.passages`` if it is not named.
        stream: whether the answer comes as server-sent events; if it is not named, the header ``Accept`` decides.
        answer_id: names the answer, so that a lost stream can be taken up again; one is made if it is not named.
    """

    stream: bool | None = None
    answer_id: AnswerId | None = None


class AskRequest(MessageRequest):
    """A question.

    Attributes:
        conversation_id: of the conversation that it belongs to, which the server keeps.
        history: messages before it, the oldest first, of a conversation that the client keeps.
    """

    conversation_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    history: Annotated[list[Message], Field(max_length=1000)] | None = None

    @model_validator(mode="after")
    def _one_conversation(self) -> AskRequest:
        if self.history is not None and self.conversation_id is not None:
            raise ValueError("conversation_id and history exclude each other")
        return self

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of ``history``."""
        messages = (ChatMessage(role=one.role, content=one.content) for one in self.history or ())
        return tuple(turns_of(messages))


def asked_collections(
    named: Sequence[str] | None, default: Sequence[str], limited: frozenset[str] | None
) -> tuple[str, ...]:
    """The collections that a request asks.

    Args:
        named: those that it names.
        default: those of the server.
        limited: those that its key is limited to; None for all.
    """
    if named:
        return tuple(dict.fromkeys(named))
    if limited is None:
        return tuple(default)
    return tuple(name for name in default if name in limited) or tuple(sorted(limited))


def _at(pointer: str, detail: str) -> dict[str, Any]:
    return {"pointer": pointer, "detail": detail}
