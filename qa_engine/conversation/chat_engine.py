"""A conversation as a LlamaIndex chat engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.callbacks import trace_method
from llama_index.core.chat_engine.types import (
    AgentChatResponse,
    BaseChatEngine,
    StreamingAgentChatResponse,
)
from llama_index.core.tools import ToolOutput

from qa_engine.answering.answer import Answer
from qa_engine.conversation.session import ChatSession
from qa_engine.conversation.turns import turns_of

_TOOL = "query_engine"
"""Name of the source of answers, as in LlamaIndex's own chat engines over query engines."""


class QAChatEngine(BaseChatEngine):
    """A LlamaIndex chat engine over a `ChatSession`.

    ``response.sources[0].raw_output`` is the `Answer` with its citations, in streams from the last piece on.
    """

    def __init__(self, session: ChatSession) -> None:
        self._session = session
        self.callback_manager = session.engine.callback_manager

    @trace_method("chat")
    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """The answer to a message; a ``chat_history`` replaces that of the conversation."""
        self._restore(chat_history)
        return _response(message, self._session.ask(message))

    @trace_method("chat")
    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """`chat` without blocking."""
        self._restore(chat_history)
        return _response(message, await self._session.aask(message))

    def stream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """The answer to a message in pieces, which ``response_gen`` yields."""
        self._restore(chat_history)
        stream = self._session.stream(message)
        response = StreamingAgentChatResponse(is_writing_to_memory=False)

        def replies() -> Iterator[ChatResponse]:
            for text in stream:
                yield _reply(text)
            _complete(response, message, stream.answer)

        response.chat_stream = replies()  # type: ignore[assignment]
        return response

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """`stream_chat`, whose pieces ``async_response_gen`` yields."""
        self._restore(chat_history)
        stream = self._session.astream(message)
        response = StreamingAgentChatResponse(is_writing_to_memory=False)

        async def replies() -> Any:
            async for text in stream:
                yield _reply(text)
            _complete(response, message, stream.answer)

        response.achat_stream = replies()
        return response

    def reset(self) -> None:
        """Begins a new conversation."""
        self._session.reset()

    @property
    def chat_history(self) -> list[ChatMessage]:
        """Questions and answers that are remembered, the oldest first."""
        return [
            ChatMessage(role=role, content=text)
            for turn in self._session.history
            for role, text in ((MessageRole.USER, turn.question), (MessageRole.ASSISTANT, turn.response))
        ]

    def _restore(self, chat_history: Sequence[ChatMessage] | None) -> None:
        if chat_history is not None:
            self._session.restore(turns_of(chat_history))


def _response(message: str, answer: Answer) -> AgentChatResponse:
    return AgentChatResponse(response=str(answer), sources=[_source(message, answer)])


def _complete(response: StreamingAgentChatResponse, message: str, answer: Answer) -> None:
    response.sources.append(_source(message, answer))
    response.set_source_nodes()
    response.is_done = True


def _source(message: str, answer: Answer) -> ToolOutput:
    condensation = None if answer.explanation is None else answer.explanation.condensation
    query = message if condensation is None else condensation.standalone
    return ToolOutput(content=str(answer), tool_name=_TOOL, raw_input={"query": query}, raw_output=answer)


def _reply(delta: str) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=delta), delta=delta)
