"""A conversation about the documents of an engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import TYPE_CHECKING

from llama_index_instrumentation import get_dispatcher

from qa_engine.answering.answer import Answer
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.config import ConversationConfig
from qa_engine.conversation.condense import QuestionCondenser
from qa_engine.conversation.turns import Turn, within
from qa_engine.conversation.turnstile import Turnstile
from qa_engine.retrieval.explanation import Condensation
from qa_engine.tracing import atraced, traced

if TYPE_CHECKING:
    from qa_engine.engine import QueryEngine

dispatcher = get_dispatcher(__name__)


class ChatSession:
    """Questions that may lean on those before: 它有多高？, 那保俶塔呢？, how much is it?

    Each is first made to stand alone, then answered as `QueryEngine.query` answers it; ``answer.explanation.condensation``
    shows what was asked in its place. A question that fails leaves no trace.

    Thread-safe: questions of one session are answered one after the other, those of several sessions at the same time.

    Example:
        >>> session = engine.chat()  # doctest: +SKIP
        >>> session.ask("西湖在哪个城市？").response  # doctest: +SKIP
        >>> session.ask("它的平均水深是多少？").explanation.condensation.standalone  # doctest: +SKIP
        '西湖的平均水深是多少？'
    """

    def __init__(
        self, engine: QueryEngine, condenser: QuestionCondenser, settings: ConversationConfig
    ) -> None:
        """
        Args:
            engine: answers.
            condenser: makes follow-ups stand alone.
            settings: how much is remembered.
        """
        self._engine = engine
        self._condenser = condenser
        self._settings = settings
        self._turnstile = Turnstile()
        self._turns: tuple[Turn, ...] = ()

    @property
    def engine(self) -> QueryEngine:
        """The engine that answers."""
        return self._engine

    @property
    def history(self) -> tuple[Turn, ...]:
        """The turns that are remembered, the oldest first."""
        return self._turns

    def reset(self) -> None:
        """Forgets all turns, and that of a question that is being answered."""
        self.restore(())

    def restore(self, history: Iterable[Turn]) -> None:
        """Goes on from a conversation that was kept elsewhere.

        Args:
            history: its turns, the oldest first; those that are remembered replace all that were.
        """
        # Always a new object: a running question notes itself only in the history that it began with.
        kept = within(tuple(history), self._settings.max_turns, self._settings.max_chars)
        self._turns = _History(kept)

    @dispatcher.span
    def ask(self, question: str) -> Answer:
        """The answer to the next question.

        Raises:
            InputError: the question is empty or too long.
        """
        self._engine.checked(question)
        with self._turnstile.held():
            before = self._turns
            asked = self._condenser.run(question, before)
            answer = self._engine.query(asked.standalone)
            return self._noted(asked, answer, before)  # type: ignore[arg-type]

    @dispatcher.span
    async def aask(self, question: str) -> Answer:
        """`ask` without blocking."""
        self._engine.checked(question)
        async with self._turnstile.aheld():
            before = self._turns
            asked = await self._condenser.arun(question, before)
            answer = await self._engine.aquery(asked.standalone)
            return self._noted(asked, answer, before)  # type: ignore[arg-type]

    def stream(self, question: str) -> AnswerStream:
        """The answer in pieces; the next question of the session waits until it is at its end or closed."""
        self._engine.checked(question)
        return AnswerStream(traced(self, "stream", question, self._pieces(question)))

    def astream(self, question: str) -> AsyncAnswerStream:
        """`stream` for ``async for``."""
        self._engine.checked(question)
        return AsyncAnswerStream(atraced(self, "astream", question, self._apieces(question)))

    def _pieces(self, question: str) -> Generator[str | Answer, None, None]:
        with self._turnstile.held():
            before = self._turns
            asked = self._condenser.run(question, before)
            with self._engine.stream(asked.standalone) as source:
                yield from source
            yield self._noted(asked, source.answer, before)

    async def _apieces(self, question: str) -> AsyncGenerator[str | Answer, None]:
        async with self._turnstile.aheld():
            before = self._turns
            asked = await self._condenser.arun(question, before)
            async with self._engine.astream(asked.standalone) as source:
                async for piece in source:
                    yield piece
            yield self._noted(asked, source.answer, before)

    def _noted(self, asked: Condensation, answer: Answer, before: tuple[Turn, ...]) -> Answer:
        """The answer to the question as it was asked. Its turn is remembered, unless the session was reset meanwhile."""
        answer.question = asked.question
        if asked.seconds:
            total = round(answer.timings.get("total", 0.0) + asked.seconds, 4)
            answer.timings = {"condense": round(asked.seconds, 4), **answer.timings, "total": total}
        if answer.explanation is not None:
            answer.explanation.condensation = asked
            answer.explanation.timings = answer.timings
        if self._turns is before:
            self.restore((*before, Turn.of(asked.question, asked.standalone, answer)))
        return answer


class _History(tuple[Turn, ...]):
    """Turns that are told apart by identity: an empty tuple would be the same as any other."""

    __slots__ = ()
