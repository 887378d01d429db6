"""Decides whether a reply of a language model is whole: half an answer must not pass for an answer."""

from __future__ import annotations

import logging

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.llms import LLM

from qa_engine.answering.usage import Usage, field_of
from qa_engine.errors import ConfigurationError, QAEngineError, ServiceUnavailableError
from qa_engine.models.fallback_llm import ANSWERED_BY

logger = logging.getLogger("qa_engine.answering")
_TOO_LONG = {"length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"}
_WITHHELD = {"content_filter", "sensitive", "safety", "recitation", "blocklist", "prohibited_content", "spii"}
_FAILED = {
    "error",
    "abort",
    "aborted",
    "cancelled",
    "network_error",
    "insufficient_system_resource",
    "repetition_truncation",
}
"""Reasons that OpenAI and compatible services give for a reply that is not whole. With any other reason, it is whole."""


class FinishReason:
    """Reads from the pieces of one reply why it ended, how many tokens it took, and which model gave it.

    Args:
        llm: the model that is asked; its name and limit are quoted in errors.

    Attributes:
        usage: the tokens of the reply, from the pieces so far; None if the service reported none.
        model: name of the model that replies.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._pieces = 0
        self._gives_reasons = False
        self._reason: str | None = None
        self.usage: Usage | None = None
        self.model: str = llm.metadata.model_name

    def observe(self, reply: ChatResponse) -> None:
        """Reads a whole reply or the next piece of one."""
        self._pieces += 1
        self.usage = Usage.of(reply) or self.usage
        self.model = reply.additional_kwargs.get(ANSWERED_BY, self.model)
        choices = field_of(reply.raw, "choices")
        if choices is None:
            return
        self._gives_reasons = True
        if isinstance(choices, list) and choices and (reason := field_of(choices[0], "finish_reason")):
            self._reason = str(reason).lower()

    def check_whole(self) -> None:
        """Checks a reply that came at once.

        Raises:
            ConfigurationError: the reply reached the longest allowed length and is cut off there.
            ServiceUnavailableError: the service reports that it failed.
            QAEngineError: the service withheld the reply.
        """
        if self._reason in _TOO_LONG | _WITHHELD | _FAILED:
            logger.warning("The reply of %s is not whole: it ended with %r.", self._name, self._reason)
        if self._reason in _TOO_LONG:
            raise ConfigurationError(
                f"The answer of {self._name} was cut off at llm.max_tokens = "
                f"{self._llm.metadata.num_output}: raise it, or ask a narrower question."
            )
        if self._reason in _WITHHELD:
            raise QAEngineError(
                f"The content filter of {self._name} withheld the answer: rephrase the question, "
                "or choose another model with llm.model."
            )
        if self._reason in _FAILED:
            raise ServiceUnavailableError(
                f"The answer of {self._name} broke off, and the service names {self._reason!r} as the reason: try again."
            )

    def check_stream(self) -> None:
        """Checks a stream that has ended.

        Raises:
            ServiceUnavailableError: it ended without saying that it was complete.
            ConfigurationError, QAEngineError: see `check_whole`.
        """
        # A closed connection looks like an end; OpenAI's protocol says finish_reason in the last piece.
        if not self._pieces or (self._gives_reasons and self._reason is None):
            logger.warning("The reply of %s broke off after %d pieces.", self._name, self._pieces)
            raise ServiceUnavailableError(
                f"The answer of {self._name} broke off before it was complete: try again; if it happens "
                "every time, check that llm.base_url is an OpenAI-compatible service."
            )
        self.check_whole()

    def empty_reply_error(self) -> ServiceUnavailableError:
        """The error for a reply that is complete, and empty."""
        return ServiceUnavailableError(
            f"The reply of {self._name} was empty: try again, or raise llm.max_tokens if the model thinks before it answers."
        )

    @property
    def _name(self) -> str:
        return f"the language model {self.model!r}"
