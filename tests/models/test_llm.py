from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.llms.openai import OpenAI
from llama_index.llms.openai_like import OpenAILike
from openai_server import OpenAIServer, Reply, chat, closed_port, cut_stream, error, hang, page
from processes import run_python

from qa_engine.config import LlmConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ModelUnavailableError,
    QAEngineError,
    ServiceUnavailableError,
)
from qa_engine.models.llm import build_llm

HELLO = [ChatMessage(role="user", content="你好")]


def llm_for(server: OpenAIServer, **settings: object) -> LLM:
    return build_llm(LlmConfig(**{"model": "qwen", "base_url": server.url, **settings}))


@pytest.mark.parametrize("model", [None, "", "  "])
def test_no_model_is_refused(model: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.model"):
        build_llm(LlmConfig(model=model))


@pytest.mark.parametrize("model", ["gpt-4o-mini", "a-model-of-tomorrow"])
@pytest.mark.parametrize("url", [None, "https://api.openai.com/v1"])
def test_openai_without_key_names_both_variables(model: str, url: str | None) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_llm(LlmConfig(model=model, base_url=url, api_key=" "))
    assert "OPENAI_API_KEY" in str(raised.value)
    assert "QA_ENGINE_LLM__API_KEY" in str(raised.value)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://host/v1", "http://", "http://host:port/v1", "x"])
def test_address_that_is_none_is_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_llm(LlmConfig(model="m", base_url=url))
    assert repr(url) in str(raised.value)


def test_model_without_chat_completions_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"gpt-5\.2-pro"):
        build_llm(LlmConfig(model="gpt-5.2-pro", api_key="k"))


@pytest.mark.parametrize(
    ("reply", "kind", "tries"),
    [
        (error(401, "Incorrect API key"), AuthenticationFailedError, 1),
        (error(404, "The model does not exist", "model_not_found"), ModelUnavailableError, 1),
        (error(400, "maximum context length is 10 tokens"), ConfigurationError, 1),
        (error(429, "slow down", retry_after="0.01"), ServiceUnavailableError, 3),
        (error(500, retry_after="0.01"), ServiceUnavailableError, 3),
        (page(), ServiceUnavailableError, 1),
    ],
)
def test_failures_and_how_often_they_are_tried(reply: Reply, kind: type[QAEngineError], tries: int) -> None:
    with OpenAIServer(reply) as server:
        llm = llm_for(server, max_retries=2, api_key="sk-very-secret-key")
        with pytest.raises(kind) as raised:
            llm.chat(HELLO)
        assert len(server.requests) == tries
        with pytest.raises(kind):
            asyncio.run(llm.achat(HELLO))
        assert len(server.requests) == 2 * tries
    assert "sk-very-secret-key" not in str(raised.value)


def test_failures_of_streams_are_translated_too() -> None:
    async def read() -> None:
        async for _ in await llm.astream_chat(HELLO):
            pass

    with OpenAIServer(error(401)) as server:
        llm = llm_for(server)
        with pytest.raises(AuthenticationFailedError):
            list(llm.stream_chat(HELLO))
        with pytest.raises(AuthenticationFailedError):
            asyncio.run(read())


def test_broken_stream_is_translated() -> None:
    server = OpenAIServer(cut_stream(["你"], reset=True))
    with server, pytest.raises(ServiceUnavailableError, match="broke off"):
        list(llm_for(server).stream_chat(HELLO))


def test_time_out_says_seconds_and_is_tried_again() -> None:
    with OpenAIServer(hang(5)) as server:
        llm = llm_for(server, timeout_seconds=0.2, max_retries=1)
        with pytest.raises(ServiceUnavailableError, match=r"0\.2 seconds"):
            llm.chat(HELLO)
        assert len(server.requests) == 2


def test_nobody_listening_names_host_and_port() -> None:
    port = closed_port()
    llm = build_llm(LlmConfig(model="m", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0))
    with pytest.raises(ServiceUnavailableError, match=rf"Nobody answers at 127\.0\.0\.1:{port}"):
        llm.chat(HELLO)


def test_no_retries_means_one_try() -> None:
    with OpenAIServer(error(500)) as server:
        with pytest.raises(ServiceUnavailableError):
            llm_for(server, max_retries=0).chat(HELLO)
        assert len(server.requests) == 1


def test_retry_after_is_honoured_and_then_the_answer_comes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("openai._base_client.anyio.sleep", sleep)
    with (
        caplog.at_level("INFO", "qa_engine.models"),
        OpenAIServer(error(429, retry_after="40"), chat("好")) as server,
    ):
        assert llm_for(server).chat(HELLO).message.content == "好"
        assert len(server.requests) == 2
    assert waits == [40]
    assert [record.getMessage() for record in caplog.records if record.name == "qa_engine.models"] == [
        "Asking 127.0.0.1 again, retry 1"
    ]


def test_what_goes_over_the_wire() -> None:
    with OpenAIServer(chat("好")) as server:
        llm_for(server, temperature=0.3, max_tokens=77, api_key="abc").chat(HELLO)
    assert server.last.path == "/v1/chat/completions"
    assert server.last.headers["authorization"] == "Bearer abc"
    assert server.last.body["model"] == "qwen"
    assert server.last.body["temperature"] == 0.3
    assert server.last.body["max_tokens"] == 77


def test_server_without_key_never_sees_the_one_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    with OpenAIServer(chat("好")) as server:
        llm_for(server).chat(HELLO)
    assert "sk-of-somebody-else" not in server.last.headers["authorization"]


def test_async_works_in_one_event_loop_after_the_other() -> None:
    with OpenAIServer(chat("好")) as server:
        llm = llm_for(server)
        for _ in range(3):
            assert asyncio.run(llm.achat(HELLO)).message.content == "好"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "ft:gpt-4o-mini-2024-07-18:acme::id"])
def test_official_model_is_openai_with_its_own_window(model: str) -> None:
    llm = build_llm(LlmConfig(model=model, api_key="k", context_window=2048))
    assert isinstance(llm, OpenAI)
    assert not isinstance(llm, OpenAILike)
    assert llm.metadata.context_window == 128_000


@pytest.mark.parametrize("model", ["qwen2.5-72b-instruct", "deepseek-chat", "glm-4", "gpt-4o-mini"])
def test_any_model_at_any_address_is_openai_like(model: str) -> None:
    llm = build_llm(LlmConfig(model=model, base_url="http://localhost:1/v1", context_window=5000))
    assert isinstance(llm, OpenAILike)
    assert llm.metadata.context_window == 5000
    assert llm.metadata.is_chat_model


def test_unknown_model_at_openai_is_left_to_openai() -> None:
    llm = build_llm(LlmConfig(model="a-model-of-tomorrow", api_key="k"))
    assert isinstance(llm, OpenAILike)
    assert llm.metadata.model_name == "a-model-of-tomorrow"


def test_key_is_not_shown() -> None:
    llm = build_llm(LlmConfig(model="gpt-4o-mini", api_key="sk-very-secret-key"))
    assert "sk-very-secret-key" not in repr(llm) + str(llm) + llm.to_json()


def test_import_is_cheap() -> None:
    code = (
        "import sys, qa_engine.models.llm, qa_engine.models.remote.embedding;"
        "print([name for name in ('openai', 'llama_index', 'httpx', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_first_question_imports_nothing_in_the_event_loop() -> None:
    code = (
        "import sys\n"
        "import qa_engine.models.remote.openai_llm as module\n"
        "before = set(sys.modules)\n"
        "llm = module.OfficialLLM(api_key='none', model='gpt-4o-mini')\n"
        "llm._get_client().chat.completions\n"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith('openai')))\n"
    )
    assert run_python(code).strip() == "[]"
