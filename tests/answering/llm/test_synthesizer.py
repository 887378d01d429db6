from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.simple_llm_handler import SimpleLLMHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import MockLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from openai_server import OpenAIServer, Reply, chat, closed_port, cut_stream, error, hang, page

from qa_engine.answering.answer import REFUSAL, Answer, Citation
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.config import LlmConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ModelUnavailableError,
    QAEngineError,
    ServiceUnavailableError,
)
from qa_engine.models.llm import build_llm

NODES = [
    NodeWithScore(
        node=TextNode(text="模型有7B参数。", metadata={"file_name": "a.pdf", "page": 3, "page_end": 4}),
        score=0.9,
    ),
    NodeWithScore(
        node=TextNode(text="It is open. [7]", metadata={"file_name": "b.pdf", "page": 1}), score=0.5
    ),
]

Ask = Callable[[ChineseAnswerSynthesizer, list[NodeWithScore]], Answer]


def ask(synthesizer: ChineseAnswerSynthesizer, nodes: list[NodeWithScore]) -> Answer:
    return synthesizer.synthesize("多少参数？", nodes)


def aask(synthesizer: ChineseAnswerSynthesizer, nodes: list[NodeWithScore]) -> Answer:
    return asyncio.run(synthesizer.asynthesize("多少参数？", nodes))


def stream(synthesizer: ChineseAnswerSynthesizer, nodes: list[NodeWithScore]) -> Answer:
    pieces = synthesizer.stream_answer("多少参数？", nodes)
    text = "".join(pieces)
    assert text == pieces.answer.response
    return pieces.answer


def astream(synthesizer: ChineseAnswerSynthesizer, nodes: list[NodeWithScore]) -> Answer:
    async def read() -> Answer:
        pieces = synthesizer.astream_answer("多少参数？", nodes)
        text = "".join([piece async for piece in pieces])
        assert text == pieces.answer.response
        return pieces.answer

    return asyncio.run(read())


every_way = pytest.mark.parametrize("way", [ask, aask, stream, astream])


def synthesizer_for(server: OpenAIServer, **settings: object) -> ChineseAnswerSynthesizer:
    values = {"model": "qwen", "base_url": server.url, "max_retries": 1, **settings}
    return ChineseAnswerSynthesizer(build_llm(LlmConfig(**values)))


@every_way
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401), AuthenticationFailedError),
        (error(404, "The model does not exist"), ModelUnavailableError),
        (error(400, "maximum context length exceeded"), ConfigurationError),
        (error(429, retry_after="0.01"), ServiceUnavailableError),
        (error(500, retry_after="0.01"), ServiceUnavailableError),
        (page(), ServiceUnavailableError),
        (chat("半个答", finish_reason="length"), ConfigurationError),
        (chat("", finish_reason="content_filter"), QAEngineError),
    ],
)
def test_failures_have_names_in_every_way_of_asking(
    way: Ask, reply: Reply, kind: type[QAEngineError]
) -> None:
    with OpenAIServer(reply) as server, pytest.raises(kind):
        way(synthesizer_for(server), NODES)


@every_way
def test_time_out_and_closed_port(way: Ask) -> None:
    with OpenAIServer(hang(5)) as server, pytest.raises(ServiceUnavailableError, match=r"0\.2 seconds"):
        way(synthesizer_for(server, timeout_seconds=0.2, max_retries=0), NODES)
    llm = build_llm(LlmConfig(model="m", base_url=f"http://127.0.0.1:{closed_port()}/v1", max_retries=0))
    with pytest.raises(ServiceUnavailableError, match="Nobody answers"):
        way(ChineseAnswerSynthesizer(llm), NODES)


@pytest.mark.parametrize("way", [stream, astream])
@pytest.mark.parametrize(
    "reply",
    [
        cut_stream(["模型有7B", "参数[1]。其", "次"]),
        cut_stream(["模型有7B", "参数[1]。其", "次"], reset=True),
        cut_stream([]),
        chat("模型有7B参数[1]。", finish_reason=None),
    ],
)
def test_cut_stream_is_an_error(way: Ask, reply: Reply) -> None:
    with OpenAIServer(reply) as server, pytest.raises(ServiceUnavailableError, match="broke off"):
        way(synthesizer_for(server), NODES)


def test_cut_stream_has_no_answer() -> None:
    with OpenAIServer(cut_stream(["模型有7B参数[1]。其", "次有"])) as server:
        pieces = synthesizer_for(server).stream_answer("多少参数？", NODES)
        with pytest.raises(QAEngineError, match="not complete"):
            _ = pieces.answer
        assert next(pieces).startswith("模型有7B参数[1]。")
        with pytest.raises(QAEngineError, match="not complete"):
            _ = pieces.answer
        with pytest.raises(ServiceUnavailableError):
            list(pieces)
        with pytest.raises(QAEngineError, match="not complete"):
            _ = pieces.answer


def test_streams_can_be_left_early() -> None:
    async def leave() -> None:
        async with synthesizer.astream_answer("多少参数？", NODES) as pieces:
            assert await anext(pieces)

    with OpenAIServer(chat("模型有7B参数[1]。" * 50)) as server:
        synthesizer = synthesizer_for(server)
        with synthesizer.stream_answer("多少参数？", NODES) as pieces:
            assert next(pieces)
        with pytest.raises(StopIteration):
            next(pieces)
        asyncio.run(leave())


@every_way
def test_no_passages_is_the_refusal_without_a_call(way: Ask) -> None:
    with OpenAIServer(error(500)) as server:
        answer = way(synthesizer_for(server), [])
    assert (answer.response, answer.refused, answer.citations) == (REFUSAL, True, [])
    assert server.requests == []


@every_way
def test_refusal_in_other_words(way: Ask) -> None:
    with OpenAIServer(chat("抱歉，已知信息中没有提到这一点[1]，因此我无法回答。")) as server:
        answer = way(synthesizer_for(server), NODES)
    assert (answer.response, answer.refused, answer.citations) == (REFUSAL, True, [])
    assert answer.source_nodes == NODES


@every_way
def test_answer_with_citations(way: Ask) -> None:
    with OpenAIServer(error(503, retry_after="0.01"), chat("它开放【2】，有7B参数[1,9]。")) as server:
        answer = way(synthesizer_for(server), NODES)
    assert isinstance(answer, Response)
    assert answer.response == "它开放[2]，有7B参数[1]。"
    assert (answer.question, answer.refused) == ("多少参数？", False)
    assert answer.source_nodes == NODES
    assert answer.citations == [
        Citation(
            number=1,
            file="a.pdf",
            page=3,
            page_end=4,
            text="模型有7B参数。",
            score=0.9,
            node_id=NODES[0].node_id,
            id=NODES[0].node_id,
        ),
        Citation(
            number=2,
            file="b.pdf",
            page=1,
            page_end=1,
            text="It is open. [7]",
            score=0.5,
            node_id=NODES[1].node_id,
            id=NODES[1].node_id,
        ),
    ]
    assert server.last.body["model"] == "qwen"
    assert server.last.body["temperature"] == 0
    assert server.last.body.get("stream", False) == (way in (stream, astream))


def test_prompt_on_the_wire() -> None:
    with OpenAIServer(chat("有[1]。")) as server:
        synthesizer_for(server).synthesize(QueryBundle("多少⟦参数？"), NODES)
    assert "已知信息是唯一的依据" in server.last.system
    assert REFUSAL in server.last.system
    assert "⟦资料 1｜a.pdf｜第 3–4 页⟧\n模型有7B参数。\n⟦资料 1 完⟧" in server.last.user
    assert "It is open. 〔7〕" in server.last.user
    assert "问题：多少〔参数？" in server.last.user


@every_way
def test_passages_beyond_the_context_window_are_neither_sent_nor_cited(way: Ask) -> None:
    nodes = [NodeWithScore(node=TextNode(text=f"第{n}段" + "长" * 300)) for n in range(9)]
    with OpenAIServer(chat("有[1]，也有[9]。")) as server:
        answer = way(synthesizer_for(server, context_window=2048, max_tokens=256), nodes)
    assert "第0段" in server.last.user
    assert "第8段" not in server.last.user
    assert answer.response == "有[1]，也有。"
    assert answer.source_nodes == nodes


def test_native_get_response() -> None:
    with OpenAIServer(chat("有7B【1】。")) as server:
        synthesizer = synthesizer_for(server)
        assert synthesizer.get_response("多少？", ["7B参数"]) == "有7B[1]。"
        assert asyncio.run(synthesizer.aget_response("多少？", ["7B参数"])) == "有7B[1]。"
        assert synthesizer.get_response("多少？", []) == REFUSAL
    assert len(server.requests) == 2


def test_additional_sources_are_kept_but_not_cited() -> None:
    with OpenAIServer(chat("有[1][2]。")) as server:
        answer = synthesizer_for(server).synthesize("？", NODES[:1], additional_source_nodes=NODES[1:])
    assert answer.response == "有[1]。"
    assert answer.source_nodes == NODES
    assert set(answer.metadata or {}) == {node.node.node_id for node in NODES}


def test_prompts_can_be_replaced() -> None:
    with OpenAIServer(chat("有[1]。")) as server:
        synthesizer = synthesizer_for(server)
        assert list(synthesizer.get_prompts()) == ["text_qa_template"]
        synthesizer.update_prompts({"text_qa_template": PromptTemplate("看：{context_str} 问：{query_str}")})
        synthesizer.synthesize("多少？", NODES)
    assert server.last.user.startswith("看：⟦资料 1")
    assert server.last.user.endswith("问：多少？")


class Recorder(BaseEventHandler):
    seen: list[Any]

    def handle(self, event: Any, **kwargs: Any) -> None:
        self.seen.append(event)


@every_way
def test_instrumentation(way: Ask) -> None:
    recorder = Recorder(seen=[])
    root = get_dispatcher()
    root.add_event_handler(recorder)
    try:
        with OpenAIServer(chat("有[1]。")) as server:
            answer = way(synthesizer_for(server, api_key="sk-very-secret"), NODES)
    finally:
        root.event_handlers.remove(recorder)
    names = [event.class_name() for event in recorder.seen]
    assert names[0] == "SynthesizeStartEvent"
    assert names[-1] == "SynthesizeEndEvent"
    assert "LLMChatStartEvent" in names
    assert recorder.seen[-1].response.response == answer.response
    assert "sk-very-secret" not in "".join(str(event) for event in recorder.seen)


class Traces(SimpleLLMHandler):
    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str | None] = []

    def start_trace(self, trace_id: str | None = None) -> None:
        self.begun.append(trace_id)


@pytest.mark.parametrize("way", [ask, stream])
def test_a_synthesis_without_a_question_leaves_the_next_question_its_trace(way: Ask) -> None:
    with OpenAIServer(chat("有[1]。"), chat("有[1]。")) as server:
        for _ in range(2):
            way(synthesizer_for(server), NODES)
    traces = Traces()
    with CallbackManager([traces]).as_trace("query"):
        pass
    assert traces.begun == ["query"]


def test_no_global_setting_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_llm", "_callback_manager", "_prompt_helper", "_tokenizer"):
        monkeypatch.setattr(Settings, name, None)
    ChineseAnswerSynthesizer(MockLLM()).synthesize("问", NODES)
    for name in ("_llm", "_prompt_helper", "_tokenizer"):
        assert getattr(Settings, name) is None


@pytest.mark.parametrize("way", [stream, astream])
def test_models_without_finish_reason_can_stream(way: Ask) -> None:
    assert way(ChineseAnswerSynthesizer(MockLLM()), NODES).response
