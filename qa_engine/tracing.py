"""What LlamaIndex's callbacks and instrumentation are told of questions, those with answers in pieces included.

The decorator of LlamaIndex ends its span when a method returns; a stream has then not begun.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, closing, contextmanager
from contextvars import copy_context
from typing import Any
from uuid import uuid4

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.instrumentation.events.query import QueryEndEvent, QueryStartEvent
from llama_index.core.schema import QueryBundle, QueryType
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import active_instrument_tags
from llama_index_instrumentation.events.span import SpanDropEvent
from llama_index_instrumentation.span import active_span_id

from qa_engine.answering.answer import Answer

dispatcher = get_dispatcher(__name__)


@contextmanager
def query_event(manager: CallbackManager, query: QueryType) -> Iterator[Callable[[Answer], None]]:
    """The callback event of a question. What it yields tells the answer."""
    with _event(manager, CBEventType.QUERY, query, EventPayload.RESPONSE) as done:
        yield done


@contextmanager
def retrieve_event(manager: CallbackManager, query: QueryType) -> Iterator[Callable[[Any], None]]:
    """The callback event of a search, which is a trace where it is not part of one. What it yields tells the nodes."""
    with (
        manager.as_trace("query"),
        _event(manager, CBEventType.RETRIEVE, query, EventPayload.NODES) as done,
    ):
        yield done


@contextmanager
def stream_events(manager: CallbackManager, query: QueryBundle) -> Iterator[Callable[[Answer], None]]:
    """What `BaseQueryEngine.query` tells of a question, and `query_event`, for a stream."""
    dispatcher.event(QueryStartEvent(query=query))
    with manager.as_trace("query"), query_event(manager, query) as done:

        def told(answer: Answer) -> None:
            dispatcher.event(QueryEndEvent(query=query, response=answer))
            done(answer)

        yield told


@contextmanager
def _event(
    manager: CallbackManager, kind: CBEventType, query: QueryType, result: EventPayload
) -> Iterator[Callable[[Any], None]]:
    text = query if isinstance(query, str) else query.query_str
    with manager.event(kind, payload={EventPayload.QUERY_STR: text}) as event:
        yield lambda found: event.on_end(payload={result: found})


def traced(
    owner: Any, name: str, question: str, pieces: Generator[str | Answer, None, None]
) -> Generator[str | Answer, None, None]:
    """The pieces of an answer, with a span from the first to the last. What runs between them is not in it.

    Args:
        owner: whose method the span is named after.
        name: of the method.
        question: that is answered.
        pieces: text, then the answer.
    """
    with _StreamSpan(owner, name, question).open() as span, closing(pieces):
        while True:
            with span.active():
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            span.see(piece)
            yield piece


async def atraced(
    owner: Any, name: str, question: str, pieces: AsyncGenerator[str | Answer, None]
) -> AsyncGenerator[str | Answer, None]:
    """`traced` for ``async for``."""
    with _StreamSpan(owner, name, question).open() as span:
        async with aclosing(pieces):
            while True:
                with span.active():
                    try:
                        piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                span.see(piece)
                yield piece


class _StreamSpan:
    """One span, current only while a piece is made."""

    def __init__(self, owner: Any, name: str, question: str) -> None:
        self._owner = owner
        self._id = f"{type(owner).__name__}.{name}-{uuid4()}"
        self._arguments = inspect.signature(_asked).bind(question)
        self._answer: Answer | None = None

    def see(self, piece: str | Answer) -> None:
        """Takes note of what was made."""
        if isinstance(piece, Answer):
            self._answer = piece

    @contextmanager
    def open(self) -> Iterator[_StreamSpan]:
        """Begins the span and ends it. A stream that is closed early has ended; one that fails is dropped."""
        # In a context of its own: handlers may make their span the current one, which it is not between the pieces.
        copy_context().run(
            dispatcher.span_enter,
            id_=self._id,
            bound_args=self._arguments,
            instance=self._owner,
            parent_id=active_span_id.get(),
            tags=active_instrument_tags.get(),
        )
        try:
            yield self
        except GeneratorExit:
            self._end()
            raise
        except BaseException as error:
            dispatcher.event(SpanDropEvent(span_id=self._id, err_str=str(error)))
            dispatcher.span_drop(id_=self._id, bound_args=self._arguments, instance=self._owner, err=error)
            raise
        else:
            self._end()

    @contextmanager
    def active(self) -> Iterator[None]:
        """What is done meanwhile belongs to the span."""
        token = active_span_id.set(self._id)
        try:
            yield
        finally:
            active_span_id.reset(token)

    def _end(self) -> None:
        with self.active():
            dispatcher.span_exit(
                id_=self._id, bound_args=self._arguments, instance=self._owner, result=self._answer
            )


def _asked(question: str) -> None:
    """The arguments of a span."""
