"""LlamaIndex's OpenAI embedding with prefixes, checked replies, one retry loop and our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.request import getproxies
from weakref import WeakKeyDictionary

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.embeddings.openai import OpenAIEmbedding
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient

from qa_engine.errors import ConfigurationError
from qa_engine.models.remote.deadlines import client_timeout
from qa_engine.models.remote.endpoints import OPENAI_BASE_URL
from qa_engine.models.remote.proxies import http_options
from qa_engine.models.remote.service_errors import ServiceErrors


class PrefixedOpenAIEmbedding(OpenAIEmbedding):
    """`OpenAIEmbedding` of LlamaIndex for any model name at any compatible server.

    Args:
        query_prefix: put before every question.
        text_prefix: put before every text that is stored.
        client_retries: tries after the first, made by OpenAI's client alone.
        arguments: those of `llama_index.embeddings.openai.OpenAIEmbedding`.
    """

    query_prefix: str = ""
    text_prefix: str = ""
    api_key: str = Field(description="The API key.", repr=False, exclude=True)
    default_headers: dict[str, str] | None = Field(
        default=None, description="Headers, which may hold a password.", repr=False, exclude=True
    )
    _client_retries: int = PrivateAttr(default=0)
    # The connections of an async client belong to the loop that opened them.
    _aclients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = PrivateAttr(
        default_factory=WeakKeyDictionary
    )

    def __init__(self, *, client_retries: int = 0, **arguments: Any) -> None:
        super().__init__(max_retries=0, **arguments)
        self._client_retries = client_retries

    @classmethod
    def class_name(cls) -> str:
        return "PrefixedOpenAIEmbedding"

    def _get_credential_kwargs(self, is_async: bool = False) -> dict[str, Any]:
        arguments = super()._get_credential_kwargs(is_async)
        if getproxies() and not arguments["http_client"]:
            client = DefaultAsyncHttpxClient if is_async else DefaultHttpxClient
            arguments["http_client"] = client(**http_options(self.api_base or OPENAI_BASE_URL))
        return {
            **arguments,
            "max_retries": self._client_retries,
            "timeout": client_timeout(self.timeout),
        }

    def _get_aclient(self) -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in self._aclients:
            self._aclients[loop] = AsyncOpenAI(**self._get_credential_kwargs(is_async=True))
        return self._aclients[loop]

    def _get_query_embedding(self, query: str) -> list[float]:
        with self._errors.reading():
            vector = super()._get_query_embedding(self.query_prefix + query)
        return self._checked([vector], 1)[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        with self._errors.reading():
            vector = await super()._aget_query_embedding(self.query_prefix + query)
        return self._checked([vector], 1)[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._aget_text_embeddings([text]))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        with self._errors.reading():
            vectors = super()._get_text_embeddings([self.text_prefix + text for text in texts])
        return self._checked(vectors, len(texts))

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        with self._errors.reading():
            vectors = await super()._aget_text_embeddings([self.text_prefix + text for text in texts])
        return self._checked(vectors, len(texts))

    @property
    def _errors(self) -> ServiceErrors:
        return ServiceErrors("embedding", self.model_name, self.api_base, self.timeout)

    def _checked(self, vectors: Sequence[list[float]], expected: int) -> list[list[float]]:
        """A vector too few would shift all that follow it to the wrong texts."""
        if len(vectors) != expected or not all(vectors):
            raise self._errors.unreadable()
        size = len(vectors[0])
        if self.dimensions is not None and size != self.dimensions:
            raise ConfigurationError(
                f"embedding.dimensions = {self.dimensions}, but the model {self.model_name!r} sends vectors "
                f"of {size} numbers: set embedding.dimensions to {size}, or leave it out."
            )
        return list(vectors)
