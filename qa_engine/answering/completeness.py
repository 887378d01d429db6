"""Whether a reply of a language model is whole: half an answer must not pass for one."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.llms import LLM

from qa_engine.errors import ConfigurationError, QAEngineError, ServiceUnavailableError


class ReplyEnd:
    """Looks at the pieces of one reply for the reason why it ended.

    Args:
        llm: the model that replies, for messages.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._pieces = 0
        self._says_why = False
        self._reason: str | None = None

    def see(self, reply: ChatResponse) -> None:
        """Take note of a whole reply or the next piece of one."""
        self._pieces += 1
        choices = _field(reply.raw, "choices")
        if choices is None:
            return
        self._says_why = True
        if isinstance(choices, list) and choices and (reason := _field(choices[0], "finish_reason")):
            self._reason = str(reason)

    def check_whole(self) -> None:
        """After a reply that came at once.

        Raises:
            ConfigurationError: the reply reached the longest allowed length and is cut off there.
            QAEngineError: the service withheld the reply.
        """
        if self._reason == "length":
            raise ConfigurationError(
                f"The answer of {self._name} was cut off at llm.max_tokens = "
                f"{self._llm.metadata.num_output}: raise it, or ask a narrower question."
            )
        if self._reason == "content_filter":
            raise QAEngineError(
                f"The content filter of {self._name} withheld the answer: rephrase the question, "
                "or choose another model with llm.model."
            )

    def check_stream(self) -> None:
        """After a stream has ended.

        Raises:
            ServiceUnavailableError: it ended without saying that it was complete.
            ConfigurationError, QAEngineError: as `check_whole`.
        """
        # A closed connection looks like an end; OpenAI's protocol says finish_reason in the last piece.
        if not self._pieces or (self._says_why and self._reason is None):
            raise ServiceUnavailableError(
                f"The answer of {self._name} broke off before it was complete: try again; if it happens "
                "every time, check that llm.base_url is an OpenAI-compatible service."
            )
        self.check_whole()

    @property
    def _name(self) -> str:
        return f"the language model {self._llm.metadata.model_name!r}"


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
