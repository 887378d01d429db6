"""A second model where the first is out of reach, and the breaker that leaves the first alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.schema import NodeWithScore, TextNode
from openai_server import OpenAIServer, Reply, chat, closed_port, cut_stream, error, hang

from qa_engine.answering.answer import Answer
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.answering.usage import Prices
from qa_engine.config import LlmConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ModelUnavailableError,
    QAEngineError,
    ServiceUnavailableError,
)
from qa_engine.models.fallback_llm import ANSWERED_BY, CircuitBreaker, FallbackLLM
from qa_engine.models.llm import build_llm

HELLO = [ChatMessage(role="user", content="你好")]
NODES = [NodeWithScore(node=TextNode(text="模型有7B参数。"))]


def pair(first: str, second: OpenAIServer, **settings: object) -> LLM:
    values = {
        "model": "first",
        "base_url": first,
        "max_retries": 0,
        "fallback_model": "second",
        "fallback_base_url": second.url,
        **settings,
    }
    return build_llm(LlmConfig(**values))


def say(llm: LLM) -> tuple[str, str]:
    reply = llm.chat(HELLO)
    return str(reply.message.content), reply.additional_kwargs[ANSWERED_BY]


def asay(llm: LLM) -> tuple[str, str]:
    reply = asyncio.run(llm.achat(HELLO))
    return str(reply.message.content), reply.additional_kwargs[ANSWERED_BY]


def stream(llm: LLM) -> tuple[str, str]:
    pieces = list(llm.stream_chat(HELLO))
    return "".join(piece.delta or "" for piece in pieces), pieces[-1].additional_kwargs[ANSWERED_BY]


def astream(llm: LLM) -> tuple[str, str]:
    async def read() -> tuple[str, str]:
        pieces = [piece async for piece in await llm.astream_chat(HELLO)]
        return "".join(piece.delta or "" for piece in pieces), pieces[-1].additional_kwargs[ANSWERED_BY]

    return asyncio.run(read())


every_way = pytest.mark.parametrize("way", [say, asay, stream, astream])
Way = Callable[[LLM], tuple[str, str]]


@every_way
@pytest.mark.parametrize("reply", [error(500), error(429), error(503), cut_stream([], reset=True)])
def test_the_second_answers_for_a_first_that_does_not(way: Way, reply: Reply) -> None:
    with OpenAIServer(reply) as first, OpenAIServer(chat("好")) as second:
        assert way(pair(first.url, second)) == ("好", "second")
    assert second.last.body["model"] == "second"


@every_way
def test_the_second_answers_for_a_first_that_is_silent(way: Way) -> None:
    with OpenAIServer(hang(60)) as first, OpenAIServer(chat("好")) as second:
        silent = LlmConfig(model="first", base_url=first.url, timeout_seconds=0.3, max_retries=0)
        answering = LlmConfig(model="second", base_url=second.url)
        llm = FallbackLLM(build_llm(silent), build_llm(answering), CircuitBreaker(3, 30))
        assert way(llm) == ("好", "second")
    assert second.last.body["model"] == "second"


@every_way
def test_the_second_answers_where_nobody_listens(way: Way) -> None:
    with OpenAIServer(chat("好")) as second:
        assert way(pair(f"http://127.0.0.1:{closed_port()}/v1", second)) == ("好", "second")


@every_way
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(400, "maximum context length"), ConfigurationError),
        (error(401), AuthenticationFailedError),
        (error(404, "model does not exist"), ModelUnavailableError),
    ],
)
def test_wrong_input_is_no_reason_to_ask_the_second(
    way: Way, reply: Reply, kind: type[QAEngineError]
) -> None:
    with OpenAIServer(reply) as first, OpenAIServer(chat("好")) as second:
        with pytest.raises(kind):
            way(pair(first.url, second))
        assert second.requests == []


@every_way
def test_the_first_answers_if_it_can(way: Way) -> None:
    with (
        OpenAIServer(error(500, retry_after="0.01"), chat("您好")) as first,
        OpenAIServer(chat("好")) as second,
    ):
        assert way(pair(first.url, second, max_retries=1)) == ("您好", "first")
        assert second.requests == []


@pytest.mark.parametrize("way", [stream, astream])
def test_two_halves_of_different_models_are_no_answer(way: Way) -> None:
    with OpenAIServer(cut_stream(["半个"], reset=True)) as first, OpenAIServer(chat("好")) as second:
        with pytest.raises(ServiceUnavailableError, match="broke off"):
            way(pair(first.url, second))
        assert second.requests == []


@every_way
def test_if_both_fail_both_are_named(way: Way) -> None:
    with (
        OpenAIServer(error(500, "first is down")) as first,
        OpenAIServer(error(401)) as second,
        pytest.raises(AuthenticationFailedError) as raised,
    ):
        way(pair(first.url, second, fallback_api_key="sk-hidden-key"))
    text = str(raised.value)
    assert "first is down" in text
    assert "second language model 'second'" in text
    assert "QA_ENGINE_LLM__FALLBACK_API_KEY" in text
    assert "OPENAI_API_KEY" not in text
    assert "sk-hidden-key" not in text


@every_way
def test_after_failures_in_a_row_the_first_is_left_alone(way: Way) -> None:
    with OpenAIServer(error(500)) as first, OpenAIServer(chat("好")) as second:
        llm = pair(first.url, second, fallback_after_failures=2)
        for _ in range(5):
            assert way(llm) == ("好", "second")
        assert len(first.requests) == 2
        assert len(second.requests) == 5


def test_keys_stay_with_their_service() -> None:
    with OpenAIServer(error(500)) as first, OpenAIServer(chat("好")) as second:
        say(pair(first.url, second, api_key="key-of-first"))
        assert second.last.headers["authorization"] == "Bearer no-key"
        say(pair(first.url, second, api_key="key-of-first", fallback_api_key="key-of-second"))
        assert second.last.headers["authorization"] == "Bearer key-of-second"
    with OpenAIServer(error(500), chat("好")) as only:
        llm = build_llm(
            LlmConfig(model="a", base_url=only.url, api_key="shared", max_retries=0, fallback_model="b")
        )
        assert say(llm) == ("好", "b")
        assert only.last.headers["authorization"] == "Bearer shared"


def test_an_address_that_is_none_is_named_by_its_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.fallback_base_url = 'nowhere'"):
        build_llm(
            LlmConfig(model="a", base_url="http://a/v1", fallback_model="b", fallback_base_url="nowhere")
        )
    with pytest.raises(ConfigurationError, match="QA_ENGINE_LLM__FALLBACK_API_KEY"):
        build_llm(
            LlmConfig(
                model="a",
                base_url="http://a/v1",
                fallback_model="b",
                fallback_base_url="https://api.openai.com/v1",
            )
        )


def test_it_is_one_llm_of_llamaindex() -> None:
    llm = build_llm(LlmConfig(model="a", base_url="http://a/v1", fallback_model="b", context_window=5000))
    assert isinstance(llm, FallbackLLM)
    assert (llm.metadata.model_name, llm.metadata.context_window) == ("a", 5000)
    assert "FallbackLLM" in llm.to_json()


def test_completions_change_over_as_well() -> None:
    async def acomplete() -> tuple[str, str]:
        whole = await llm.acomplete("你好")
        pieces = [piece async for piece in await llm.astream_complete("你好")]
        return whole.text, pieces[-1].text

    with OpenAIServer(error(500)) as first, OpenAIServer(chat("好")) as second:
        llm = pair(first.url, second, fallback_after_failures=100)
        assert llm.complete("你好").text == "好"
        assert list(llm.stream_complete("你好"))[-1].text == "好"
        assert asyncio.run(acomplete()) == ("好", "好")


@pytest.mark.parametrize("streamed", [False, True])
def test_the_answer_says_which_model_answered(streamed: bool) -> None:
    def ask(first: OpenAIServer, second: OpenAIServer) -> Answer:
        synthesizer = ChineseAnswerSynthesizer(pair(first.url, second), prices=Prices(1, 1))
        if not streamed:
            return synthesizer.synthesize("？", NODES)
        pieces = synthesizer.stream_answer("？", NODES)
        list(pieces)
        return pieces.answer

    reply = chat("有7B[1]。", usage=(1, 1))
    with OpenAIServer(reply) as first, OpenAIServer(reply) as second:
        answer = ask(first, second)
        assert answer.models == {"llm": "first"}
        assert answer.cost is not None
    with OpenAIServer(error(500)) as first, OpenAIServer(reply) as second:
        answer = ask(first, second)
        assert answer.models == {"llm": "second"}
        assert answer.usage is not None
        assert answer.cost is None  # the prices are those of the first


# -- the breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_breaker_opens_after_failures_in_a_row_and_lets_one_try_through() -> None:
    clock = Clock()
    breaker = CircuitBreaker(3, 60, clock)
    breaker.failed()
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.now = 59.9
    assert not breaker.allows()
    clock.now = 60
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.now = 119.9
    assert not breaker.allows()
    clock.now = 120
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(3))


def test_a_trial_that_never_ends_holds_nothing_up() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 60, clock)
    breaker.failed()
    clock.now = 60
    assert breaker.allows()
    clock.now = 120
    assert breaker.allows()


def test_one_trial_only_among_threads() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 60, clock)
    breaker.failed()
    clock.now = 60
    allowed: list[bool] = []
    threads = [threading.Thread(target=lambda: allowed.append(breaker.allows())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allowed.count(True) == 1


def test_the_log_says_when_the_second_takes_over_and_when_the_first_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    with OpenAIServer(error(500), chat("您好")) as first, OpenAIServer(chat("好")) as second:
        settings = {"max_retries": 0, "api_key": "sk-hidden-key"}
        llms = [
            build_llm(LlmConfig(model="m", base_url=server.url, **settings)) for server in (first, second)
        ]
        llm = FallbackLLM(*llms, CircuitBreaker(1, 60, clock))
        with caplog.at_level("INFO", "qa_engine.models"):
            assert say(llm)[0] == "好"
            assert say(llm)[0] == "好"
            clock.now = 60
            assert say(llm)[0] == "您好"
    lines = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "qa_engine.models"
    ]
    assert [level for level, _ in lines] == ["WARNING", "WARNING", "INFO", "INFO"]
    assert [lines[0][1], *(message for _, message in lines[2:])] == [
        "1 failures in a row: the service is left alone for 60 s",
        "The language model m is left alone for now, the second one is asked",
        "The service answers again",
    ]
    assert "The language model m failed, the second one is asked" in lines[1][1]
    assert "sk-hidden-key" not in caplog.text
