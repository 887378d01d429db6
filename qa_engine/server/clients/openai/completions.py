"""Answers as chat completions, whole and in chunks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qa_engine.server.clients.openai.requests import Citations
from qa_engine.server.clients.openai.sources import inactive, source_list, url_annotations


@dataclass(frozen=True)
class Content:
    """What a completion says.

    Attributes:
        answer: the text of the answer.
        sources: the list of sources below it; empty without one.
        annotations: of the answer.
    """

    answer: str
    sources: str = ""
    annotations: Sequence[Mapping[str, Any]] = ()

    @property
    def text(self) -> str:
        """The whole text."""
        return self.answer + self.sources


@dataclass(frozen=True)
class Presentation:
    """How answers are shown to a client of OpenAI's protocol.

    Attributes:
        citations: whether a list of sources is written below an answer.
    """

    citations: Citations = "markdown"

    def content(self, body: Mapping[str, Any]) -> Content:
        """What the message of a completion says.

        Args:
            body: of the answer.
        """
        answer, cited = inactive(body["answer"]), body["citations"]
        sources = source_list(cited) if self.citations == "markdown" else ""
        return Content(answer, sources, url_annotations(answer, cited))

    def progress(self, name: str, data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Further fields of chunks that are sent on the way, one chunk each.

        Args:
            name: of an event of the answer.
            data: of the event.
        """
        return iter(())

    def deltas(self, content: Content) -> Iterator[Mapping[str, Any]]:
        """The deltas of an answer that is complete."""
        for piece in (content.answer, content.sources):
            if piece:
                yield {"content": piece}
        if content.annotations:
            yield {"content": "", "annotations": content.annotations}


@dataclass(frozen=True)
class Completion:
    """The completion that an answer becomes.

    Attributes:
        answer_id: of the answer.
        model: as the client named it.
        created: when, in seconds of Unix time.
    """

    answer_id: str
    model: str
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, content: Content, body: Mapping[str, Any] | None) -> dict[str, Any]:
        """The completion as one object.

        Args:
            content: what it says.
            body: of the answer, which goes along as ``qa_engine``; None for what is none.
        """
        message = {
            "role": "assistant",
            "content": content.text,
            "refusal": None,
            "annotations": list(content.annotations),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage_of(body),
            **({} if body is None else {"qa_engine": body}),
        }

    def chunk(
        self, delta: Mapping[str, Any], finish_reason: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """A chunk of a stream.

        Args:
            delta: what it adds to the message.
            finish_reason: of the last one.
            fields: further ones beside the choices.
        """
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **fields}

    def bare_chunk(self, **fields: Any) -> dict[str, Any]:
        """A chunk without choices, for fields of another kind."""
        return {**self._head("chat.completion.chunk"), "choices": [], **fields}

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.answer_id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
        }


def usage_of(body: Mapping[str, Any] | None) -> dict[str, int]:
    """The tokens of the language model; none where it was not asked, or does not count."""
    counted = None if body is None else body["usage"]
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: 0 if counted is None else counted[name] for name in names}
