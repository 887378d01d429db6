"""Two language models in one: the second is asked where the first is out of reach, overloaded or failing."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
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
from qa_engine.forks import RenewedLock

logger = logging.getLogger("qa_engine.models")
ANSWERED_BY = "answered_by"
"""Key of a reply's ``additional_kwargs``: the name of the model that gave it."""

_Reply = TypeVar("_Reply", ChatResponse, CompletionResponse)


class CircuitBreaker:
    """Counts failures in a row. After enough of them the service is left alone for a while, and then tried once.

    Thread-safe. A trial that never ends, because it was cancelled, blocks nothing: the next one is due after the same time.

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
        self._lock = RenewedLock()
        self._in_a_row = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether to ask the service now. While the breaker is open, True is a trial, and one caller only gets it."""
        with self._lock:
            if self._in_a_row < self._limit:
                return True
            now = self._clock()
            if now < self._open_until:
                return False
            self._open_until = now + self._seconds
            return True

    def failed(self) -> None:
        """The service was asked and failed."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row < self._limit:
                return
            self._open_until = self._clock() + self._seconds
        logger.warning(
            "%d failures in a row: the service is left alone for %g s", self._in_a_row, self._seconds
        )

    def succeeded(self) -> None:
        """The service was asked and answered."""
        with self._lock:
            was_open = self._in_a_row >= self._limit
            self._in_a_row = 0
        if was_open:
            logger.info("The service answers again")


class _Attempt:
    """One model's turn at a reply: a context manager around a call, sync or async, with the rules of `FallbackLLM`.

    Args:
        llm: the model to ask.
        breaker: of the first model. It learns how the call went; a failure before the first piece is kept in ``failure``.
        before: why the first model did not reply, for the errors of the second.
    """

    def __init__(
        self, llm: LLM, breaker: CircuitBreaker | None = None, before: ServiceUnavailableError | None = None
    ) -> None:
        self.llm, self.begun, self.failure = llm, False, before
        self._breaker, self._name = breaker, llm.metadata.model_name

    def signed(self, reply: _Reply) -> _Reply:
        """A reply, or a piece of one, with the name of its model."""
        self.begun = True
        reply.additional_kwargs[ANSWERED_BY] = self._name
        return reply

    def __enter__(self) -> _Attempt:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> bool:
        if self._breaker is None:
            if self.failure is not None and isinstance(error, QAEngineError):
                message = f"{error} The first language model had failed before: {self.failure}"
                raise type(error)(message) from self.failure
            return False
        if error is None and self.begun:
            self._breaker.succeeded()
        elif error is None or isinstance(error, ServiceUnavailableError):
            self._breaker.failed()
        if isinstance(error, ServiceUnavailableError) and not self.begun:
            logger.warning("The language model %s failed, the second one is asked: %s", self._name, error)
            self.failure = error
            return True
        return False


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

    def _attempts(self) -> Iterator[_Attempt]:
        """The models to ask, one after the other, until one has replied."""
        failure = None
        if self._breaker.allows():
            first = _Attempt(self._first, self._breaker)
            yield first
            if first.begun:
                return
            failure = first.failure
        else:
            name = self._first.metadata.model_name
            logger.info("The language model %s is left alone for now, the second one is asked", name)
        yield _Attempt(self._second, before=failure)

    def _either(self, ask: Callable[[LLM], _Reply]) -> _Reply:
        for attempt in self._attempts():
            with attempt:
                return attempt.signed(ask(attempt.llm))
        raise AssertionError("the second model replies or raises")

    async def _aeither(self, ask: Callable[[LLM], Awaitable[_Reply]]) -> _Reply:
        for attempt in self._attempts():
            with attempt:
                return attempt.signed(await ask(attempt.llm))
        raise AssertionError("the second model replies or raises")

    def _stream(self, ask: Callable[[LLM], Generator[_Reply, None, None]]) -> Generator[_Reply, None, None]:
        for attempt in self._attempts():
            with attempt, closing(ask(attempt.llm)) as pieces:
                for piece in pieces:
                    yield attempt.signed(piece)

    async def _astream(
        self, ask: Callable[[LLM], Awaitable[AsyncGenerator[_Reply, None]]]
    ) -> AsyncGenerator[_Reply, None]:
        for attempt in self._attempts():
            with attempt:
                async with aclosing(await ask(attempt.llm)) as pieces:
                    async for piece in pieces:
                        yield attempt.signed(piece)
