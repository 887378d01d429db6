"""The language model that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from qa_engine.config import LlmConfig
from qa_engine.errors import ConfigurationError
from qa_engine.models.remote.endpoints import FALLBACK, resolve_endpoint, setting_name

if TYPE_CHECKING:
    from llama_index.core.llms import LLM


def build_llm(config: LlmConfig) -> LLM:
    """The LlamaIndex LLM for a configuration; nothing is sent yet and no global setting is touched.

    OpenAI's own models at OpenAI become LlamaIndex's `OpenAI`, everything else (any base URL, any name that
    LlamaIndex does not know) `OpenAILike` with the configured context window. Time-outs, 408, 409, 429, 5xx
    and lost connections are tried again ``max_retries`` times with exponential back-off, jitter and the
    service's ``Retry-After``; other refusals are final. The model raises the errors of `qa_engine.errors`. With a
    ``fallback_model``, it is a `FallbackLLM` of the two.

    Args:
        config: the section ``llm``, with a ``model``.

    Raises:
        ConfigurationError: no model, an address that is not valid, OpenAI without a key, or a model of OpenAI
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
    llm = _build("llm", config.model, config.base_url, config.api_key, config)
    if not config.fallback_model or not config.fallback_model.strip():
        return llm

    from qa_engine.models.fallback_llm import CircuitBreaker, FallbackLLM

    # A key is for one service: it is not shown to another.
    is_elsewhere = config.fallback_base_url is not None
    url = config.fallback_base_url if is_elsewhere else config.base_url
    key = config.fallback_api_key or (None if is_elsewhere else config.api_key)
    second = _build(FALLBACK, config.fallback_model, url, key, config)
    return FallbackLLM(llm, second, CircuitBreaker(config.fallback_after_failures, config.fallback_seconds))


def _build(section: str, model: str, url: str | None, key: SecretStr | None, config: LlmConfig) -> LLM:
    endpoint = resolve_endpoint(section, url, key)

    from llama_index.llms.openai.utils import ALL_AVAILABLE_MODELS, RESPONSES_API_ONLY_MODELS

    from qa_engine.models.remote.openai_llm import CompatibleLLM, OfficialLLM

    if model in RESPONSES_API_ONLY_MODELS:
        raise ConfigurationError(
            f"{setting_name(section, 'model')} = {model!r} cannot be asked through chat completions: choose another, "
            "for example gpt-4o-mini."
        )
    arguments: dict[str, Any] = {
        "settings": section,
        "model": model,
        "api_base": endpoint.base_url,
        "api_key": endpoint.api_key,
        "default_headers": endpoint.headers or None,
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "timeout": config.timeout_seconds,
        "client_retries": config.max_retries,
    }
    if endpoint.official and _base_name(model) in ALL_AVAILABLE_MODELS:
        return OfficialLLM(**arguments)
    return CompatibleLLM(is_chat_model=True, context_window=config.context_window, **arguments)


def _base_name(model: str) -> str:
    """The model that a fine-tuned one was made from: ``ft:gpt-4o-mini:acme::id`` is a ``gpt-4o-mini``."""
    return model.split(":")[1] if model.startswith("ft:") else model
