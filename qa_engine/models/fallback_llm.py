"""Two language models in one: the second is asked where the first is out of reach, overloaded or failing."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from typing import Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import LLM

from qa_engine.errors import QAEngineError, ServiceUnavailableError


class CircuitBreaker:
    """Counts failures in a row. After enough of them the service is not to be asked for a while, then once to try.

    Thread-safe. A trial that never ends, because it was cancelled, holds nothing up: the next one is due after the same
    while.

    Args:
        failures: in a row, after which it opens.
        seconds: for which it stays open.
        clock: seconds that only grow.

    Example:
        >>> breaker = CircuitBreaker(failures=2, seconds=60)
        >>> breaker.failed()
        >>> breaker.allows()
        True
        >>> breaker.failed()
        >>> breaker.allows()
        False
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = failures, seconds, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._closed_from = 0.0

    def allows(self) -> bool:
        """Whether to ask the service now. While it is under suspicion, True is a trial, and for one caller only."""
        with self._lock:
            if self._in_a_row < self._limit:
                return True
            now = self._clock()
            if now < self._closed_from:
                return False
            self._closed_from = now + self._seconds
            return True

    def failed(self) -> None:
        """The service was asked and failed."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._limit:
                self._closed_from = self._clock() + self._seconds

    def succeeded(self) -> None:
        """The service was asked and answered."""
        with self._lock:
            self._in_a_row = 0


ANSWERED_BY = "answered_by"
"""Key of a reply's ``additional_kwargs``: the name of the model that gave it."""

_Reply = TypeVar("_Reply", ChatResponse, CompletionResponse)


class FallbackLLM(LLM):
    """A LlamaIndex LLM that asks a second one where the first raises `ServiceUnavailableError`.

    Wrong input, a wrong key and an unknown model are no reason to ask the second. A stream changes over before its first
    piece only: two halves of different models are no answer.

    Args:
        first: asked first, unless it failed too often of late.
        second: asked in its place.
        breaker: knows when the first is left alone.
    """

    _first: LLM = PrivateAttr()
    _second: LLM = PrivateAttr()
    _breaker: CircuitBreaker = PrivateAttr()

    def __init__(self, first: LLM, second: LLM, breaker: CircuitBreaker) -> None:
        super().__init__(callback_manager=first.callback_manager)
        self._first, self._second, self._breaker = first, second, breaker

    @classmethod
    def class_name(cls) -> str:
        """For LlamaIndex."""
        return "FallbackLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """The name is the first model's; the limits are those that both keep."""
        first, second = self._first.metadata, self._second.metadata
        return first.model_copy(
            update={
                "context_window": min(first.context_window, second.context_window),
                "num_output": max(first.num_output, second.num_output),
                "is_function_calling_model": False,
            }
        )

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """A reply of either model."""
        return self._either(lambda llm: llm.chat(messages, **kwargs))

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """`chat` without blocking."""
        return await self._aeither(lambda llm: llm.achat(messages, **kwargs))

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """A reply of either model, in pieces."""
        return self._stream(lambda llm: llm.stream_chat(messages, **kwargs))

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """`stream_chat` without blocking."""
        return self._astream(lambda llm: llm.astream_chat(messages, **kwargs))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """A completion by either model."""
        return self._either(lambda llm: llm.complete(prompt, formatted, **kwargs))

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """`complete` without blocking."""
        return await self._aeither(lambda llm: llm.acomplete(prompt, formatted, **kwargs))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """A completion by either model, in pieces."""
        return self._stream(lambda llm: llm.stream_complete(prompt, formatted, **kwargs))

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """`stream_complete` without blocking."""
        return self._astream(lambda llm: llm.astream_complete(prompt, formatted, **kwargs))

    def _either(self, ask: Callable[[LLM], _Reply]) -> _Reply:
        failure = None
        if self._breaker.allows():
            try:
                reply = ask(self._first)
            except ServiceUnavailableError as error:
                self._breaker.failed()
                failure = error
            else:
                self._breaker.succeeded()
                return _signed(reply, self._first)
        with _told_of(failure):
            return _signed(ask(self._second), self._second)

    async def _aeither(self, ask: Callable[[LLM], Awaitable[_Reply]]) -> _Reply:
        failure = None
        if self._breaker.allows():
            try:
                reply = await ask(self._first)
            except ServiceUnavailableError as error:
                self._breaker.failed()
                failure = error
            else:
                self._breaker.succeeded()
                return _signed(reply, self._first)
        with _told_of(failure):
            return _signed(await ask(self._second), self._second)

    def _stream(self, ask: Callable[[LLM], Generator[_Reply, None, None]]) -> Generator[_Reply, None, None]:
        failure = None
        if self._breaker.allows():
            begun = False
            try:
                with closing(ask(self._first)) as pieces:
                    for piece in pieces:
                        begun = True
                        yield _signed(piece, self._first)
            except ServiceUnavailableError as error:
                self._breaker.failed()
                if begun:
                    raise
                failure = error
            else:
                if begun:
                    self._breaker.succeeded()
                    return
                self._breaker.failed()
        with _told_of(failure), closing(ask(self._second)) as pieces:
            for piece in pieces:
                yield _signed(piece, self._second)

    async def _astream(
        self, ask: Callable[[LLM], Awaitable[AsyncGenerator[_Reply, None]]]
    ) -> AsyncGenerator[_Reply, None]:
        failure = None
        if self._breaker.allows():
            begun = False
            try:
                async with aclosing(await ask(self._first)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield _signed(piece, self._first)
            except ServiceUnavailableError as error:
                self._breaker.failed()
                if begun:
                    raise
                failure = error
            else:
                if begun:
                    self._breaker.succeeded()
                    return
                self._breaker.failed()
        with _told_of(failure):
            async with aclosing(await ask(self._second)) as pieces:
                async for piece in pieces:
                    yield _signed(piece, self._second)


def _signed(reply: _Reply, llm: LLM) -> _Reply:
    reply.additional_kwargs[ANSWERED_BY] = llm.metadata.model_name
    return reply


@contextmanager
def _told_of(failure: QAEngineError | None) -> Iterator[None]:
    """Adds to what the second model raises why the first one did not answer."""
    try:
        yield
    except QAEngineError as error:
        if failure is None:
            raise
        raise type(error)(f"{error} The first language model had failed before: {failure}") from failure
