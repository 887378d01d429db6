"""LlamaIndex's OpenAI classes with one retry loop, one async client an event loop, and our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import httpx
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

from qa_engine.models.service_errors import ServiceErrors

_CONNECT_SECONDS = 10.0


def client_timeout(seconds: float) -> httpx.Timeout:
    """All the time for a reply, but little for reaching the host: a dead address is told soon."""
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


class OfficialLLM(OpenAI):
    """`OpenAI` of LlamaIndex, made dependable.

    Args:
        client_retries: tries after the first. Only the client of OpenAI retries: LlamaIndex's own loop around
            it (``max_retries``, here always 0) would multiply them.
        arguments: those of `llama_index.llms.openai.OpenAI`.
    """

    api_key: str | None = Field(default=None, description="The API key.", repr=False, exclude=True)
    _client_retries: int = PrivateAttr(default=0)
    # The connections of an async client belong to the loop that opened them.
    _aclients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = PrivateAttr(
        default_factory=WeakKeyDictionary
    )

    def __init__(self, *, client_retries: int = 0, **arguments: Any) -> None:
        super().__init__(max_retries=0, **arguments)
        self._client_retries = client_retries

    def _get_credential_kwargs(self, is_async: bool = False) -> dict[str, Any]:
        return {
            **super()._get_credential_kwargs(is_async),
            "max_retries": self._client_retries,
            "timeout": client_timeout(self.timeout),
        }

    def _get_aclient(self) -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in self._aclients:
            self._aclients[loop] = AsyncOpenAI(**self._get_credential_kwargs(is_async=True))
        return self._aclients[loop]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        errors = ServiceErrors("llm", self.model, self.api_base, self.timeout)
        with errors:
            try:
                yield
            except (AttributeError, TypeError, IndexError) as error:
                # The client hands on whatever came with status 200; a web page fails on its fields.
                raise errors.unreadable() from error

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        with self._translated():
            reply: ChatResponse = super()._chat(messages, **kwargs)
        return reply

    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        with self._translated():
            reply: ChatResponse = await super()._achat(messages, **kwargs)
        return reply

    def _stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        def translated(pieces: ChatResponseGen) -> ChatResponseGen:
            with closing(pieces), ServiceErrors("llm", self.model, self.api_base, self.timeout):
                yield from pieces

        return translated(super()._stream_chat(messages, **kwargs))

    async def _astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        async def translated(pieces: ChatResponseAsyncGen) -> ChatResponseAsyncGen:
            async with aclosing(pieces):
                with ServiceErrors("llm", self.model, self.api_base, self.timeout):
                    async for piece in pieces:
                        yield piece

        return translated(await super()._astream_chat(messages, **kwargs))


class CompatibleLLM(OfficialLLM, OpenAILike):
    """`OpenAILike` of LlamaIndex with the same additions: any server that speaks OpenAI's protocol."""
