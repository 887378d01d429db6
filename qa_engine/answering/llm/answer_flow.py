"""One answer of a language model: sends the prompt, reads the reply, and asks again if the answer breaks a rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.schema import NodeWithScore

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.checks.citations import build_answer, build_citations, refusal
from qa_engine.answering.checks.grounding import unsupported
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.answering.events import CitationAdded, Streaming, TextReplaced
from qa_engine.answering.llm.context_budget import fit_passages
from qa_engine.answering.llm.finish_reason import FinishReason
from qa_engine.answering.llm.normalise import StreamNormaliser, normalise
from qa_engine.answering.llm.prompt import format_passages, neutralise_question
from qa_engine.answering.usage import Prices, Usage
from qa_engine.errors import QAEngineError
from qa_engine.flow import Flow, Piece, call, read
from qa_engine.models.remote.service_errors import llm_errors
from qa_engine.text.citation_marks import CITATION, CitedNumbers, is_marks_alone
from qa_engine.text.prompt_sanitizer import neutralise_markup
from qa_engine.text.reply_wrappers import without_wrappers

logger = logging.getLogger("qa_engine.answering")


@dataclass(frozen=True)
class Draft:
    """A normalised reply, and the passages that it could cite.

    Attributes:
        text: the normalised text.
        refused: whether the text is the refusal.
        passages: the passages that the model was shown, as ``[n]`` counts them.
        finish: how the reply ended.
        empty: whether the reply was empty, or nothing but citation marks and punctuation.
    """

    text: str
    refused: bool
    passages: Sequence[NodeWithScore]
    finish: FinishReason
    empty: bool = False

    @cached_property
    def uncited(self) -> bool:
        """Whether it is an answer that cites no passage."""
        return not self.refused and CITATION.search(self.text) is None

    @cached_property
    def foreign(self) -> bool:
        """Whether it is an answer that is not Chinese."""
        return not self.refused and not is_chinese_answer(self.text)

    @property
    def violations(self) -> int:
        """How many of these two rules the text breaks."""
        return self.uncited + self.foreign


@dataclass
class AnswerFlow:
    """The course of one answer, as a flow (see `qa_engine.flow`).

    Attributes:
        llm: the model that is asked.
        prompt: template with the variables ``context_str`` and ``query_str``.
        question: the question as it was asked.
        nodes: passages, best first.
        arguments: further variables of the prompt.
        retries: how often an answer that is empty, cites nothing or is not Chinese is asked for again, 0 or 1.
        prices: of the model's tokens.
    """

    llm: LLM
    prompt: BasePromptTemplate
    question: str
    nodes: Sequence[NodeWithScore]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 1
    prices: Prices | None = None
    _replies: list[FinishReason] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._passages = self._fitting(self.nodes, "")
        self._first = self._messages(self._passages)

    def steps(self, live: Streaming = Streaming.NOTHING) -> Flow[Draft]:
        """The last draft, after its text has been shown.

        Args:
            live: whether to read the reply as a stream, and to show pieces as soon as they are sure to belong to the
                answer. With `Streaming.TEXT`, a second call is then possible only as long as nothing has been shown. With
                `Streaming.EVENTS`, it replaces what has been shown, and citations are told without boxes.

        Raises:
            QAEngineError: the reply is not whole; see `FinishReason`.
            ServiceUnavailableError: the model sent nothing, twice if it was asked again.
        """
        if live is not Streaming.NOTHING:
            return (yield from self._streamed(live is Streaming.EVENTS))
        draft = self._read((yield from self._chat(self._first)), self._passages)
        draft = yield from self._retried(draft)
        yield Piece(draft.text)
        return draft

    def _streamed(self, takes_back: bool) -> Flow[Draft]:
        finish = self._next_reply()
        normaliser = StreamNormaliser(len(self._passages), takes_back)
        shown, written, cited = False, "", CitedNumbers()

        def show(piece: str) -> Flow[None]:
            nonlocal shown, cited
            if normaliser.taken_back and not piece:
                return  # what comes in its place says why it is taken back
            if normaliser.taken_back:
                normaliser.taken_back, cited = False, CitedNumbers()
                yield Piece(TextReplaced(piece, "refusal" if piece == REFUSAL else "repair"))
            elif piece:
                yield Piece(piece)
            shown = shown or bool(piece)
            if takes_back and (numbers := cited.feed(piece)):
                marks = "".join(f"[{number}]" for number in numbers)
                for citation in build_citations(marks, self._passages):
                    yield Piece(CitationAdded(citation))

        def each(reply: ChatResponse) -> Flow[None]:
            nonlocal written
            finish.observe(reply)
            delta = reply.delta or ""
            written += delta
            yield from show(normaliser.feed(delta))

        with llm_errors(self.llm):
            yield from read(
                partial(self.llm.stream_chat, self._first),
                partial(self.llm.astream_chat, self._first),
                each,
            )
        finish.check_stream()
        rest, text, refused = normaliser.finish()
        draft = Draft(text, refused, self._passages, finish, is_empty(written))
        if not shown:
            draft = yield from self._retried(draft)
            yield from show(draft.text)
            return draft
        yield from show(rest)
        if not takes_back:
            return draft
        better = yield from self._retried(draft)
        if better is not draft:
            yield Piece(TextReplaced(better.text, "refusal" if better.refused else "repair"))
        return better

    def _retried(self, draft: Draft) -> Flow[Draft]:
        """The draft, or a better one from a second call."""
        if not (draft.empty or draft.violations):
            return draft
        if not self.retries:
            if draft.empty:
                raise draft.finish.empty_reply_error()
            return draft
        logger.info(
            "The answer of %s is asked for again: empty %s, without citation %s, not Chinese %s.",
            draft.finish.model,
            draft.empty,
            draft.uncited,
            draft.foreign,
        )
        # After an empty reply, the first messages are sent again.
        request = "" if draft.empty else retry_request(draft)
        passages = self._fitting(self._passages, draft.text + request if request else "")
        messages = self._messages(passages)
        if request:
            messages += [
                ChatMessage(role=MessageRole.ASSISTANT, content=neutralise_markup(draft.text)),
                ChatMessage(role=MessageRole.USER, content=request),
            ]
        try:
            second = self._read((yield from self._chat(messages)), passages)
        except QAEngineError as error:
            if draft.empty:
                raise
            logger.warning(
                "The second call for an answer failed, and the first answer is returned: %s", error
            )
            return draft  # it is whole, and better than an error
        if draft.empty and second.empty:
            raise second.finish.empty_reply_error()
        if second.empty or (not draft.empty and second.violations > draft.violations):
            return draft
        return second

    def answer(self, draft: Draft, sources: Sequence[NodeWithScore]) -> Answer:
        """The answer that the last draft becomes; ``sources`` are all passages that were passed in, best first."""
        if draft.refused:
            answer = refusal(self.question, sources)
        else:
            citations = build_citations(draft.text, draft.passages)
            answer = build_answer(self.question, draft.text, sources, citations)
            answer.unsupported = unsupported(draft.text, self.question, draft.passages)
        answer.unverified, answer.foreign = draft.uncited, draft.foreign
        answer.repaired = len(self._replies) > 1
        answer.usage = Usage.sum([reply.usage for reply in self._replies])
        own = self.llm.metadata.model_name
        if self.prices and answer.usage and all(reply.model == own for reply in self._replies):
            answer.cost = self.prices.cost(answer.usage)
        answer.models = {"llm": draft.finish.model}
        return answer

    def _chat(self, messages: Sequence[ChatMessage]) -> Flow[ChatResponse]:
        with llm_errors(self.llm):
            return (yield from call(partial(self.llm.chat, messages), partial(self.llm.achat, messages)))

    def _next_reply(self) -> FinishReason:
        self._replies.append(FinishReason(self.llm))
        return self._replies[-1]

    def _read(self, reply: ChatResponse, passages: Sequence[NodeWithScore]) -> Draft:
        finish = self._next_reply()
        finish.observe(reply)
        finish.check_whole()
        text = reply.message.content or ""
        normalised = normalise(text, len(passages))
        return Draft(*normalised, passages, finish, is_empty(text))

    def _variables(self) -> dict[str, Any]:
        return {**self.arguments, "query_str": neutralise_question(self.question)}

    def _fitting(self, nodes: Sequence[NodeWithScore], addition: str) -> list[NodeWithScore]:
        bare = self.prompt.format(context_str="", **self._variables())
        return fit_passages(nodes, bare + addition, *limits(self.llm))

    def _messages(self, passages: Sequence[NodeWithScore]) -> list[ChatMessage]:
        return self.prompt.format_messages(
            llm=self.llm, context_str=format_passages(passages), **self._variables()
        )


def is_empty(reply: str) -> bool:
    """Whether a reply is empty, or nothing but citation marks and punctuation."""
    return not reply.strip() or is_marks_alone(without_wrappers(reply) or reply)


def retry_request(draft: Draft) -> str:
    """The Chinese request for a better answer than this one."""
    faults = []
    if draft.uncited:
        faults.append("没有标出所依据的资料编号")
    if draft.foreign:
        faults.append("没有用中文书写")
    return (
        f"上面的回答{'，也'.join(faults)}。请只依据已知信息重写这个回答：用中文书写（人名、术语、型号可以保留原文），"
        f"每个结论后面用方括号标出资料编号，例如 [1]，编号必须是已知信息里有的。只输出重写后的回答。"
        f"如果已知信息里没有答案，只回复：{REFUSAL}"
    )


def limits(llm: LLM) -> tuple[int, int]:
    """Tokens that the model takes and tokens of its answer; an unlimited answer counts as 1024."""
    metadata = llm.metadata
    return metadata.context_window, metadata.num_output if metadata.num_output > 0 else 1024
