"""Events of answers: whatever a model writes, in whatever pieces, they agree with the answer at their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata, MessageRole
from llama_index.core.llms import CustomLLM
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.answer import REFUSAL, Answer, Citation
from qa_engine.answering.checks.citations import build_answer, refusal
from qa_engine.answering.events import (
    AnswerEvent,
    AnswerFinished,
    CitationAdded,
    PassagesFound,
    TextAdded,
    TextReplaced,
    aevents_of,
    events_of,
)
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.errors import QAEngineError

NODES = [
    NodeWithScore(node=TextNode(id_=f"n{n}", text=f"第{n}段说模型有{n}0亿参数。", metadata={"page": n}))
    for n in (1, 2, 3)
]
WORDS = st.sampled_from(
    [
        *("模型有70亿参数", "。", "[1]", "[2]", "【3】", "[1][2]", "［1，3］", "[9]", "\n", "它是开放的。"),
        *("The model has 7B parameters.", " [1]. ", "抱歉，", "无法回答", REFUSAL, "<think>", "</think>", "\n</think>\n"),
        *("```\n", "根据已知信息，", "模型有很多参数。" * 45, "7", "x[0]", "（资料2）"),
    ]
)  # fmt: skip
REPLIES = st.lists(WORDS, min_size=1, max_size=8).map("".join)


class ChunkedLLM(CustomLLM):
    """Replies one after the other, the last one for ever; streams are cut where the cuts say.

    Attributes:
        replies: their texts.
        cuts: lengths of the pieces of a stream, again and again.
        asked: how often it was asked.
    """

    replies: Sequence[str]
    cuts: Sequence[int] = (1,)
    asked: int = 0

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="chunked", context_window=16_384, num_output=512, is_chat_model=True)

    def _next(self) -> str:
        self.asked += 1
        return self.replies[min(self.asked, len(self.replies)) - 1]

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=self._next()))

    def stream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> Generator[ChatResponse, None, None]:
        text, place, turn = self._next(), 0, 0
        while place < len(text):
            piece = text[place : place + self.cuts[turn % len(self.cuts)]]
            place, turn = place + len(piece), turn + 1
            yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=""), delta=piece)

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> AsyncGenerator[ChatResponse, None]:
        async def pieces() -> AsyncGenerator[ChatResponse, None]:
            for piece in self.stream_chat(messages):
                yield piece

        return pieces()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


def told(events: Sequence[AnswerEvent]) -> tuple[str, list[Citation]]:
    """The text and the citations that a client of events has at the end."""
    text, citations = "", []
    for event in events:
        if isinstance(event, TextAdded):
            text += event.text
        elif isinstance(event, TextReplaced):
            text, citations = event.text, []
        elif isinstance(event, CitationAdded):
            citations.append(event.citation)
    return text, citations


def check(events: Sequence[AnswerEvent]) -> Answer:
    """The answer of events that agree with it."""
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    assert not any(isinstance(event, AnswerFinished) for event in events[:-1])
    text, citations = told(events)
    assert text == last.answer.response
    assert sorted(citations, key=lambda one: one.number) == last.answer.citations
    return last.answer


def asked(replies: Sequence[str], cuts: Sequence[int]) -> list[AnswerEvent]:
    synthesizer = ChineseAnswerSynthesizer(ChunkedLLM(replies=replies, cuts=cuts))
    return list(events_of(synthesizer.stream_events("多少参数？", NODES)))


@settings(max_examples=300, deadline=None)
@given(replies=st.lists(REPLIES, min_size=1, max_size=2), cuts=st.lists(st.integers(1, 9), min_size=1))
@example(replies=["我想想：模型有70亿参数[1]。真的。</think>\n模型有70亿参数[2]。"], cuts=[3])
@example(replies=["The model has 7B parameters [1]. It is open.", "模型有70亿参数[2]。"], cuts=[1])
@example(replies=["The model has 7B parameters [1]. It is open.", REFUSAL], cuts=[2])
def test_events_agree_with_the_answer_and_it_is_that_without_a_stream(
    replies: list[str], cuts: list[int]
) -> None:
    at_once: dict[str, Any] | str
    streamed: dict[str, Any] | str
    try:
        whole = ChineseAnswerSynthesizer(ChunkedLLM(replies=replies)).synthesize("多少参数？", NODES)
        at_once = whole.to_dict()
    except QAEngineError as error:
        at_once = str(error)
    try:
        streamed = check(asked(replies, cuts)).to_dict()
    except QAEngineError as error:
        streamed = str(error)
    assert streamed == at_once


def test_text_is_replaced_if_the_model_repairs_it_after_it_was_shown() -> None:
    events = asked(["The model has 7B parameters [1]. It is open.", "模型有70亿参数[2]。"], [4])
    (replaced,) = [event for event in events if isinstance(event, TextReplaced)]
    assert replaced == TextReplaced("模型有70亿参数[2]。", "repair")
    assert events.index(replaced) > events.index(next(e for e in events if isinstance(e, CitationAdded)))
    assert check(events).repaired


def test_text_is_replaced_by_a_refusal() -> None:
    events = asked(["The model has 7B parameters [1]. It is open.", REFUSAL], [4])
    assert TextReplaced(REFUSAL, "refusal") in events
    assert check(events).refused


def test_a_citation_comes_as_soon_as_its_mark_is_complete() -> None:
    events = asked(["模型有10亿参数[1]。它是开放的[2]。后来又有三种。"], [1])
    for number in (1, 2):
        place = next(
            at
            for at, event in enumerate(events)
            if isinstance(event, CitationAdded) and event.citation.number == number
        )
        last = events[place - 1]
        assert isinstance(last, TextAdded)
        assert f"[{number}]" in last.text
        assert "后来" not in last.text


@pytest.mark.parametrize("final", ["甲[1]。", REFUSAL])
def test_a_synthesizer_that_shows_something_else_than_its_answer_is_corrected(final: str) -> None:
    answer = (
        refusal("?", NODES)
        if final == REFUSAL
        else build_answer("?", final, NODES, [Citation(1, "a.pdf", 1, 1, "甲")])
    )
    items = ["乙", "丙[2]", CitationAdded(Citation(2, "b.pdf", 1, 1, "丙")), answer]
    events = list(events_of(item for item in items))
    assert TextReplaced(final, "refusal" if answer.refused else "repair") in events
    check(events)


def test_a_citation_that_the_answer_lacks_takes_the_text_back() -> None:
    answer = build_answer("?", "甲[1]。", NODES, [Citation(1, "a.pdf", 1, 1, "甲", score=2.0)])
    items = [PassagesFound(NODES), "甲[1]。", CitationAdded(Citation(1, "a.pdf", 1, 1, "甲")), answer]
    events = list(events_of(item for item in items))
    assert [type(event) for event in events[3:]] == [TextReplaced, CitationAdded, AnswerFinished]
    check(events)


def test_both_ways_give_the_same_events() -> None:
    replies, cuts = ["模型有10亿参数[1]。它是开放的[2]。"], [3]

    async def awaited() -> list[AnswerEvent]:
        synthesizer = ChineseAnswerSynthesizer(ChunkedLLM(replies=replies, cuts=cuts))
        return [event async for event in aevents_of(synthesizer.astream_events("多少参数？", NODES))]

    events = asyncio.run(awaited())
    assert [event for event in events if not isinstance(event, AnswerFinished)] == asked(replies, cuts)[:-1]
    check(events)
