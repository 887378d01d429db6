"""Conversations, with the real local model and a real HTTP server for the language model."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command_line import run
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine.types import BaseChatEngine
from openai_server import OpenAIServer, chat, error

from qa_engine import REFUSAL, Config, QueryEngine
from qa_engine.conversation.turns import Turn
from qa_engine.errors import InputError, ServiceUnavailableError

pytestmark = pytest.mark.usefixtures("local_model")
TOWER = "雷峰塔有多高？"
FOLLOW_UP = "它在哪一年重建？"
STANDALONE = "雷峰塔在哪一年重建？"
OFF_TOPIC = "如何申请美国签证？"


@pytest.fixture(scope="module")
def engine(ingested: Path) -> QueryEngine:
    return QueryEngine.open(ingested, "西湖")


def with_llm(storage: Path, server: OpenAIServer) -> QueryEngine:
    llm = {"model": "qwen-plus", "base_url": server.url, "api_key": "sk-test", "max_retries": 0}
    return QueryEngine.open(
        storage, "西湖", Config(llm=llm, conversation={"max_turns": 2}, answering={"llm_threshold": 0})
    )


class TestBadInput:
    @pytest.mark.parametrize("question", ["", " \n"])
    def test_an_empty_question_is_refused_as_elsewhere(self, engine: QueryEngine, question: str) -> None:
        session = engine.chat()
        for ask in (session.ask, session.stream, session.astream):
            with pytest.raises(InputError, match="empty"):
                ask(question)
        assert session.history == ()

    def test_a_question_during_a_stream_of_the_same_thread_is_told_what_to_do(
        self, engine: QueryEngine
    ) -> None:
        session = engine.chat()
        stream = session.stream(TOWER)
        next(stream)
        with pytest.raises(InputError, match="still being streamed"):
            session.ask(FOLLOW_UP)
        stream.close()
        assert session.history == ()
        assert not session.ask(TOWER).refused

    def test_a_question_that_fails_leaves_no_trace(self, ingested: Path) -> None:
        with OpenAIServer(chat("高71.679米[1]。"), error(503)) as server:
            session = with_llm(ingested, server).chat()
            session.ask(TOWER)
            with pytest.raises(ServiceUnavailableError):
                session.ask(FOLLOW_UP)
        assert [turn.question for turn in session.history] == [TOWER]


class TestWithoutLanguageModel:
    def test_a_pronoun_takes_the_subject(self, engine: QueryEngine) -> None:
        session = engine.chat()
        first = session.ask(TOWER)
        second = session.ask(FOLLOW_UP)
        assert first.explanation.condensation.skipped
        assert second.question == FOLLOW_UP
        condensed = second.explanation.condensation
        assert (condensed.standalone, condensed.method) == (STANDALONE, "rules")
        assert second.response == engine.query(STANDALONE).response

    def test_the_conversation_itself_is_asked_about(self, engine: QueryEngine) -> None:
        session = engine.chat()
        assert session.ask("刚才我问的是什么？").response == REFUSAL
        session.ask(TOWER)
        answer = session.ask("刚才我问的是什么？")
        assert answer.response == f"您上一个问题是：“{TOWER}”"
        assert (answer.refused, answer.citations, answer.source_nodes) == (False, [], [])
        stream = session.stream("What did I just ask?")
        assert "".join(stream) == stream.answer.response == answer.response
        assert session.ask(FOLLOW_UP).explanation.condensation.standalone == STANDALONE
        assert [turn.question for turn in session.history] == [TOWER, FOLLOW_UP]
        assert TOWER in session.ask("我的第一个问题是什么？").response

    def test_forgotten_questions_keep_their_numbers(self, ingested: Path) -> None:
        config = Config(conversation={"max_turns": 1})
        with QueryEngine.open(ingested, "西湖", config) as engine:
            session = engine.chat()
            session.ask(TOWER)
            session.ask(FOLLOW_UP)
            assert session.ask("我的第一个问题是什么？").refused
            assert FOLLOW_UP in session.ask("我的第二个问题是什么？").response

    def test_a_refused_question_leaves_the_others_as_they_are(self, engine: QueryEngine) -> None:
        session = engine.chat()
        session.ask(TOWER)
        refused = session.ask(OFF_TOPIC)
        assert refused.refused
        assert refused.response == REFUSAL
        assert session.ask(OFF_TOPIC).explanation.queries == engine.query(OFF_TOPIC).explanation.queries
        assert session.ask(FOLLOW_UP).explanation.condensation.standalone == STANDALONE

    def test_sessions_do_not_know_each_other_and_reset_forgets(self, engine: QueryEngine) -> None:
        one, other = engine.chat(), engine.chat()
        one.ask(TOWER)
        assert other.ask(FOLLOW_UP).explanation.condensation.standalone == FOLLOW_UP
        one.reset()
        assert one.history == ()
        assert one.ask(FOLLOW_UP).explanation.condensation.standalone == FOLLOW_UP

    def test_a_kept_conversation_goes_on(self, engine: QueryEngine) -> None:
        session = engine.chat()
        session.restore([Turn(TOWER, TOWER, "高71.679米。", refused=False)])
        assert session.ask(FOLLOW_UP).explanation.condensation.standalone == STANDALONE

    def test_a_reset_during_a_question_holds(self, engine: QueryEngine) -> None:
        session = engine.chat()
        stream = session.stream(TOWER)
        next(stream)
        session.reset()
        list(stream)
        assert stream.answer.response
        assert session.history == ()

    async def test_async_and_streams_agree(self, engine: QueryEngine) -> None:
        session = engine.chat()
        await session.aask(TOWER)
        stream = session.astream(FOLLOW_UP)
        text = "".join([piece async for piece in stream])
        assert text == stream.answer.response == engine.query(STANDALONE).response
        assert stream.answer.explanation.condensation.standalone == STANDALONE
        assert [turn.standalone for turn in session.history] == [TOWER, STANDALONE]

    def test_threads_of_one_session_take_turns(self, engine: QueryEngine) -> None:
        session = engine.chat()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(session.ask, [f"雷峰塔有多高？{'？' * n}" for n in range(6)]))
        assert len(session.history) == 6
        assert len({turn.question for turn in session.history}) == 6

    async def test_a_cancelled_question_lets_the_next_one_in(self, engine: QueryEngine) -> None:
        session = engine.chat()
        gone = asyncio.create_task(session.aask(TOWER))
        await asyncio.sleep(0)  # it has begun
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert not (await asyncio.wait_for(session.aask(TOWER), 20)).refused
        assert len(session.history) == 1


class TestWithLanguageModel:
    def test_a_follow_up_is_condensed_by_one_call(self, ingested: Path) -> None:
        replies = chat("高71.679米[1]。"), chat(STANDALONE), chat("2002年[1]。")
        with OpenAIServer(*replies) as server:
            session = with_llm(ingested, server).chat()
            session.ask(TOWER)
            assert len(server.requests) == 1
            answer = session.ask(FOLLOW_UP)
            assert len(server.requests) == 3
            assert "71.679米" in server.requests[1].user
            assert STANDALONE in server.last.user
            assert FOLLOW_UP not in server.last.user
        assert (answer.response, answer.question) == ("2002年[1]。", FOLLOW_UP)
        assert answer.explanation.condensation.method == "llm"
        assert answer.timings["condense"] > 0
        assert answer.timings["total"] >= answer.timings["condense"]

    def test_its_failure_costs_no_answer(self, ingested: Path) -> None:
        with OpenAIServer(chat("高71.679米[1]。"), error(500), chat("2002年[1]。")) as server:
            session = with_llm(ingested, server).chat()
            session.ask(TOWER)
            answer = session.ask(FOLLOW_UP)
        assert answer.response == "2002年[1]。"
        assert answer.explanation.condensation.error
        assert answer.explanation.condensation.standalone == FOLLOW_UP

    def test_only_so_many_turns_are_remembered(self, ingested: Path) -> None:
        with OpenAIServer(chat("答案[1]。")) as server:
            session = with_llm(ingested, server).chat()
            for question in (TOWER, "西湖在哪个城市？", "西湖的平均水深是多少？"):
                session.ask(question)
        assert [turn.question for turn in session.history] == ["西湖在哪个城市？", "西湖的平均水深是多少？"]


class TestChatEngine:
    def test_it_stands_where_llamaindex_wants_one(self, engine: QueryEngine) -> None:
        chat_engine: BaseChatEngine = engine.as_chat_engine()
        assert isinstance(chat_engine, BaseChatEngine)
        first = chat_engine.chat(TOWER)
        assert "71.679" in str(first)
        assert first.source_nodes
        assert first.sources[0].raw_output.citations
        second = chat_engine.chat(FOLLOW_UP)
        assert second.sources[0].raw_input == {"query": STANDALONE}
        roles = [message.role for message in chat_engine.chat_history]
        assert roles == [MessageRole.USER, MessageRole.ASSISTANT] * 2
        chat_engine.reset()
        assert chat_engine.chat_history == []

    def test_a_given_history_counts(self, engine: QueryEngine) -> None:
        history = [
            ChatMessage(role=MessageRole.SYSTEM, content="你是助手"),
            ChatMessage(role=MessageRole.USER, content=TOWER),
            ChatMessage(role=MessageRole.ASSISTANT, content="高71.679米。"),
        ]
        response = engine.as_chat_engine().chat(FOLLOW_UP, history)
        assert response.sources[0].raw_input == {"query": STANDALONE}

    async def test_it_streams(self, engine: QueryEngine) -> None:
        chat_engine = engine.as_chat_engine()
        response = chat_engine.stream_chat(TOWER)
        assert "71.679" in "".join(response.response_gen)
        assert "71.679" in str(response)
        assert response.source_nodes
        later = await chat_engine.astream_chat(FOLLOW_UP)
        text = "".join([piece async for piece in later.async_response_gen()])
        assert text == engine.query(STANDALONE).response
        assert later.sources[0].raw_output.citations
        assert len(chat_engine.chat_history) == 4
        assert (await chat_engine.achat(TOWER)).source_nodes


class TestCommand:
    def test_lines_in_answers_out(self, ingested: Path, model_cache: Path, tmp_path: Path) -> None:
        lines = f"{TOWER}\n\n{FOLLOW_UP}\n/reset\n{FOLLOW_UP}\n{'问' * 3000}\n{TOWER}"
        done = run(
            "chat",
            "-c",
            "西湖",
            "--storage",
            str(ingested),
            "--json",
            "--explain",
            cwd=tmp_path,
            stdin=lines,
            QA_ENGINE_CACHE=str(model_cache),
        )
        assert done.returncode == 2, done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        standalone = [line["explanation"]["condensation"]["standalone"] for line in told if "answer" in line]
        assert standalone == [TOWER, STANDALONE, FOLLOW_UP, TOWER]
        assert "3000 characters" in told[3]["error"]
        assert "3000 characters" in done.stderr

    def test_it_is_readable_and_ends_with_its_input(
        self, ingested: Path, model_cache: Path, tmp_path: Path
    ) -> None:
        arguments = ("chat", "-c", "西湖", "--storage", str(ingested))
        done = run(
            *arguments, cwd=tmp_path, stdin=f"{TOWER}\n{FOLLOW_UP}\n", QA_ENGINE_CACHE=str(model_cache)
        )
        assert done.returncode == 0, done.stderr
        assert "71.679" in done.stdout
        assert "西湖介绍.pdf 第1页" in done.stdout
        assert STANDALONE in done.stderr
