"""LlamaIndex's OpenAI classes with one retry loop, one way of asking, limits that hold, and our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import httpx

# The client would import it, for most of a second, at the first question: in the event loop of whoever awaits the answer.
import openai.resources.chat.completions  # noqa: F401
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.llms.openai import OpenAI
from llama_index.llms.openai_like import OpenAILike
from openai import AsyncOpenAI

from qa_engine.errors import ConfigurationError
from qa_engine.models.remote.background_loop import close_with_loop, iterate_blocking, run_blocking
from qa_engine.models.remote.deadlines import DeadlineClient, on_response
from qa_engine.models.remote.endpoints import OPENAI_BASE_URL
from qa_engine.models.remote.service_errors import ServiceErrors

_USAGE_REQUEST = "stream_options"
"""The argument that asks for token counts at the end of a stream; some services do not know it."""


class OfficialLLM(OpenAI):
    """`OpenAI` of LlamaIndex, made dependable.

    Blocking calls run the async ones in a loop of their own: one way of asking, whose time limits hold against a service
    that drips bytes, and whose connections are closed when it is given up.

    Args:
        client_retries: tries after the first. Only the client of OpenAI retries: LlamaIndex's own loop around
            it (``max_retries``, here always 0) would multiply them.
        settings: the section of the configuration, or the beginning of its settings, for messages.
        arguments: those of `llama_index.llms.openai.OpenAI`. ``timeout`` holds for each try as a whole; for a stream until
            its first piece, and again for every further one.
    """

    api_key: str | None = Field(default=None, description="The API key.", repr=False, exclude=True)
    default_headers: dict[str, str] | None = Field(
        default=None, description="Headers, which may hold a password.", repr=False, exclude=True
    )
    _client_retries: int = PrivateAttr(default=0)
    _settings: str = PrivateAttr(default="llm")
    _counts_streams: bool = PrivateAttr(default=True)
    # The connections of an async client belong to the loop that opened them.
    _aclients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = PrivateAttr(
        default_factory=WeakKeyDictionary
    )

    def __init__(self, *, client_retries: int = 0, settings: str = "llm", **arguments: Any) -> None:
        super().__init__(max_retries=0, **arguments)
        self._client_retries = client_retries
        self._settings = settings

    def _get_credential_kwargs(self, is_async: bool = False) -> dict[str, Any]:
        return {**super()._get_credential_kwargs(is_async), "max_retries": self._client_retries}

    def _get_aclient(self) -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in self._aclients:
            arguments = self._get_credential_kwargs(is_async=True)
            http_client = arguments["http_client"] or DeadlineClient(
                self.timeout, self.api_base or OPENAI_BASE_URL
            )
            client = AsyncOpenAI(**{**arguments, "http_client": http_client, "timeout": http_client.timeout})
            self._aclients[loop] = client
            close_with_loop(client)
        return self._aclients[loop]

    @property
    def _errors(self) -> ServiceErrors:
        return ServiceErrors(self._settings, self.model, self.api_base, self.timeout)

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return run_blocking(self._achat(messages, **kwargs))

    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        with self._errors.reading():
            reply: ChatResponse = await super()._achat(messages, **kwargs)
        return reply

    def _stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        return iterate_blocking(self._replies(messages, kwargs))

    async def _astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        return self._replies(messages, kwargs)

    async def _replies(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseAsyncGen:
        """The pieces of a stream, with the token counts at its end from a service that can count."""
        if self._counts_streams and _USAGE_REQUEST not in kwargs:
            try:
                with_usage = {**kwargs, _USAGE_REQUEST: {"include_usage": True}}
                async with aclosing(self._pieces(messages, with_usage)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except ConfigurationError as error:
                if not any(name in str(error) for name in (_USAGE_REQUEST, "include_usage")):
                    raise
                self._counts_streams = False  # it was refused before the first piece
        async with aclosing(self._pieces(messages, kwargs)) as pieces:
            async for piece in pieces:
                yield piece

    async def _pieces(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseAsyncGen:
        with self._errors.reading():
            source = await super()._astream_chat(messages, **kwargs)
            end = object()
            responses: list[httpx.Response] = []
            try:
                while True:
                    try:
                        # The client limits and repeats its tries by itself: the first piece has its time from then on.
                        async with asyncio.timeout(self.timeout if responses else None) as limit:
                            with on_response(partial(_begin, responses, limit, self.timeout)):
                                piece: Any = await anext(source, end)
                    except TimeoutError as error:
                        raise httpx.ReadTimeout("no further piece in time") from error
                    if piece is end:
                        return
                    yield piece
            finally:
                # The client's stream holds itself, so that leaving it would close nothing before a collection of garbage.
                for response in responses:
                    await response.aclose()
                await source.aclose()


def _begin(
    responses: list[httpx.Response], limit: asyncio.Timeout, seconds: float, response: httpx.Response
) -> None:
    """Keeps the response of a stream, and gives its first piece the time limit from now on."""
    responses.append(response)
    limit.reschedule(asyncio.get_running_loop().time() + seconds)


class CompatibleLLM(OfficialLLM, OpenAILike):
    """`OpenAILike` of LlamaIndex with the same additions: any server that speaks OpenAI's protocol."""
