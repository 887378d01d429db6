"""The embedding model that the configuration names, as a LlamaIndex `BaseEmbedding`."""

from __future__ import annotations

from typing import cast

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from qa_engine.config import EmbeddingConfig
from qa_engine.errors import ConfigurationError
from qa_engine.flow import to_thread
from qa_engine.models.e5.encoder import PASSAGE_PREFIX, E5Encoder
from qa_engine.models.e5.preparation import MODEL_NAME, Progress
from qa_engine.models.e5.shared import shared_encoder

_CALL_SIZE = 1024
"""Texts handed to the encoder at once; it sorts them by length and makes the real batches."""


class LocalEmbedding(BaseEmbedding):
    """multilingual-e5-small (384 dimensions) on this machine: no key, no network, nothing to download.

    The model is loaded on first use, and prepared if it never was.

    Example:
        >>> vector = LocalEmbedding().get_query_embedding("西湖在哪里？")  # doctest: +SKIP
        >>> len(vector)  # doctest: +SKIP
        384
    """

    _encoder: E5Encoder | None = PrivateAttr(default=None)
    _progress: Progress | None = PrivateAttr(default=None)

    def __init__(self, encoder: E5Encoder | None = None, progress: Progress | None = None) -> None:
        """
        Args:
            encoder: a loaded encoder; the shared one of the process if None.
            progress: called with a line of text while the model is prepared for the first time.
        """
        super().__init__(model_name=MODEL_NAME, embed_batch_size=_CALL_SIZE)
        self._encoder = encoder
        self._progress = progress

    @classmethod
    def class_name(cls) -> str:
        return "LocalEmbedding"

    @property
    def encoder(self) -> E5Encoder:
        """The encoder, loaded.

        Raises:
            ModelUnavailableError: it cannot be prepared or loaded.
        """
        if self._encoder is None:
            self._encoder = shared_encoder(self._progress)
        return self._encoder

    def _get_query_embedding(self, query: str) -> list[float]:
        return cast(list[float], self.encoder.question(query).vector.tolist())

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        prefixed = [PASSAGE_PREFIX + text for text in texts]
        return cast(list[list[float]], self.encoder.embed(prefixed).tolist())

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await to_thread(self._get_text_embeddings, texts)


def build_embedding(config: EmbeddingConfig, progress: Progress | None = None) -> BaseEmbedding:
    """The embedding model of the configuration. The local one is not loaded yet.

    Raises:
        ConfigurationError: a remote model without key, or a local provider with a model it does not have.
        ModelUnavailableError: a package or a model is missing.
    """
    if config.provider == "local":
        if config.model != MODEL_NAME:
            raise ConfigurationError(
                f"embedding.model = {config.model!r}: the local provider has {MODEL_NAME!r} only; "
                "set embedding.provider to openai or huggingface for another model."
            )
        return LocalEmbedding(progress=progress)
    from qa_engine.models.remote.embedding import build_remote_embedding

    return build_remote_embedding(config)
