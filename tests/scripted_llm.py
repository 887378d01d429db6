"""A language model for tests that count calls, also over processes; child processes import it too."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback
from pydantic import Field

from qa_engine import errors


class ScriptedLLM(CustomLLM):
    """Replies by what stands in the last message; every call adds a line to a file before it is answered.

    Attributes:
        replies: by a part of the last message; a reply such as ``!ServiceUnavailableError`` is raised.
        default: where none of the parts is in it.
        journal: file of the calls, a line each: the part that was found.
        seconds: that a call takes.
    """

    replies: dict[str, str] = Field(default_factory=dict)
    default: str = "我无法回答您的问题"
    journal: str = ""
    seconds: float = 0

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted", context_window=16_384, num_output=512, is_chat_model=True)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        asked = str(messages[-1].content)
        part = next((part for part in self.replies if part in asked), "")
        if self.journal:
            descriptor = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, f"{part or '?'}\n".encode())
            os.close(descriptor)
        time.sleep(self.seconds)
        reply = self.replies.get(part, self.default)
        if reply.startswith("!"):
            raise getattr(errors, reply[1:], ValueError)(f"{reply[1:]} for a test.")
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        return ChatResponse(
            message=ChatMessage(role=MessageRole.ASSISTANT, content=reply), raw={"usage": usage}
        )

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        raise NotImplementedError


def calls(journal: Path) -> Counter[str]:
    """How often each was asked, in all processes."""
    return Counter(journal.read_text(encoding="utf-8").splitlines()) if journal.exists() else Counter()
