"""Tokens as the language model reports them, counted for one case at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMCompletionEndEvent
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.event_handlers import BaseEventHandler

_FIELDS = {"prompt": "prompt_tokens", "completion": "completion_tokens", "total": "total_tokens"}
_counted: ContextVar[dict[str, int] | None] = ContextVar("counted_tokens", default=None)
_lock = Lock()


class _Counter(BaseEventHandler):
    """Adds what a reply reports to the count of the thread that asked."""

    @classmethod
    def class_name(cls) -> str:
        return "TokenUsageCounter"

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        tokens = _counted.get()
        if tokens is None or not isinstance(event, LLMChatEndEvent | LLMCompletionEndEvent):
            return
        usage = _field(getattr(event.response, "raw", None), "usage")
        for kind, name in _FIELDS.items():
            if isinstance(value := _field(usage, name), int):
                tokens[kind] = tokens.get(kind, 0) + value


@contextmanager
def counted_tokens() -> Iterator[dict[str, int]]:
    """The tokens of the calls that this thread makes within it.

    Yields:
        Sums of ``prompt``, ``completion`` and ``total``; empty while nothing was reported.
    """
    _install()
    tokens: dict[str, int] = {}
    token = _counted.set(tokens)
    try:
        yield tokens
    finally:
        _counted.reset(token)


def _install() -> None:
    """Has LlamaIndex tell the counter of every reply. Once: a second counter would count everything twice."""
    root = get_dispatcher()
    with _lock:
        if not any(isinstance(handler, _Counter) for handler in root.event_handlers):
            root.add_event_handler(_Counter())


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
