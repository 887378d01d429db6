"""A conversation about the documents of an engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from threading import Lock, get_ident
from typing import Any, Protocol, TypeAlias

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.schema import QueryBundle
from llama_index_instrumentation import get_dispatcher

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.checks.citations import build_answer
from qa_engine.answering.events import (
    AnswerEvent,
    AnswerFinished,
    PassagesFound,
    QuestionCondensed,
    Streaming,
    aevents_of,
    events_of,
)
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.config import ConversationConfig
from qa_engine.conversation.condense import QuestionCondenser
from qa_engine.conversation.recall import recalled
from qa_engine.conversation.turns import Turn, within
from qa_engine.errors import InputError
from qa_engine.flow import Flow, Piece, apieces, arun, call, pieces, read, run
from qa_engine.retrieval.explanation import Condensation, Explanation
from qa_engine.tracing import atraced, traced

dispatcher = get_dispatcher(__name__)
ABOUT_CONVERSATION = "It is about the conversation, whose history answers it."
_RETRY_SECONDS = 0.01
"""Pause of a task between two tries to become the one that asks."""


class AnswersQuestions(Protocol):
    """The methods of an engine that a conversation calls."""

    callback_manager: CallbackManager

    @property
    def collections(self) -> tuple[str, ...]:
        """Names of the collections that are asked."""

    def checked(self, question: str, /) -> QueryBundle:
        """The question as a query; raises `InputError` if it is empty or too long."""

    def query(self, question: str, /) -> Answer:
        """The answer to a question."""

    async def aquery(self, question: str, /) -> Answer:
        """`query` without blocking."""

    def stream(self, question: str, /) -> AnswerStream:
        """The answer in pieces."""

    def astream(self, question: str, /) -> AsyncAnswerStream:
        """`stream` for ``async for``."""

    def events(self, question: str, /) -> Generator[AnswerEvent, None, None]:
        """The events of the answer."""

    def aevents(self, question: str, /) -> AsyncGenerator[AnswerEvent, None]:
        """`events` for ``async for``."""


class ChatSession:
    """A conversation, whose questions may refer to earlier ones: 它有多高？, 那保俶塔呢？, how much is it?

    A question is first made to stand alone, and the engine answers the result; ``answer.explanation.condensation`` holds
    both questions. A question about the conversation itself (刚才我问的是什么, what did I just ask) is answered from the
    history, without a search, and is not remembered. A question that fails leaves no trace.

    Thread-safe: questions of one session are answered one after the other, those of several sessions at the same time.

    Example:
        >>> session = engine.chat()  # doctest: +SKIP
        >>> session.ask("西湖在哪个城市？").response  # doctest: +SKIP
        >>> session.ask("它的平均水深是多少？").explanation.condensation.standalone  # doctest: +SKIP
        '西湖的平均水深是多少？'
    """

    def __init__(
        self, engine: AnswersQuestions, condenser: QuestionCondenser, settings: ConversationConfig
    ) -> None:
        """
        Args:
            engine: answers the questions, such as a `QueryEngine`.
            condenser: makes follow-ups stand alone.
            settings: limits of the turns that are remembered.
        """
        self._engine = engine
        self._condenser = condenser
        self._settings = settings
        self._lock = _QuestionLock()
        self._turns = _History()

    @property
    def engine(self) -> AnswersQuestions:
        """The engine that answers."""
        return self._engine

    @property
    def history(self) -> tuple[Turn, ...]:
        """The turns that are remembered, the oldest first."""
        return self._turns.turns

    def reset(self) -> None:
        """Forgets all turns, including that of a question that is being answered."""
        self.restore(())

    def restore(self, history: Iterable[Turn]) -> None:
        """Continues a conversation that was stored elsewhere.

        Args:
            history: its turns, the oldest first; they replace the turns of this session.
        """
        self._remember(tuple(history), forgotten=0)

    def _remember(self, turns: tuple[Turn, ...], forgotten: int) -> None:
        # Always a new object: a running question adds its turn only to the history that it began with.
        kept = within(turns, self._settings.max_turns, self._settings.max_chars)
        self._turns = _History(kept, forgotten + len(turns) - len(kept))

    @dispatcher.span
    def ask(self, question: str) -> Answer:
        """The answer to the next question.

        Raises:
            InputError: the question is empty or too long, or a stream of this session is still open in this thread.
        """
        self._engine.checked(question)
        return run(self._steps(question, Streaming.NOTHING))

    @dispatcher.span
    async def aask(self, question: str) -> Answer:
        """`ask` without blocking."""
        self._engine.checked(question)
        return await arun(self._steps(question, Streaming.NOTHING))

    def stream(self, question: str) -> AnswerStream:
        """The answer in pieces; the next question of the session waits until the stream is at its end or closed."""
        self._engine.checked(question)
        steps = pieces(self._steps(question, Streaming.TEXT))
        return AnswerStream(traced(self, "stream", question, steps))

    def astream(self, question: str) -> AsyncAnswerStream:
        """`stream` for ``async for``."""
        self._engine.checked(question)
        steps = apieces(self._steps(question, Streaming.TEXT))
        return AsyncAnswerStream(atraced(self, "astream", question, steps))

    def events(self, question: str) -> Generator[AnswerEvent, None, None]:
        """The events of the answer, as `QueryEngine.events` yields them, after one about the standalone question."""
        self._engine.checked(question)
        steps = pieces(self._steps(question, Streaming.EVENTS))
        return events_of(traced(self, "events", question, steps))

    def aevents(self, question: str) -> AsyncGenerator[AnswerEvent, None]:
        """`events` for ``async for``."""
        self._engine.checked(question)
        steps = apieces(self._steps(question, Streaming.EVENTS))
        return aevents_of(atraced(self, "aevents", question, steps))

    def _steps(self, question: str, streaming: Streaming) -> Flow[Answer]:
        yield from call(self._lock.acquire, self._lock.aacquire)
        try:
            before = self._turns
            if (told := recalled(question, before.turns, before.forgotten)) is not None:
                condensation = Condensation(question, question, skipped=ABOUT_CONVERSATION)
                if streaming is Streaming.EVENTS:
                    yield Piece(QuestionCondensed(condensation))
                    yield Piece(PassagesFound([]))
                yield Piece(told or REFUSAL)
                return _about_conversation(condensation, told)
            condensation = yield from self._condenser.steps(question, before.turns)
            engine, standalone = self._engine, condensation.standalone
            if streaming is Streaming.EVENTS:
                yield Piece(QuestionCondensed(condensation))
                answer = yield from self._evented(standalone)
            elif streaming is Streaming.TEXT:
                stream = yield from read(
                    partial(engine.stream, standalone), partial(engine.astream, standalone)
                )
                answer = stream.answer
            else:
                answer = yield from call(
                    partial(engine.query, standalone), partial(engine.aquery, standalone)
                )
            return self._completed(answer, condensation, before)
        finally:
            self._lock.release()

    def _evented(self, standalone: str) -> Flow[Answer]:
        """The answer to a standalone question, after its events."""
        answers: list[Answer] = []

        def each(event: AnswerEvent) -> Flow[None]:
            if isinstance(event, AnswerFinished):
                answers.append(event.answer)
            else:
                yield Piece(event)

        engine = self._engine
        yield from read(partial(engine.events, standalone), partial(engine.aevents, standalone), each)
        return answers[0]

    def _completed(self, answer: Answer, condensation: Condensation, before: _History) -> Answer:
        """The answer to the question as it was asked. Its turn is remembered, unless the session was reset meanwhile."""
        answer.question = condensation.question
        if condensation.seconds:
            total = round(answer.timings.get("total", 0.0) + condensation.seconds, 4)
            answer.timings = {"condense": round(condensation.seconds, 4), **answer.timings, "total": total}
        if answer.explanation is not None:
            answer.explanation.condensation = condensation
            answer.explanation.timings = answer.timings
        if self._turns is before:
            standalone = condensation.standalone
            files = tuple(dict.fromkeys(citation.file for citation in answer.citations))
            turn = Turn(answer.question, standalone, answer.said, answer.refused, files)
            self._remember((*before.turns, turn), before.forgotten)
        return answer


def _about_conversation(condensation: Condensation, told: str) -> Answer:
    """The answer to a question about the conversation. No document holds it, so it cites none."""
    answer = build_answer(condensation.question, told or None, ())
    answer.explanation = Explanation([], condensation=condensation)
    return answer


@dataclass(frozen=True, eq=False)
class _History:
    """The turns that are remembered, compared by identity, and how many were before them."""

    turns: tuple[Turn, ...] = ()
    forgotten: int = 0


_Caller: TypeAlias = "tuple[int, asyncio.Task[Any] | None]"


class _QuestionLock:
    """A lock that a thread waits for, or a task without blocking its loop.

    A caller that would wait for itself, because it has not read its stream to the end, gets an error instead.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holder: _Caller | None = None

    def acquire(self) -> None:
        self._refuse_holder()
        self._lock.acquire()
        self._holder = _caller()

    async def aacquire(self) -> None:
        self._refuse_holder()
        # Not in a thread: a waiting thread could not be cancelled with its task.
        while not self._lock.acquire(blocking=False):
            await asyncio.sleep(_RETRY_SECONDS)
        self._holder = _caller()

    def release(self) -> None:
        self._holder = None
        self._lock.release()

    def _refuse_holder(self) -> None:
        if self._holder == _caller():
            raise InputError(
                "An answer of this conversation is still being streamed here: read the stream to its end, or close it, "
                "before the next question."
            )


def _caller() -> _Caller:
    try:
        return get_ident(), asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return get_ident(), None
