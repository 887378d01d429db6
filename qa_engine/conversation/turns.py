"""The turns of a conversation, and the selection of those that are remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from llama_index.core.base.llms.types import ChatMessage, MessageRole

from qa_engine.answering.answer import REFUSAL
from qa_engine.text.citation_marks import CITATION


@dataclass(frozen=True)
class Turn:
    """A question and its answer.

    Attributes:
        question: the question as it was asked.
        standalone: the question as it was searched for and answered.
        response: the text of the answer, or the refusal.
        refused: whether the response is the refusal.
        files: names of the files that the answer cites.
    """

    question: str
    standalone: str
    response: str
    refused: bool
    files: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        """The answer without citation marks, which mean nothing to another question; empty for a refusal."""
        return "" if self.refused else CITATION.sub("", self.response)

    @property
    def size(self) -> int:
        """Characters of the turn."""
        return len(self.question) + len(self.standalone) + len(self.response)


def within(turns: Sequence[Turn], max_turns: int, max_chars: int) -> tuple[Turn, ...]:
    """The last turns that fit. The very last one always stays; its answer is cut if it is too long.

    Args:
        turns: the turns, the oldest first.
        max_turns: greatest number of turns.
        max_chars: greatest number of characters of questions and answers.
    """
    recent: list[Turn] = []
    budget = max_chars
    for turn in reversed(turns[-max_turns:]):
        if turn.size > budget:
            if not recent:
                room = max(0, budget - (turn.size - len(turn.response)))
                recent.append(replace(turn, response=turn.response[:room] + "…"))
            break
        recent.append(turn)
        budget -= turn.size
    return tuple(reversed(recent))


def turns_of(messages: Iterable[ChatMessage]) -> Iterator[Turn]:
    """The user's messages with their answers, without other messages and without questions that have no answer."""
    question = ""
    for message in messages:
        text = message.content or ""
        if message.role == MessageRole.USER:
            question = text
        elif message.role == MessageRole.ASSISTANT and question:
            yield Turn(question, question, text, refused=text.strip() == REFUSAL)
            question = ""
