"""SDKs that speak OpenAI's protocol ask the server as if it were a model."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from served import ServedApp

from qa_engine import REFUSAL

QUESTION = "雷峰塔有多高？"
FOLLOW_UP = "它什么时候倒塌的？"


class TestLlamaIndex:
    @pytest.fixture
    def llm(self, server: ServedApp) -> OpenAILike:
        return OpenAILike(
            model="qa-engine/西湖",
            api_base=f"{server.url}/v1",
            api_key="none",
            is_chat_model=True,
            max_retries=0,
        )

    def test_it_answers_and_streams_the_same(self, llm: OpenAILike) -> None:
        whole = llm.complete(QUESTION).text
        assert "71.679" in whole
        assert "[1]" in whole
        *_, last = llm.stream_complete(QUESTION)
        assert last.text == whole
        deltas = [reply.delta for reply in llm.stream_chat([ChatMessage(content=QUESTION)])]
        assert "".join(delta or "" for delta in deltas) == whole

    def test_it_keeps_a_conversation(self, llm: OpenAILike) -> None:
        first = llm.chat([ChatMessage(role="user", content=QUESTION)]).message
        messages = [
            ChatMessage(role="user", content=QUESTION),
            first,
            ChatMessage(role="user", content=FOLLOW_UP),
        ]
        reply = llm.chat([ChatMessage(role="system", content="Answer in French."), *messages])
        assert "1924" in (reply.message.content or "")

    def test_without_waiting(self, llm: OpenAILike) -> None:
        async def ask() -> tuple[str, str]:
            stream = await llm.astream_complete(QUESTION)
            pieces = [reply.delta or "" async for reply in stream]
            return "".join(pieces), (await llm.acomplete(QUESTION)).text

        streamed, whole = asyncio.run(ask())
        assert streamed == whole


@pytest.mark.slow
class TestLangChain:
    @pytest.fixture
    def model(self, server: ServedApp) -> Any:
        langchain = pytest.importorskip("langchain_openai", reason="the extra bench is not installed")
        return langchain.ChatOpenAI(
            model="qa-engine/西湖", base_url=f"{server.url}/v1", api_key="none", max_retries=0
        )

    def test_it_answers_and_streams_the_same(self, model: Any) -> None:
        whole = model.invoke(QUESTION)
        assert "71.679" in whole.text
        assert whole.response_metadata["finish_reason"] == "stop"
        pieces = list(model.stream(QUESTION))
        assert "".join(piece.text for piece in pieces) == whole.text

    def test_it_keeps_a_conversation(self, model: Any) -> None:
        first = model.invoke(QUESTION)
        reply = model.invoke([("system", "Be brief."), ("user", QUESTION), first, ("user", FOLLOW_UP)])
        assert "1924" in reply.text

    def test_without_waiting(self, model: Any) -> None:
        assert "71.679" in asyncio.run(model.ainvoke(QUESTION)).text


@pytest.mark.slow
class TestOpenAIAgents:
    """An agent without tools, whose traces stay here."""

    @pytest.fixture
    def agents(self) -> Any:
        agents = pytest.importorskip("agents", reason="openai-agents is not installed")
        agents.set_tracing_disabled(True)
        return agents

    def agent(self, agents: Any, server: ServedApp) -> Any:
        import openai

        client = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        model = agents.OpenAIChatCompletionsModel(model="qa-engine/西湖", openai_client=client)
        return agents.Agent(name="reader", instructions="Answer from the documents.", model=model)

    def test_a_run_ends_with_the_answer(self, agents: Any, server: ServedApp) -> None:
        async def run() -> tuple[str, str]:
            agent = self.agent(agents, server)
            done = await agents.Runner.run(agent, QUESTION)
            follow_up = [*done.to_input_list(), {"role": "user", "content": FOLLOW_UP}]
            return done.final_output, (await agents.Runner.run(agent, follow_up)).final_output

        first, second = asyncio.run(run())
        assert "71.679" in first
        assert "1924" in second

    def test_a_streamed_run(self, agents: Any, server: ServedApp) -> None:
        async def run() -> tuple[str, str]:
            result = agents.Runner.run_streamed(self.agent(agents, server), QUESTION)
            text = ""
            async for event in result.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    text += event.data.delta
            return text, result.final_output

        streamed, final = asyncio.run(run())
        assert streamed == final
        assert "71.679" in final

    def test_a_refusal(self, agents: Any, server: ServedApp) -> None:
        agent = self.agent(agents, server)
        done = asyncio.run(agents.Runner.run(agent, "火星上有多少家咖啡馆在卖热气球？"))
        assert done.final_output == REFUSAL
