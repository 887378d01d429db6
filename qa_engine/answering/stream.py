"""Answers that arrive in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Protocol, runtime_checkable

from llama_index.core.schema import NodeWithScore, QueryType

from qa_engine.answering.answer import Answer
from qa_engine.errors import QAEngineError


class _Stream:
    """The part that both kinds of stream share: the answer at their end."""

    _answer: Answer | None = None

    @property
    def answer(self) -> Answer:
        """The whole answer with its citations.

        Raises:
            QAEngineError: the stream has not been read to its end, or it ended with an error.
        """
        if self._answer is not None:
            return self._answer
        raise QAEngineError(
            "The answer is not complete: its stream was not read to the end, or it ended with an error."
        )


class AnswerStream(_Stream):
    """An iterator over pieces of the answer's text. `answer` is there after the last piece.

    The pieces joined are the text of `answer`. Nothing is sent before the first piece is asked for.

    Args:
        pieces: yields pieces of text, then the `Answer`.

    Example:
        >>> from qa_engine.answering.checks.citations import refusal
        >>> stream = AnswerStream(piece for piece in ("我无法回答", "您的问题", refusal("?")))
        >>> "".join(stream), stream.answer.refused
        ('我无法回答您的问题', True)
    """

    def __init__(self, pieces: Generator[str | Answer, None, None]) -> None:
        self._pieces = pieces

    def __iter__(self) -> AnswerStream:
        return self

    def __next__(self) -> str:
        piece = next(self._pieces)
        while isinstance(piece, Answer):
            self._answer = piece
            piece = next(self._pieces)
        return piece

    def close(self) -> None:
        """Stops reading; the connection to the model is closed."""
        self._pieces.close()

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncAnswerStream(_Stream):
    """`AnswerStream` for ``async for``."""

    def __init__(self, pieces: AsyncGenerator[str | Answer, None]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncAnswerStream:
        return self

    async def __anext__(self) -> str:
        piece = await anext(self._pieces)
        while isinstance(piece, Answer):
            self._answer = piece
            piece = await anext(self._pieces)
        return piece

    async def aclose(self) -> None:
        """Stops reading; the connection to the model is closed."""
        await self._pieces.aclose()

    async def __aenter__(self) -> AsyncAnswerStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@runtime_checkable
class StreamsAnswers(Protocol):
    """A synthesizer that makes answers in pieces. The others answer at once."""

    def stream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AnswerStream:
        """The answer to a question from passages, best first."""

    def astream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AsyncAnswerStream:
        """`stream_answer` for ``async for``; itself it is not awaited."""
