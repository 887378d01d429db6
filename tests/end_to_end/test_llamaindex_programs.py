"""The engine inside LlamaIndex: tools, routers, sub-questions, chat engines, agents, callbacks and instrumentation."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.base_selector import SelectorResult, SingleSelection
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, ToolCallBlock
from llama_index.core.callbacks import CallbackManager, CBEventType
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.chat_engine import CondenseQuestionChatEngine
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.llms import MockLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen.types import SubQuestion
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import QueryEngineTool, ToolMetadata
from llama_index_instrumentation.span import SimpleSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from openai_server import OpenAIServer, chat, error

from qa_engine import Config, QueryEngine
from qa_engine.errors import InputError, ServiceUnavailableError

pytestmark = pytest.mark.usefixtures("local_model")
QUESTION = "雷峰塔有多高？"
ANSWER = chat("雷峰塔高71.679米[1]。")


@pytest.fixture(scope="module")
def engine(ingested: Path) -> QueryEngine:
    return QueryEngine.open(ingested, "西湖")


@pytest.fixture
def tool(engine: QueryEngine) -> QueryEngineTool:
    return QueryEngineTool.from_defaults(engine, name="west_lake", description="西湖的资料")


def with_llm(storage: Path, server: OpenAIServer, **options: Any) -> QueryEngine:
    llm = {"model": "qwen-plus", "base_url": server.url, "api_key": "sk-test", "max_retries": 0}
    return QueryEngine.open(storage, "西湖", Config(llm=llm), **options)


class _First:
    """A selector that always takes the first."""

    def select(self, choices: Any, query: Any) -> SelectorResult:
        return SelectorResult(selections=[SingleSelection(index=0, reason="")])

    async def aselect(self, choices: Any, query: Any) -> SelectorResult:
        return self.select(choices, query)


class _TwoQuestions:
    """A generator that asks both halves."""

    def generate(self, tools: Any, query: QueryBundle) -> list[SubQuestion]:
        return [
            SubQuestion(sub_question=q, tool_name="west_lake") for q in (QUESTION, "西湖的平均水深是多少？")
        ]

    async def agenerate(self, tools: Any, query: QueryBundle) -> list[SubQuestion]:
        return self.generate(tools, query)

    def get_prompts(self) -> dict[str, Any]:
        return {}


class TestTools:
    async def test_a_tool_answers_and_keeps_the_citations(self, tool: QueryEngineTool) -> None:
        for output in (tool.call(QUESTION), await tool.acall(input=QUESTION)):
            assert "71.679" in output.content
            assert output.raw_output.citations[0].page == 1

    async def test_a_router_hands_the_answer_through(self, tool: QueryEngineTool) -> None:
        router = RouterQueryEngine(selector=_First(), query_engine_tools=[tool], llm=MockLLM())
        for answer in (router.query(QUESTION), await router.aquery(QUESTION)):
            assert "71.679" in str(answer)
            assert answer.citations

    @staticmethod
    def sub_question_engine(engine: QueryEngine, use_async: bool) -> SubQuestionQueryEngine:
        return SubQuestionQueryEngine(
            question_gen=_TwoQuestions(),
            response_synthesizer=get_response_synthesizer(llm=MockLLM(), use_async=False),
            query_engine_tools=[QueryEngineTool(engine, ToolMetadata("西湖的资料", "west_lake"))],
            callback_manager=CallbackManager([]),
            use_async=use_async,
            verbose=False,
        )

    @pytest.mark.parametrize("use_async", [False, True])
    def test_sub_questions_are_answered_each(self, engine: QueryEngine, use_async: bool) -> None:
        answer = self.sub_question_engine(engine, use_async).query("雷峰塔多高，西湖多深？")
        texts = [node.get_content() for node in answer.source_nodes]
        assert any("71.679" in text for text in texts)
        assert sum(text.startswith("Sub question") for text in texts) == 2

    async def test_sub_questions_are_answered_async_too(self, engine: QueryEngine) -> None:
        answer = await self.sub_question_engine(engine, True).aquery("雷峰塔多高，西湖多深？")
        assert sum(node.get_content().startswith("Sub question") for node in answer.source_nodes) == 2

    def test_a_condensing_chat_engine_of_llamaindex_asks_it(self, ingested: Path) -> None:
        with OpenAIServer(ANSWER, chat("雷峰塔在哪一年重建？"), chat("2002年[1]。")) as server:
            engine = with_llm(ingested, server)
            chatting = CondenseQuestionChatEngine.from_defaults(engine, llm=engine._synthesizer._llm)
            chatting.chat(QUESTION)
            response = chatting.chat("它在哪一年重建？")
        assert str(response) == "2002年[1]。"
        assert response.source_nodes

    async def test_an_agent_calls_it(self, tool: QueryEngineTool) -> None:
        agent = FunctionAgent(tools=[tool], llm=_Scripted(), system_prompt="用工具回答。")
        result = await agent.run(QUESTION)
        assert "71.679" in str(result)
        assert result.tool_calls[0].tool_output.raw_output.citations


class _Scripted(MockFunctionCallingLLM):
    """Calls the tool once, then repeats what it said."""

    async def astream_chat_with_tools(self, tools: Any, **kwargs: Any) -> Any:
        messages = kwargs["chat_history"]
        said = [m for m in messages if m.role == MessageRole.TOOL]
        call = ToolCallBlock(tool_call_id="1", tool_name="west_lake", tool_kwargs={"input": QUESTION})
        message = (
            ChatMessage(role=MessageRole.ASSISTANT, content=said[-1].content)
            if said
            else ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])
        )

        async def replies() -> Any:
            yield ChatResponse(message=message, delta=message.content or "")

        return replies()


class TestPrompts:
    def test_all_are_reached_from_the_engine(self, ingested: Path) -> None:
        with OpenAIServer(ANSWER, chat("雷峰塔在哪一年重建？"), ANSWER) as server:
            engine = with_llm(ingested, server)
            names = {
                "response_synthesizer:text_qa_template",
                "question_condenser:condense_question_prompt",
            }
            assert names <= set(engine.get_prompts())
            engine.update_prompts(
                {
                    "response_synthesizer:text_qa_template": PromptTemplate("答：{context_str} {query_str}"),
                    "question_condenser:condense_question_prompt": PromptTemplate(
                        "改：{chat_history} {question}"
                    ),
                }
            )
            session = engine.chat()
            session.ask(QUESTION)
            session.ask("它在哪一年重建？")
        assert [request.user[:2] for request in server.requests] == ["答：", "改：", "答："]

    def test_an_unknown_one_is_refused(self, engine: QueryEngine) -> None:
        with pytest.raises(ValueError, match="nope"):
            engine.update_prompts({"nope:x": PromptTemplate("x")})
        with pytest.raises(InputError, match=r"'text_qa_template' here.*none, as no language model is asked"):
            engine.update_prompts({"text_qa_template": PromptTemplate("{context_str} {query_str}")})

    def test_nothing_is_replaced_by_templates_that_lack_the_passages(self, ingested: Path) -> None:
        name, other = "response_synthesizer:text_qa_template", "question_condenser:condense_question_prompt"
        with OpenAIServer(ANSWER) as server, with_llm(ingested, server) as engine:
            before = engine.get_prompts()
            for prompts, told in [
                ({"text_qa_template": PromptTemplate("{context_str}{query_str}")}, rf"{name}, {other}"),
                (
                    {name: PromptTemplate("{query_str}")},
                    r"'text_qa_template' needs .*\{context_str\}.*has \{query_str\}",
                ),
                ({name: "{context_str} {query_str}"}, "has to be a LlamaIndex template, not str"),
                ({other: PromptTemplate("{chat_history}{question}"), name: PromptTemplate("x")}, "has none"),
            ]:
                with pytest.raises(InputError, match=told):
                    engine.update_prompts(prompts)
            assert engine.get_prompts() == before
            mapped = PromptTemplate("{a} {b}", template_var_mappings={"context_str": "a", "query_str": "b"})
            engine.update_prompts({name: mapped})
            assert "雷峰塔" in engine.query(QUESTION).question
            assert "71.679" in server.last.user

    def test_the_template_that_is_passed_to_open_is_checked_too(self, ingested: Path) -> None:
        with pytest.raises(InputError, match="context_str"):
            QueryEngine.open(ingested, "西湖", llm=MockLLM(), text_qa_template=PromptTemplate("{query_str}"))


@pytest.mark.parametrize("argument", ["llm", "embed_model", "reranker"])
def test_the_name_of_a_model_in_place_of_the_model_is_told(ingested: Path, argument: str) -> None:
    with pytest.raises(
        InputError, match=rf"{argument} = 'gpt-4o-mini' is no LlamaIndex .* object.*configuration"
    ):
        QueryEngine.open(ingested, "西湖", **{argument: "gpt-4o-mini"})


def test_a_reranker_of_ones_own_is_told_to_be_calibrated(
    ingested: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for opened, told in [({}, False), ({"config": {"rerank": {"model": "none"}}}, True)]:
        with caplog.at_level("WARNING", "qa_engine"), QueryEngine.open(ingested, "西湖", **opened):
            assert ("No question is refused" in caplog.text and "qa-engine calibrate" in caplog.text) is told


class _Recorder(BaseCallbackHandler):
    """What LlamaIndex's callbacks tell, in order."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.told: list[tuple[str, str]] = []

    def on_event_start(self, event_type: CBEventType, *_: Any, **__: Any) -> str:
        self.told.append(("start", event_type.value))
        return ""

    def on_event_end(self, event_type: CBEventType, *_: Any, **__: Any) -> None:
        self.told.append(("end", event_type.value))

    def start_trace(self, trace_id: str | None = None) -> None:
        self.told.append(("start", f"trace {trace_id}"))

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        self.told.append(("end", f"trace {trace_id}"))

    def assert_balanced(self) -> None:
        open_events: list[str] = []
        for what, name in self.told:
            if what == "start" and name != "exception":  # LlamaIndex begins these and never ends them
                open_events.append(name)
            elif name != "exception":
                assert open_events.pop() == name, self.told
        assert open_events == []


class TestCallbacks:
    async def test_events_come_in_order_and_are_balanced(self, ingested: Path) -> None:
        for way in ("query", "aquery", "stream", "astream"):
            recorder = _Recorder()
            with OpenAIServer(ANSWER) as server:
                engine = with_llm(ingested, server, callback_manager=CallbackManager([recorder]))
                result = getattr(engine, way)(QUESTION)
                if way == "aquery":
                    await result
                elif way == "stream":
                    list(result)
                elif way == "astream":
                    [piece async for piece in result]
            recorder.assert_balanced()
            started = [name for what, name in recorder.told if what == "start"]
            assert started == ["trace query", "query", "retrieve", "synthesize", "llm"], way

    async def test_they_come_without_a_language_model_too(self, ingested: Path) -> None:
        recorder = _Recorder()
        engine = QueryEngine.open(ingested, "西湖", callback_manager=CallbackManager([recorder]))
        engine.query(QUESTION)
        await engine.aquery(QUESTION)
        recorder.assert_balanced()
        started = [name for what, name in recorder.told if what == "start"]
        assert started == ["trace query", "query", "retrieve", "synthesize"] * 2

    def test_a_search_alone_leaves_the_next_question_its_trace(self, ingested: Path) -> None:
        recorder = _Recorder()
        engine = QueryEngine.open(ingested, "西湖", callback_manager=CallbackManager([recorder]))
        for _ in range(3):
            engine.retrieve(QUESTION)
        engine.query(QUESTION)
        recorder.assert_balanced()
        started = [name for what, name in recorder.told if what == "start"]
        assert started == ["trace query", "retrieve"] * 3 + ["trace query", "query", "retrieve", "synthesize"]

    async def test_they_are_balanced_on_errors(self, ingested: Path) -> None:
        recorder = _Recorder()
        with OpenAIServer(error(503)) as server:
            engine = with_llm(ingested, server, callback_manager=CallbackManager([recorder]))
            with pytest.raises(ServiceUnavailableError):
                engine.query(QUESTION)
            with pytest.raises(ServiceUnavailableError):
                await engine.aquery(QUESTION)
            with pytest.raises(ServiceUnavailableError):
                list(engine.stream(QUESTION))
            with pytest.raises(InputError):
                engine.query(" ")
        recorder.assert_balanced()


class _Spans(BaseSpanHandler[SimpleSpan]):
    """The spans of LlamaIndex's instrumentation."""

    def new_span(self, id_: str, bound_args: Any, instance: Any = None, parent_span_id: Any = None, tags: Any = None, **_: Any) -> SimpleSpan:  # fmt: skip # noqa: E501
        return SimpleSpan(id_=id_, parent_id=parent_span_id)

    def prepare_to_exit_span(self, id_: str, bound_args: inspect.BoundArguments, **_: Any) -> SimpleSpan:
        self.completed_spans.append(self.open_spans[id_])
        return self.open_spans[id_]

    def prepare_to_drop_span(self, id_: str, bound_args: inspect.BoundArguments, **_: Any) -> SimpleSpan:
        self.dropped_spans.append(self.open_spans[id_])
        return self.open_spans[id_]

    def names(self, spans: list[SimpleSpan]) -> list[str]:
        return [span.id_.partition("-")[0] for span in spans]


@pytest.fixture
def spans() -> Iterator[_Spans]:
    handler = _Spans()
    root = get_dispatcher("root")
    root.add_span_handler(handler)
    yield handler
    root.span_handlers.remove(handler)


class TestInstrumentation:
    async def test_spans_open_and_close(self, ingested: Path, spans: _Spans) -> None:
        with OpenAIServer(ANSWER) as server:
            engine = with_llm(ingested, server)
            for way in ("query", "aquery", "stream", "astream"):
                result = getattr(engine, way)(QUESTION)
                if way == "aquery":
                    await result
                elif way == "stream":
                    list(result)
                elif way == "astream":
                    [piece async for piece in result]
                names = spans.names(spans.completed_spans)
                assert names.count(f"QueryEngine.{way}") == 1
                assert {
                    "HybridRetriever.retrieve",
                    "VectorIndexRetriever.retrieve",
                    "BilingualBM25Retriever.retrieve",
                    "PassageBuilder._postprocess_nodes",
                    "PassageRerank._postprocess_nodes",
                } <= set(names)
                roots = [span for span in spans.completed_spans if span.parent_id is None]
                assert spans.names(roots) == [f"QueryEngine.{way}"]
                assert spans.open_spans == {}
                spans.completed_spans.clear()
        assert spans.dropped_spans == []

    async def test_spans_are_dropped_on_errors(self, ingested: Path, spans: _Spans) -> None:
        with OpenAIServer(error(503)) as server:
            engine = with_llm(ingested, server)
            with pytest.raises(ServiceUnavailableError):
                engine.query(QUESTION)
            with pytest.raises(ServiceUnavailableError):
                [piece async for piece in engine.astream(QUESTION)]
        names = spans.names(spans.dropped_spans)
        assert {"QueryEngine.query", "QueryEngine.astream"} <= set(names)
        assert spans.open_spans == {}

    def test_a_stream_that_is_closed_early_has_ended(self, engine: QueryEngine, spans: _Spans) -> None:
        stream = engine.stream(QUESTION)
        next(stream)
        stream.close()
        assert spans.open_spans == {}
        assert spans.dropped_spans == []

    def test_two_streams_in_turns_do_not_get_into_each_other(
        self, engine: QueryEngine, spans: _Spans
    ) -> None:
        one, other = engine.stream(QUESTION), engine.stream(QUESTION)
        next(one)
        next(other)
        list(one)
        list(other)
        roots = [span for span in spans.completed_spans if span.parent_id is None]
        assert spans.names(roots) == ["QueryEngine.stream"] * 2

    def test_a_session_is_the_root_of_its_question(self, engine: QueryEngine, spans: _Spans) -> None:
        session = engine.chat()
        session.ask(QUESTION)
        list(session.stream("它在哪一年重建？"))
        roots = [span for span in spans.completed_spans if span.parent_id is None]
        assert spans.names(roots) == ["ChatSession.ask", "ChatSession.stream"]


def test_answers_are_json_for_tools(engine: QueryEngine) -> None:
    assert json.dumps(engine.query(QUESTION).to_dict(), ensure_ascii=False)
    assert issubclass(_Scripted, FunctionCallingLLM)
