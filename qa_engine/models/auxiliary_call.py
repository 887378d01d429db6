"""Small questions to a language model on the way to an answer, whose failure must not cost the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate

from qa_engine.config import LlmConfig
from qa_engine.errors import QAEngineError
from qa_engine.flow import Flow, call
from qa_engine.forks import RenewedLock
from qa_engine.models.llm import build_llm
from qa_engine.models.remote.service_errors import llm_errors
from qa_engine.text.one_line import one_line
from qa_engine.text.reply_wrappers import without_wrappers

T = TypeVar("T")
_MAX_QUOTED_CHARS = 80


class UnusableReplyError(Exception):
    """A reply does not hold what was asked for. The message says why, in one sentence."""


@dataclass(frozen=True)
class AuxiliaryReply(Generic[T]):
    """The result of a call.

    Attributes:
        value: the content of the reply; None after a failure.
        error: why there is no value, in one sentence; None if there is one.
        cached: whether the value is from an earlier call.
        seconds: time that the call took; 0 for a cached value.
    """

    value: T | None
    error: str | None = None
    cached: bool = False
    seconds: float = 0.0


class AuxiliaryModel(Generic[T]):
    """Asks a language model once for each question, and caches the content of its replies, but no failures.

    Thread-safe, and for any number of event loops. The same question asked twice at the same time is two calls.
    """

    def __init__(
        self,
        llm: LLM,
        task: str,
        timeout_seconds: float | None,
        logger: logging.Logger,
        cache_size: int = 1024,
    ) -> None:
        """
        Args:
            llm: any LlamaIndex LLM.
            task: what the model is to do, for messages, such as "expand the question".
            timeout_seconds: after which an awaited call is given up; a blocking one ends by the time-out of the LLM itself.
            logger: gets a warning for each failure.
            cache_size: most values to keep; the least recently used go first.
        """
        self.llm = llm
        self._task = task
        self._timeout = timeout_seconds
        self._logger, self._cache_size = logger, cache_size
        self._cache: OrderedDict[tuple[str, ...], AuxiliaryReply[T]] = OrderedDict()
        self._lock = RenewedLock()

    def steps(
        self, prompt: BasePromptTemplate, variables: dict[str, Any], read: Callable[[str], T]
    ) -> Flow[AuxiliaryReply[T]]:
        """The content of the reply, or why there is none; nothing but an interruption is raised.

        Args:
            prompt: the template of the question.
            variables: the values of its variables.
            read: takes the reply without reasoning and code fence; raises `UnusableReplyError` if it is of no use.
        """
        started = time.perf_counter()
        try:
            messages = prompt.format_messages(llm=self.llm, **variables)
            key = (self.llm.metadata.model_name, *(message.content or "" for message in messages))
            if (cached := self._cached(key)) is not None:
                return cached
            reply = yield from self._chat(messages)
            value = read(without_wrappers(reply.message.content or ""))
        except Exception as error:  # noqa: BLE001 - no fault of any LLM may cost the answer
            # The message may quote the reply, which holds the question: it is for the caller alone.
            self._logger.warning("The language model did not %s: %s.", self._task, type(error).__name__)
            return AuxiliaryReply(None, self._reason(error), seconds=time.perf_counter() - started)
        result = AuxiliaryReply(value, seconds=time.perf_counter() - started)
        self._store(key, result)
        return result

    def _chat(self, messages: Sequence[ChatMessage]) -> Flow[ChatResponse]:
        async def awaited() -> ChatResponse:
            return await asyncio.wait_for(self.llm.achat(messages), self._timeout)

        with llm_errors(self.llm):
            return (yield from call(partial(self.llm.chat, messages), awaited))

    def _cached(self, key: tuple[str, ...]) -> AuxiliaryReply[T] | None:
        with self._lock:
            if key not in self._cache:
                return None
            self._cache.move_to_end(key)
            return self._cache[key]

    def _store(self, key: tuple[str, ...], reply: AuxiliaryReply[T]) -> None:
        with self._lock:
            self._cache[key] = replace(reply, cached=True, seconds=0.0)
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, TimeoutError) and self._timeout is not None:
            return f"The language model did not {self._task} within {self._timeout:g} seconds."
        ours = isinstance(error, QAEngineError | UnusableReplyError)
        return one_line(str(error) if ours else f"{type(error).__name__}: {error}")


def build_auxiliary_llm(config: LlmConfig, timeout_seconds: float) -> LLM:
    """The configured language model, asked once and for so long: an answer that waits would be worse than one without.

    Args:
        config: the section ``llm``, with a ``model``.
        timeout_seconds: longest time to wait; ``llm.timeout_seconds`` holds if it is shorter.

    Raises:
        ConfigurationError: see `build_llm`.
    """
    seconds = min(timeout_seconds, config.timeout_seconds)
    update = {"timeout_seconds": seconds, "max_retries": 0, "fallback_model": None}
    return build_llm(config.model_copy(update=update))


def quoted(text: str) -> str:
    """The beginning of a reply for messages, on one line and quoted; ``empty`` for nothing."""
    line = one_line(text, _MAX_QUOTED_CHARS)
    return repr(line) if line else "empty"
