"""Events of real engines: extractive answers, refusals, answers about documents, streams of a model, conversations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from openai_server import OpenAIServer, chat, cut_stream

from qa_engine import Answer, Config, QueryEngine
from qa_engine.answering.answer import passage_to_dict
from qa_engine.answering.events import (
    AnswerEvent,
    AnswerFinished,
    CitationAdded,
    PassagesFound,
    QuestionCondensed,
    TextAdded,
    TextReplaced,
)
from qa_engine.errors import InputError, ServiceUnavailableError

pytestmark = pytest.mark.usefixtures("local_model")
QUESTION = "雷峰塔有多高？"


async def _all(events: AsyncGenerator[AnswerEvent, None]) -> list[AnswerEvent]:
    return [event async for event in events]


def blocking(events: Generator[AnswerEvent, None, None]) -> list[AnswerEvent]:
    return list(events)


def plain(answer: Answer) -> dict[str, Any]:
    return {**answer.to_dict(), "timings": {}}


def checked(events: Sequence[AnswerEvent]) -> Answer:
    """The answer at the end, after all events were compared with it."""
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    text, citations = "", []
    for event in events:
        match event:
            case TextAdded():
                text += event.text
            case TextReplaced():
                text, citations = event.text, []
            case CitationAdded():
                citations.append(event.citation)
    assert text == last.answer.response
    assert citations == last.answer.citations
    (found,) = [event for event in events if isinstance(event, PassagesFound)]
    passages = [passage_to_dict(rank, node) for rank, node in enumerate(found.passages, 1)]
    assert passages == last.answer.to_dict()["passages"]
    return last.answer


@pytest.mark.parametrize(
    "question",
    [
        "雷峰塔有多高？",
        "火星上的雷峰塔有多少人口？",
        "这些文件有多少页？",
        "西湖介绍.pdf有几页？",
        "How high is the pagoda?",
    ],
)
def test_the_answer_at_the_end_is_that_of_query(ingested: Path, question: str) -> None:
    with QueryEngine.open(ingested, "西湖") as engine:
        expected = plain(engine.query(question))
        assert plain(checked(blocking(engine.events(question)))) == expected
        assert plain(checked(asyncio.run(_all(engine.aevents(question))))) == expected


def test_citations_of_a_model_come_with_their_boxes_while_it_writes(ingested: Path) -> None:
    with OpenAIServer(chat("雷峰塔高约71米[1]。它在杭州[2]，很有名。")) as server:
        config = Config(llm={"model": "m", "base_url": server.url}, answering={"llm_threshold": 0})
        with QueryEngine.open(ingested, "西湖", config) as engine:
            events = asyncio.run(_all(engine.aevents(QUESTION)))
            expected = plain(engine.query(QUESTION))
    answer = checked(events)
    assert plain(answer) == expected
    assert all(citation.boxes for citation in answer.citations)
    kinds = [type(event) for event in events]
    assert kinds[0] is PassagesFound
    assert kinds.index(CitationAdded) < len(kinds) - 1 - kinds[::-1].index(TextAdded)


def test_any_synthesizer_gives_events(ingested: Path) -> None:
    synthesizer = get_response_synthesizer(
        llm=MockLLM(),
        response_mode=ResponseMode.COMPACT,
        text_qa_template=PromptTemplate("见[1]：{query_str}"),
        callback_manager=MockLLM().callback_manager,
    )
    with QueryEngine.open(ingested, "西湖", response_synthesizer=synthesizer) as engine:
        assert checked(blocking(engine.events(QUESTION))).citations


def test_a_stream_that_breaks_is_an_error_after_its_first_events(ingested: Path) -> None:
    with OpenAIServer(cut_stream(["雷峰塔高约71米[1]。", "它在"])) as server:
        config = Config(llm={"model": "m", "base_url": server.url}, answering={"llm_threshold": 0})
        with QueryEngine.open(ingested, "西湖", config) as engine:
            events = []
            with pytest.raises(ServiceUnavailableError, match="broke off"):
                for event in engine.events(QUESTION):
                    events.append(event)
    assert isinstance(events[0], PassagesFound)
    assert TextAdded("雷峰塔高约71米[1]。") in events


def test_wrong_questions_are_refused_before_anything_happens(ingested: Path) -> None:
    with QueryEngine.open(ingested, "西湖") as engine:
        with pytest.raises(InputError):
            engine.events(" ")
        with pytest.raises(InputError):
            engine.aevents(" ")
        with pytest.raises(InputError, match="top_k must be > 0, got 0"):
            engine.with_top_k(0)


def test_so_many_passages_as_are_wanted(ingested: Path) -> None:
    with QueryEngine.open(ingested, "西湖") as engine:
        for top_k in (1, 3):
            answer = checked(blocking(engine.with_top_k(top_k).events(QUESTION)))
            configured = Config(answering={"passages": top_k})
            with QueryEngine.open(ingested, "西湖", configured) as other:
                assert plain(answer) == plain(other.query(QUESTION))
        assert engine.with_top_k(None) is engine


def test_a_conversation_tells_the_standalone_question_first(ingested: Path) -> None:
    with QueryEngine.open(ingested, "西湖") as engine:
        session, other = engine.chat(), engine.chat()
        for question in (QUESTION, "它在哪里？", "刚才我问的是什么？"):
            events = blocking(session.events(question))
            assert isinstance(events[0], QuestionCondensed)
            assert plain(checked(events)) == plain(other.ask(question))
        assert session.history == other.history
        events = asyncio.run(_all(session.aevents("它在哪里？")))
        assert isinstance(events[0], QuestionCondensed)
        assert events[0].condensation.standalone == "雷峰塔在哪里？"
        checked(events)
