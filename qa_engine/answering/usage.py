"""The tokens of an answer, as the service counts them, and their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import ChatResponse

from qa_engine.config import LlmConfig
from qa_engine.errors import ConfigurationError


@dataclass(frozen=True)
class Usage:
    """Tokens of all calls for one answer, as the service reported them.

    Attributes:
        prompt_tokens: tokens of the requests.
        completion_tokens: tokens of the replies, with reasoning where the service counts it.
        total_tokens: tokens of both.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, reply: ChatResponse) -> Usage | None:
        """The usage that a reply, or a piece of one, reports; None if it reports none, or no numbers."""
        reported = field_of(reply.raw, "usage")
        prompt, completion = (_count(reported, name) for name in ("prompt_tokens", "completion_tokens"))
        if prompt is None or completion is None:
            return None
        total = _count(reported, "total_tokens")
        return cls(prompt, completion, prompt + completion if total is None else total)

    @classmethod
    def sum(cls, usages: Sequence[Usage | None]) -> Usage | None:
        """The sum over several calls; None without a call, or if one of them reported no usage."""
        reported = [usage for usage in usages if usage is not None]
        if not reported or len(reported) < len(usages):
            return None
        return cls(
            sum(usage.prompt_tokens for usage in reported),
            sum(usage.completion_tokens for usage in reported),
            sum(usage.total_tokens for usage in reported),
        )


@dataclass(frozen=True)
class Prices:
    """The prices of a million tokens, in any currency.

    Attributes:
        input: price of tokens in requests.
        output: price of tokens in replies.

    Example:
        >>> Prices(0.5, 2.0).cost(Usage(1_000_000, 500_000, 1_500_000))
        1.5
    """

    input: float
    output: float

    @classmethod
    def of(cls, config: LlmConfig) -> Prices | None:
        """The prices of the configured model; None without any.

        Raises:
            ConfigurationError: only one of the two prices is set.
        """
        if config.price_input is None and config.price_output is None:
            return None
        if config.price_input is None or config.price_output is None:
            present, missing = ("output", "input") if config.price_input is None else ("input", "output")
            raise ConfigurationError(
                f"llm.price_{present} = {getattr(config, f'price_{present}')!r} has no llm.price_{missing} beside it: "
                "set both, or neither."
            )
        return cls(config.price_input, config.price_output)

    def cost(self, usage: Usage) -> float:
        """The cost of a usage, in the currency of the prices."""
        return (usage.prompt_tokens * self.input + usage.completion_tokens * self.output) / 1_000_000


def field_of(holder: Any, name: str) -> Any:
    """A field of a service's reply, which is an object or a dictionary; None without it."""
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def _count(usage: Any, name: str) -> int | None:
    value = field_of(usage, name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
