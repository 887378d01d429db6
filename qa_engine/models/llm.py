"""The language model that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qa_engine.config import LlmConfig
from qa_engine.errors import ConfigurationError
from qa_engine.models.endpoints import resolve_endpoint

if TYPE_CHECKING:
    from llama_index.core.llms import LLM


def build_llm(config: LlmConfig) -> LLM:
    """The LlamaIndex LLM for a configuration; nothing is sent yet and no global setting is touched.

    OpenAI's own models at OpenAI become LlamaIndex's `OpenAI`, everything else (any base URL, any name that
    LlamaIndex does not know) `OpenAILike` with the configured context window. Time-outs, 408, 409, 429, 5xx
    and lost connections are tried again ``max_retries`` times with exponential back-off, jitter and the
    service's ``Retry-After``; other refusals are final. The model raises the errors of `qa_engine.errors`.

    Args:
        config: the section ``llm``, with a ``model``.

    Raises:
        ConfigurationError: no model, an address that is none, OpenAI without a key, or a model of OpenAI
            that cannot be asked through chat completions.

    Example:
        >>> build_llm(LlmConfig(model="qwen2.5-7b-instruct", base_url="http://localhost:8000/v1")).metadata.model_name
        'qwen2.5-7b-instruct'
    """
    if not config.model or not config.model.strip():
        raise ConfigurationError(
            "llm.model names no language model: set it, for example QA_ENGINE_LLM__MODEL=gpt-4o-mini, "
            "or leave the section out for extractive answers."
        )
    endpoint = resolve_endpoint("llm", config.base_url, config.api_key)

    from llama_index.llms.openai.utils import ALL_AVAILABLE_MODELS, RESPONSES_API_ONLY_MODELS

    from qa_engine.models.openai_llm import CompatibleLLM, OfficialLLM

    if config.model in RESPONSES_API_ONLY_MODELS:
        raise ConfigurationError(
            f"llm.model = {config.model!r} cannot be asked through chat completions: choose another, "
            "for example gpt-4o-mini."
        )
    arguments: dict[str, Any] = {
        "model": config.model,
        "api_base": endpoint.base_url,
        "api_key": endpoint.api_key,
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "timeout": config.timeout_seconds,
        "client_retries": config.max_retries,
    }
    if endpoint.official and _base_name(config.model) in ALL_AVAILABLE_MODELS:
        return OfficialLLM(**arguments)
    return CompatibleLLM(is_chat_model=True, context_window=config.context_window, **arguments)


def _base_name(model: str) -> str:
    """The model that a fine-tuned one was made from: ``ft:gpt-4o-mini:acme::id`` is a ``gpt-4o-mini``."""
    return model.split(":")[1] if model.startswith("ft:") else model
