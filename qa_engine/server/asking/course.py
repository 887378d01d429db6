"""The course of one answer: turns the events of the engine into those that clients are sent, and into the answer's body."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.schema import NodeWithScore
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.answering.answer import Answer, Citation, passage_to_dict
from qa_engine.answering.events import (
    AnswerEvent,
    AnswerFinished,
    CitationAdded,
    PassagesFound,
    QuestionCondensed,
    TextAdded,
    TextReplaced,
)
from qa_engine.conversation.turns import Turn
from qa_engine.engine import QueryEngine
from qa_engine.errors import StorageError
from qa_engine.flow import to_thread
from qa_engine.server.asking.answers import AnswerStore, KeptAnswer
from qa_engine.server.asking.citation_links import CitationLinks
from qa_engine.server.asking.running import RunningAnswer
from qa_engine.server.citations.lookup import Citations

logger = logging.getLogger("qa_engine.server")


@dataclass(frozen=True)
class Dialogue:
    """The conversation that a question belongs to, which may be that of this question alone.

    Attributes:
        turns: those before it; None for a question outside of conversations.
        collections: that are asked if the question names none; none for those of the server.
        keep: keeps the answer, in a thread: takes its turn, or None if it is not to be remembered, and its body.
        ended: called once the question is over, whether or not it was answered.
    """

    turns: Sequence[Turn] | None = None
    collections: Sequence[str] = ()
    keep: Callable[[Turn | None, dict[str, Any]], None] = lambda turn, body: None
    ended: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        question: as it was asked.
        collections: that are asked.
        filters: what is searched of them; None for everything.
        top_k: number of passages to answer from; None for that of the configuration.
        explain: whether the answer says how its passages came about.
        dialogue: the conversation that it belongs to.
    """

    question: str
    collections: tuple[str, ...]
    filters: MetadataFilters | None
    top_k: int | None
    explain: bool
    dialogue: Dialogue


@dataclass
class Course:
    """One answer on its way to the log of its events.

    Attributes:
        running: the log.
        links: of its citations.
        answers: where it is kept.
        citations: where its citations are remembered.
        passages: those that were found; empty before.
        begun: whether some of its text is there.
    """

    running: RunningAnswer
    links: CitationLinks
    answers: AnswerStore
    citations: Citations
    passages: list[dict[str, Any]] = field(default_factory=list)
    begun: bool = False
    _linked: list[tuple[Citation, dict[str, Any]]] = field(default_factory=list)

    async def run(self, asked: Asked, engine: QueryEngine, has_begun: Callable[[], None]) -> None:
        """Logs the events of an answer.

        Args:
            asked: the question.
            engine: for its collections, with its filters.
            has_begun: called when the first piece of text is there.

        Raises:
            QAEngineError: see `QueryEngine.aevents`.
            StorageError: the answer cannot be kept in its conversation.
        """
        if asked.dialogue.turns is None:
            session, before, events = None, None, engine.aevents(asked.question)
            self._start(asked, engine, None)
        else:
            session = engine.chat()
            session.restore(asked.dialogue.turns)
            before, events = session.history, session.aevents(asked.question)
        standalone = None
        async with aclosing(events):
            async for event in events:
                match event:
                    case QuestionCondensed(condensation):
                        standalone = condensation.standalone
                        self._start(asked, engine, standalone)
                    case AnswerFinished(answer):
                        turn = session.history[-1] if session and session.history is not before else None
                        await self._finish(asked, answer, standalone, turn)
                    case _:
                        await self._log(event, has_begun)

    def _start(self, asked: Asked, engine: QueryEngine, standalone: str | None) -> None:
        self.running.add(
            "start",
            {
                "request_id": self.running.request_id,
                "answer_id": self.running.answer_id,
                "question": asked.question,
                "standalone": standalone,
                "collections": list(engine.collections),
                "models": engine.models,
            },
        )

    async def _log(self, event: AnswerEvent, has_begun: Callable[[], None]) -> None:
        match event:
            case PassagesFound(passages):
                self.passages = await to_thread(self._link_passages, passages)
                self.running.add("passages", {"passages": self.passages})
            case TextAdded(text):
                self.begun = True
                has_begun()
                self.running.add("delta", {"text": text})
            case TextReplaced(text, reason):
                self.running.add("replace", {"text": text, "reason": reason})
            case CitationAdded(citation):
                self.running.add("citation", await to_thread(self._link, citation))

    async def _finish(self, asked: Asked, answer: Answer, standalone: str | None, turn: Turn | None) -> None:
        self.running.finish(await to_thread(self._kept, asked, answer, standalone or asked.question, turn))

    def _kept(self, asked: Asked, answer: Answer, standalone: str, turn: Turn | None) -> dict[str, Any]:
        """The body of an answer, after it has been kept."""
        running = self.running
        body = {
            **answer.to_dict(asked.explain),
            "citations": [self._link(citation) for citation in answer.citations],
            "passages": self._link_passages(answer.source_nodes),
            "answer_id": running.answer_id,
            "request_id": running.request_id,
        }
        asked.dialogue.keep(turn, body)
        kept = KeptAnswer(body, standalone, list(asked.collections), len(running.events) + 1)
        try:
            self.citations.remember(answer.citations)
            self.answers.put(running.owner, kept)
        except StorageError as error:  # the answer is worth more than that it can be fetched again
            logger.warning("request %s: its answer cannot be fetched again: %s", running.request_id, error)
        return body

    def _link_passages(self, passages: Sequence[NodeWithScore]) -> list[dict[str, Any]]:
        return [
            self.links.linked_passage(passage_to_dict(rank, node)) for rank, node in enumerate(passages, 1)
        ]

    def _link(self, citation: Citation) -> dict[str, Any]:
        for known, linked in self._linked:
            if known == citation:
                return linked
        linked = self.links.linked(citation)
        self._linked.append((citation, linked))
        return linked
