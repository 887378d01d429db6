"""The course of one answer: what the language model is asked, what is made of its replies, and when it is asked again."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.schema import NodeWithScore

from qa_engine.answering.answer import Answer
from qa_engine.answering.checks.citations import build_answer
from qa_engine.answering.checks.grounding import unsupported
from qa_engine.answering.llm.context_budget import fit_passages
from qa_engine.answering.llm.finish_reason import ReplyEnd
from qa_engine.answering.llm.normalise import StreamNormaliser, normalise
from qa_engine.answering.llm.prompt import format_passages, neutralise_question
from qa_engine.answering.llm.retry_prompt import Defects, repair_messages, repair_request
from qa_engine.answering.usage import Prices, Usage
from qa_engine.errors import QAEngineError

Rounds = Generator[list[ChatMessage], ChatResponse, "Draft"]
"""Yields what to send to the model, takes its reply (or the error that came instead), and returns the draft."""


@dataclass(frozen=True)
class Draft:
    """A normalised reply, and the passages that it could cite.

    Attributes:
        text: normalised.
        refused: whether it is the refusal.
        passages: that the model was shown, as ``[n]`` counts them.
        end: how the reply ended.
        empty: whether nothing came at all.
    """

    text: str
    refused: bool
    passages: Sequence[NodeWithScore]
    end: ReplyEnd
    empty: bool = False

    @property
    def defects(self) -> Defects:
        """What is wrong with its form."""
        return Defects.of(self.text, self.refused)


@dataclass
class Drafting:
    """Everything about one answer but the sending, so that blocking, async and streamed answers have one course.

    Attributes:
        llm: the model that is asked, for its limits and names.
        prompt: with the variables ``context_str`` and ``query_str``.
        question: as it was asked.
        nodes: passages, best first.
        arguments: further variables of the prompt.
        repairs: how often an answer without citations or in another language is asked for again.
        prices: of the model's tokens.
    """

    llm: LLM
    prompt: BasePromptTemplate
    question: str
    nodes: Sequence[NodeWithScore]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    repairs: int = 1
    prices: Prices | None = None
    _ends: list[ReplyEnd] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.passages = self._fitting(self.nodes, "")
        self.messages = self._messages(self.passages)

    def rounds(self) -> Rounds:
        """All of it."""
        reply = yield self.messages
        return (yield from self.repaired(self._read(reply, self.passages)))

    def begin(self) -> ReplyEnd:
        """What looks at the pieces of a reply that is streamed."""
        end = ReplyEnd(self.llm)
        self._ends.append(end)
        return end

    def repaired(self, draft: Draft) -> Rounds:
        """The draft, or a better one for which the model was asked once more.

        Raises:
            ServiceUnavailableError: the model sent nothing, twice if it was asked again.
        """
        if not (draft.empty or draft.defects.count):
            return draft
        if not self.repairs:
            if draft.empty:
                raise draft.end.nothing_came()
            return draft
        told = "" if draft.empty else draft.text + repair_request(draft.defects)
        passages = self._fitting(self.passages, told)
        messages = self._messages(passages)
        try:
            reply = yield repair_messages(messages, "" if draft.empty else draft.text, draft.defects)
            second = self._read(reply, passages)
        except QAEngineError:
            if draft.empty:
                raise
            return draft  # it is whole, and better than an error
        if draft.empty and second.empty:
            raise second.end.nothing_came()
        if second.empty or (not draft.empty and second.defects.count > draft.defects.count):
            return draft
        return second

    def answer(self, draft: Draft, sources: Sequence[NodeWithScore]) -> Answer:
        """The answer that a draft has become.

        Args:
            draft: the last one.
            sources: all passages that were given, best first.
        """
        answer = build_answer(self.question, draft.text, draft.refused, draft.passages, sources)
        answer.unverified, answer.foreign = draft.defects.uncited, draft.defects.foreign
        answer.repaired = len(self._ends) > 1
        if not draft.refused:
            answer.unsupported = unsupported(draft.text, self.question, draft.passages)
        answer.usage = Usage.sum([end.usage for end in self._ends])
        own = self.llm.metadata.model_name
        if self.prices and answer.usage and all(end.model == own for end in self._ends):
            answer.cost = self.prices.cost(answer.usage)
        answer.models = {"llm": draft.end.model}
        return answer

    def _read(self, reply: ChatResponse, passages: Sequence[NodeWithScore]) -> Draft:
        end = self.begin()
        end.see(reply)
        end.check_whole()
        text = reply.message.content or ""
        return Draft(*normalise(text, len(passages)), passages, end, empty=not text.strip())

    def _variables(self) -> dict[str, Any]:
        return {**self.arguments, "query_str": neutralise_question(self.question)}

    def _fitting(self, nodes: Sequence[NodeWithScore], further: str) -> list[NodeWithScore]:
        bare = self.prompt.format(context_str="", **self._variables())
        return fit_passages(nodes, bare + further, *limits(self.llm))

    def _messages(self, passages: Sequence[NodeWithScore]) -> list[ChatMessage]:
        return self.prompt.format_messages(
            llm=self.llm, context_str=format_passages(passages), **self._variables()
        )


class StreamReading:
    """Makes pieces of an answer and in the end a draft out of the pieces of a reply.

    Args:
        drafting: whose messages are replied to.

    Attributes:
        rest: after the end, what is left to pass on.
    """

    def __init__(self, drafting: Drafting) -> None:
        self._passages = drafting.passages
        self._end = drafting.begin()
        self._normaliser = StreamNormaliser(len(self._passages))
        self._shown, self._empty = False, True
        self.rest = ""

    def feed(self, reply: ChatResponse) -> str:
        """What may be passed on now."""
        self._end.see(reply)
        delta = reply.delta or ""
        self._empty = self._empty and not delta.strip()
        piece = self._normaliser.feed(delta)
        self._shown = self._shown or bool(piece)
        return piece

    def finish(self) -> Draft:
        """The draft, after the end of the stream.

        Raises:
            QAEngineError: the reply is not whole; see `ReplyEnd.check_stream`.
        """
        self._end.check_stream()
        self.rest, text, refused = self._normaliser.finish()
        return Draft(text, refused, self._passages, self._end, self._empty)

    @property
    def repairable(self) -> bool:
        """Whether nothing has been passed on yet."""
        return not self._shown


def limits(llm: LLM) -> tuple[int, int]:
    """Tokens that the model takes and tokens of its answer; an unlimited answer counts as 1024."""
    metadata = llm.metadata
    return metadata.context_window, metadata.num_output if metadata.num_output > 0 else 1024
