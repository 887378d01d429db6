"""Embedding models that are not the local one: OpenAI's protocol, or Hugging Face in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qa_engine.config import EmbeddingConfig
from qa_engine.errors import ConfigurationError, ModelUnavailableError
from qa_engine.models.remote.endpoints import resolve_endpoint
from qa_engine.text.one_line import one_line

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding


def build_remote_embedding(config: EmbeddingConfig) -> BaseEmbedding:
    """The LlamaIndex embedding model for the providers ``openai`` and ``huggingface``.

    ``openai`` is OpenAI or any server with its protocol under ``base_url``; ``query_prefix`` and
    ``text_prefix`` stand before every text that is sent. ``huggingface`` loads the model here and now.

    Args:
        config: the section ``embedding``.

    Raises:
        ConfigurationError: an address that is not valid, OpenAI without a key, or another provider.
        ModelUnavailableError: the extra is not installed, or the model cannot be loaded.

    Example:
        >>> build_remote_embedding(
        ...     EmbeddingConfig(provider="openai", model="bge-m3", base_url="http://localhost:8000/v1")
        ... ).model_name
        'bge-m3'
    """
    if config.provider == "openai":
        return _openai(config)
    if config.provider == "huggingface":
        return _huggingface(config)
    raise ConfigurationError(
        f"embedding.provider = {config.provider!r} is not a remote one: use openai or huggingface."
    )


def _openai(config: EmbeddingConfig) -> BaseEmbedding:
    endpoint = resolve_endpoint("embedding", config.base_url, config.api_key)

    from qa_engine.models.remote.openai_embedding import PrefixedOpenAIEmbedding

    return PrefixedOpenAIEmbedding(
        query_prefix=config.query_prefix,
        text_prefix=config.text_prefix,
        client_retries=config.max_retries,
        # The only argument that takes a name outside the enumeration of OpenAI's models.
        model_name=config.model,
        api_base=endpoint.base_url,
        api_key=endpoint.api_key,
        default_headers=endpoint.headers or None,
        dimensions=config.dimensions,
        embed_batch_size=config.batch_size,
        timeout=config.timeout_seconds,
        # OpenAI's client asks for base64 by default, which not every compatible server can send.
        additional_kwargs={} if endpoint.official else {"encoding_format": "float"},
    )


def _huggingface(config: EmbeddingConfig) -> BaseEmbedding:
    import httpx

    try:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    except ImportError as error:
        raise ModelUnavailableError(
            f"embedding.provider = 'huggingface' needs a package that is not installed ({error}): "
            "pip install 'qa-engine[huggingface]'."
        ) from error
    options = {} if config.dimensions is None else {"truncate_dim": config.dimensions}
    try:
        # None leaves the model its own instructions, which bge models have.
        model: BaseEmbedding = HuggingFaceEmbedding(
            model_name=config.model,
            query_instruction=config.query_prefix or None,
            text_instruction=config.text_prefix or None,
            embed_batch_size=config.batch_size,
            **options,
        )
    except (OSError, ValueError, RuntimeError, ImportError, httpx.HTTPError) as error:
        reason = one_line(str(error), 300).rstrip(".") or type(error).__name__
        raise ModelUnavailableError(
            f"The embedding model {config.model!r} cannot be loaded: {reason}. Give the path of a local copy "
            "as embedding.model, set HF_ENDPOINT to a mirror that can be reached, or return to the local "
            "default with embedding.provider = 'local'."
        ) from error
    return model
