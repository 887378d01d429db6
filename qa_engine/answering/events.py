"""The events of an answer in the making: what was found, its text as it comes, its citations, and at the end the whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from llama_index.core.schema import NodeWithScore, QueryType

from qa_engine.answering.answer import Answer, Citation
from qa_engine.retrieval.explanation import Condensation


class Streaming(Enum):
    """What is shown of an answer before it is complete."""

    NOTHING = 0
    TEXT = 1
    """Pieces of text, none of which is ever taken back."""
    EVENTS = 2
    """Events, which may take text back."""


@dataclass(frozen=True)
class QuestionCondensed:
    """A question of a conversation stands alone now."""

    condensation: Condensation


@dataclass(frozen=True)
class PassagesFound:
    """Retrieval is done. The passages are those that the answer may use, best first: ``source_nodes`` of the answer."""

    passages: Sequence[NodeWithScore]


@dataclass(frozen=True)
class TextAdded:
    """The text of the answer goes on with this piece."""

    text: str


@dataclass(frozen=True)
class TextReplaced:
    """All text so far is taken back, and so are its citations; this stands in its place.

    Attributes:
        text: the text of the answer now; it may go on.
        reason: ``refusal`` if it is the refusal, ``repair`` for any other text.
    """

    text: str
    reason: Literal["repair", "refusal"]


@dataclass(frozen=True)
class CitationAdded:
    """The text so far refers to this passage. The citation is complete, boxes included."""

    citation: Citation


@dataclass(frozen=True)
class AnswerFinished:
    """The last event."""

    answer: Answer


AnswerEvent: TypeAlias = (
    QuestionCondensed | PassagesFound | TextAdded | TextReplaced | CitationAdded | AnswerFinished
)


@runtime_checkable
class StreamsEvents(Protocol):
    """A synthesizer that can take back text that it has shown, and tells of its citations as they come."""

    def stream_events(
        self, query: QueryType, nodes: Sequence[NodeWithScore]
    ) -> Generator[str | AnswerEvent | Answer, None, None]:
        """Pieces of text and events, then the answer, to a question from passages, best first."""

    def astream_events(
        self, query: QueryType, nodes: Sequence[NodeWithScore]
    ) -> AsyncGenerator[str | AnswerEvent | Answer, None]:
        """`stream_events` for ``async for``; itself it is not awaited."""


class _Course:
    """Makes events out of pieces of text, events and the answer, such that they agree with each other.

    The pieces of text after the last replaced text, joined to it, are the text of the answer; and the citations after it,
    each told once, are those of the answer. What the answer has beyond what was told is told before it.
    """

    def __init__(self) -> None:
        self._text = ""
        self._citations: list[Citation] = []

    def events(self, item: str | AnswerEvent | Answer) -> Iterator[AnswerEvent]:
        """The events of the next item."""
        match item:
            case str() | TextAdded():
                event = TextAdded(item) if isinstance(item, str) else item
                self._text += event.text
                if event.text:
                    yield event
            case TextReplaced():
                self._text, self._citations = item.text, []
                yield item
            case CitationAdded():
                if all(item.citation.number != one.number for one in self._citations):
                    self._citations.append(item.citation)
                    yield item
            case Answer():
                yield from self._rest(item)
                yield AnswerFinished(item)
            case _:
                yield item

    def _rest(self, answer: Answer) -> Iterator[AnswerEvent]:
        text = answer.response or ""
        told = all(citation in answer.citations for citation in self._citations)
        if not told or not text.startswith(self._text):
            yield from self.events(TextReplaced(text, "refusal" if answer.refused else "repair"))
        yield from self.events(text.removeprefix(self._text))
        for citation in answer.citations:
            yield from self.events(CitationAdded(citation))


def events_of(items: Generator[Any, None, None]) -> Generator[AnswerEvent, None, None]:
    """The events of an answer.

    Args:
        items: pieces of text and events as a synthesizer shows them, then the answer.
    """
    course = _Course()
    with closing(items):
        for item in items:
            yield from course.events(item)


async def aevents_of(items: AsyncGenerator[Any, None]) -> AsyncGenerator[AnswerEvent, None]:
    """`events_of` for ``async for``."""
    course = _Course()
    async with aclosing(items):
        async for item in items:
            for event in course.events(item):
                yield event
