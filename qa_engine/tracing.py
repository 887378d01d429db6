"""Reports questions, searches and answers to LlamaIndex's two systems, its callbacks and its instrumentation.

LlamaIndex's span decorator ends its span when a method returns. A stream has not begun by then, so streams get their span
from `traced` and `atraced`.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, closing, contextmanager
from contextvars import copy_context
from typing import Any, TypeVar
from uuid import uuid4

from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.instrumentation.events.query import QueryEndEvent, QueryStartEvent
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.schema import QueryBundle, QueryType
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.dispatcher import active_instrument_tags
from llama_index_instrumentation.events.span import SpanDropEvent
from llama_index_instrumentation.span import active_span_id

dispatcher = get_dispatcher(__name__)
T = TypeVar("T")
Done = Callable[[Any], None]
"""Takes the result and ends the events."""


@contextmanager
def question_events(manager: CallbackManager, query: QueryType) -> Iterator[Done]:
    """The events around a question, those of LlamaIndex's `BaseQueryEngine.query`."""
    dispatcher.event(QueryStartEvent(query=query))
    with _event(manager, CBEventType.QUERY, query, EventPayload.RESPONSE, QueryEndEvent) as done:
        yield done


@contextmanager
def retrieval_event(manager: CallbackManager, query: QueryType) -> Iterator[Done]:
    """The event of a search, which is a trace of its own unless it is part of one."""
    with _event(manager, CBEventType.RETRIEVE, query, EventPayload.NODES) as done:
        yield done


@contextmanager
def synthesis_events(manager: CallbackManager, query: QueryBundle) -> Iterator[Done]:
    """The events around a synthesis, those of LlamaIndex's `BaseSynthesizer.synthesize`.

    It is a trace of its own unless it is part of one. Without a trace, that of the call of the model inside would clear
    LlamaIndex's stack of events, the end of the synthesis would take one too many from it, and no later question of the
    process would be reported as a trace.
    """
    dispatcher.event(SynthesizeStartEvent(query=query))
    with _event(manager, CBEventType.SYNTHESIZE, query, EventPayload.RESPONSE, SynthesizeEndEvent) as done:
        yield done


@contextmanager
def _event(
    manager: CallbackManager,
    kind: CBEventType,
    query: QueryType,
    result: EventPayload,
    end: Callable[..., BaseEvent] | None = None,
) -> Iterator[Done]:
    text = query if isinstance(query, str) else query.query_str
    with (
        manager.as_trace("query"),
        manager.event(kind, payload={EventPayload.QUERY_STR: text}) as event,
    ):

        def done(value: Any) -> None:
            event.on_end(payload={result: value})
            if end is not None:
                dispatcher.event(end(query=query, response=value))

        yield done


def traced(
    owner: Any, name: str, question: str, pieces: Generator[str | T, None, None]
) -> Generator[str | T, None, None]:
    """Yields the pieces of an answer, in a span from the first to the last; code of the caller between them is not in it.

    Args:
        owner: the object with the method that the span is named after.
        name: name of the method.
        question: the question.
        pieces: text, then the answer.
    """
    with _StreamSpan(owner, name, question).open() as span, closing(pieces):
        while True:
            with span.active():
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            span.observe(piece)
            yield piece


async def atraced(
    owner: Any, name: str, question: str, pieces: AsyncGenerator[str | T, None]
) -> AsyncGenerator[str | T, None]:
    """`traced` for ``async for``."""
    with _StreamSpan(owner, name, question).open() as span:
        async with aclosing(pieces):
            while True:
                with span.active():
                    try:
                        piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                span.observe(piece)
                yield piece


class _StreamSpan:
    """A span that is the current one only while a piece is made."""

    def __init__(self, owner: Any, name: str, question: str) -> None:
        self._id = f"{type(owner).__name__}.{name}-{uuid4()}"
        arguments = inspect.signature(_arguments).bind(question)
        self._facts: dict[str, Any] = {"id_": self._id, "bound_args": arguments, "instance": owner}
        self._answer: Response | None = None

    def observe(self, piece: Any) -> None:
        """Remembers the piece that is the answer."""
        if isinstance(piece, Response):
            self._answer = piece

    @contextmanager
    def open(self) -> Iterator[_StreamSpan]:
        """Begins the span, and ends it after the stream, also if that is closed early. If it fails, the span is dropped."""
        # In a context of its own, because handlers may make the span the current one, and between the pieces it is not.
        parent, tags = active_span_id.get(), active_instrument_tags.get()
        copy_context().run(dispatcher.span_enter, **self._facts, parent_id=parent, tags=tags)
        try:
            yield self
        except BaseException as error:
            if isinstance(error, GeneratorExit):
                self._end()
            else:
                dispatcher.event(SpanDropEvent(span_id=self._id, err_str=str(error)))
                dispatcher.span_drop(**self._facts, err=error)
            raise
        self._end()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Makes the span the current one."""
        token = active_span_id.set(self._id)
        try:
            yield
        finally:
            active_span_id.reset(token)

    def _end(self) -> None:
        with self.active():
            dispatcher.span_exit(**self._facts, result=self._answer)


def _arguments(question: str) -> None:
    """The signature that the arguments of a span are bound to."""
