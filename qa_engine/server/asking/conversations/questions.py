"""Whose question is next in a conversation: one at a time, with the turns before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from qa_engine.server.asking.conversations.store import ConversationStore
from qa_engine.server.asking.course import Dialogue
from qa_engine.server.problems import ProblemError


@dataclass
class Conversations:
    """The conversations, each with at most one question at a time. For one event loop.

    Attributes:
        store: keeps them.
    """

    store: ConversationStore
    _busy: set[tuple[str, str]] = field(default_factory=set)

    async def question(self, owner: str, identifier: str) -> Dialogue:
        """What the next question of a conversation belongs to. Its ``ended`` must be called.

        Raises:
            ProblemError: ``conversation_busy``, or ``not_found``.
        """
        key = owner, identifier
        self._require_idle(key)
        self._busy.add(key)
        try:
            collections, turns = await to_thread.run_sync(self.store.history, owner, identifier)
        except BaseException:
            self._busy.discard(key)
            raise
        keep = partial(self.store.add, owner, identifier)
        return Dialogue(
            collections=tuple(collections), turns=turns, keep=keep, ended=partial(self._busy.discard, key)
        )

    async def delete(self, owner: str, identifier: str) -> None:
        """Deletes a conversation.

        Raises:
            ProblemError: as `question`.
        """
        self._require_idle((owner, identifier))
        await to_thread.run_sync(self.store.delete, owner, identifier)

    def _require_idle(self, key: tuple[str, str]) -> None:
        if key in self._busy:
            raise ProblemError(
                "conversation_busy", f"The conversation {key[1]!r} has a question that is being answered."
            )
