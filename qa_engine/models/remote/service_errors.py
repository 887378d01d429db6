"""Turns the errors of HTTP clients into those of this package: a wrong key, an unknown model, an unreachable host."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_engine.config.masking import masked_url
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ModelUnavailableError,
    QAEngineError,
    ServiceUnavailableError,
)
from qa_engine.models.remote.endpoints import FALLBACK, OPENAI_BASE_URL, address, setting_name, variable_name
from qa_engine.text.one_line import one_line

if TYPE_CHECKING:
    import openai
    from llama_index.core.llms import LLM

_NAMES = {"llm": "language model", FALLBACK: "second language model", "embedding": "embedding model"}
_MAX_MESSAGE_CHARS = 200
_SECRET = re.compile(r"\b(sk|key|Bearer)[-_ ][\w*.-]{6,}", re.IGNORECASE)
# Several services answer 400 or 403 where OpenAI answers 404.
_UNKNOWN_MODEL = re.compile(
    r"model_not_found|model.{0,80}(not exist|not found|unknown|not supported|no access)"
    r"|(unknown|invalid|no such) model|模型.{0,40}不存在",
    re.IGNORECASE | re.DOTALL,
)
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|too (long|many tokens)|maximum.{0,20}tokens", re.I
)


@dataclass(frozen=True)
class ServiceErrors:
    """A context manager around a request, also around awaits, that turns errors of openai and httpx into `QAEngineError`s.

    Args:
        settings: the section of the configuration that chose the model: ``llm`` or ``embedding``, or ``llm.fallback``.
        model: name of the model.
        base_url: address of the service; None is OpenAI.
        timeout_seconds: for the message of a time-out.

    Raises:
        AuthenticationFailedError: the service refused the key.
        ModelUnavailableError: the service has no such model.
        ServiceUnavailableError: nobody answers, not in time, too many requests, or the service failed.
        ConfigurationError: the service refused the request as such.

    Example:
        >>> with ServiceErrors("llm", "gpt-4o-mini", None):
        ...     pass
    """

    settings: str
    model: str
    base_url: str | None = None
    timeout_seconds: float | None = None

    def __enter__(self) -> ServiceErrors:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and (translated := self._translate(error)) is not None:
            raise translated from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """`ServiceErrors` around code that also reads the reply."""
        with self:
            try:
                yield
            except (AttributeError, TypeError, IndexError, KeyError, ValueError) as error:
                # The client hands on whatever came with status 200; a web page fails on its fields.
                raise self.unreadable() from error

    @property
    def _model(self) -> str:
        return f"{_NAMES.get(self.settings, self.settings)} {self.model!r}"

    @property
    def _name(self) -> str:
        return f"the {self._model} at {address(self.base_url)}"

    @property
    def _section(self) -> str:
        return self.settings.partition(".")[0]

    def _setting(self, name: str) -> str:
        return setting_name(self.settings, name)

    def _translate(self, error: Exception) -> QAEngineError | None:
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            return self.unreadable()
        # A library that was never imported cannot have raised: importing it here would cost a second.
        if (openai := sys.modules.get("openai")) is not None and isinstance(error, openai.APIError):
            if isinstance(error, openai.APIStatusError):
                return self._status(error)
            if isinstance(error, openai.APIConnectionError):
                return self._transport(error.__cause__ or error, isinstance(error, openai.APITimeoutError))
            if isinstance(error, openai.APIResponseValidationError):
                return self.unreadable()
            return ServiceUnavailableError(
                f"The reply of {self._name} broke off with an error: {_shorten(error.message)} Try again."
            )
        if (httpx := sys.modules.get("httpx")) is not None:
            if isinstance(error, httpx.DecodingError):
                return self.unreadable()
            if isinstance(error, httpx.RequestError):
                return self._transport(error, isinstance(error, httpx.TimeoutException))
        return None

    def unreadable(self) -> ServiceUnavailableError:
        """The error for a reply that is not what an OpenAI-compatible service sends."""
        return ServiceUnavailableError(
            f"What {self._name} replied is not a reply of an OpenAI-compatible service: check "
            f"{self._setting('base_url')} = {masked_url(self.base_url or OPENAI_BASE_URL)!r}, which usually ends in /v1."
        )

    def _transport(self, cause: BaseException, timed_out: bool) -> QAEngineError:
        import httpx

        if timed_out:
            within = f" within {self.timeout_seconds:g} seconds" if self.timeout_seconds else " in time"
            return ServiceUnavailableError(
                f"{_capital(self._name)} did not answer{within}: try again, or raise "
                f"{self._section}.timeout_seconds."
            )
        if isinstance(cause, httpx.DecodingError):
            return self.unreadable()
        if isinstance(cause, httpx.UnsupportedProtocol | httpx.ProxyError | httpx.TooManyRedirects):
            return ServiceUnavailableError(
                f"{_capital(self._name)} cannot be reached: {_shorten(str(cause))} "
                f"Check {self._setting('base_url')} and the proxy settings."
            )
        if isinstance(cause, httpx.ConnectError) or not isinstance(cause, httpx.TransportError):
            return ServiceUnavailableError(
                f"Nobody answers at {address(self.base_url)}, where the {self._model} is expected "
                f"({_shorten(str(cause)).rstrip('.')}): check {self._setting('base_url')} and that the server is running."
            )
        return ServiceUnavailableError(
            f"The connection to {self._name} broke off before the reply was complete: try again."
        )

    def _status(self, error: openai.APIStatusError) -> QAEngineError:
        status, message = error.status_code, _message(error)
        is_certain = _UNKNOWN_MODEL.search(message) is not None
        if status == 404 or (status in {400, 403, 422} and is_certain):
            return self._unknown_model(is_certain)
        if status in {401, 403}:
            # The reply is not repeated: services quote the key in it.
            return AuthenticationFailedError(
                f"The API key for {self._name} was refused (status {status}): "
                f"check {variable_name(self.settings, 'api_key')}"
                f"{'' if self.settings == FALLBACK else ' or OPENAI_API_KEY'}."
            )
        if status == 429:
            return ServiceUnavailableError(
                f"{_capital(self._name)} accepts no more requests now (status 429): {_shorten(message)} "
                f"Try again later, check the quota of the account, or raise {self._section}.max_retries."
            )
        if status >= 500 or status in {408, 409}:
            return ServiceUnavailableError(
                f"{_capital(self._name)} failed (status {status}): {_shorten(message)} Try again later."
            )
        way_out = (
            "use fewer passages (answering.passages), or set llm.context_window to what the model has."
            if self._section == "llm" and _TOO_LONG.search(message)
            else f"check the settings of {self.settings}."
        )
        return ConfigurationError(
            f"{_capital(self._name)} refused the request (status {status}): {_shorten(message)} "
            f"{_capital(way_out)}"
        )

    def _unknown_model(self, certain: bool) -> QAEngineError:
        url = masked_url(self.base_url or OPENAI_BASE_URL).rstrip("/")
        doubt = (
            "" if certain else f" If that address is wrong: {self._setting('base_url')} usually ends in /v1."
        )
        return ModelUnavailableError(
            f"There is no model {self.model!r} at {address(self.base_url)}, or it is not open to this key: "
            f"{url}/models lists the models there; choose one with {self._setting('model')}.{doubt}"
        )


def llm_errors(llm: LLM) -> ServiceErrors:
    """`ServiceErrors` for a LlamaIndex LLM.

    Those of `qa_engine.models` raise our errors already; this is for others with OpenAI's client.
    """
    url, timeout = getattr(llm, "api_base", None), getattr(llm, "timeout", None)
    return ServiceErrors("llm", llm.metadata.model_name, url, timeout)


def _message(error: openai.APIStatusError) -> str:
    """The message of the service: that of a JSON error with its code, or another body."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            parts = [inner.get("message") or inner.get("detail"), inner.get("code")]
            return " ".join(str(part) for part in parts if part)
        return str(inner)
    return "" if body is None else str(body)


def _shorten(text: str) -> str:
    """One line that ends in a full stop, without anything that looks like a key."""
    line = one_line(_SECRET.sub("…", one_line(re.sub(r"<[^<>]*>", " ", text))), _MAX_MESSAGE_CHARS)
    return (line or "no reason given").rstrip(".") + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
