from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.embeddings.openai import OpenAIEmbedding
from openai_server import OpenAIServer, Reply, closed_port, embeddings, error, hang, page

from qa_engine.config import EmbeddingConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ModelUnavailableError,
    QAEngineError,
    ServiceUnavailableError,
)
from qa_engine.models.remote.embedding import build_remote_embedding


def model_for(server: OpenAIServer, **settings: object) -> BaseEmbedding:
    values = {"provider": "openai", "model": "bge-m3", "base_url": server.url, **settings}
    return build_remote_embedding(EmbeddingConfig(**values))


def test_local_provider_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'local'"):
        build_remote_embedding(EmbeddingConfig())


def test_openai_without_key_names_both_variables() -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_remote_embedding(EmbeddingConfig(provider="openai", model="text-embedding-3-small"))
    assert "OPENAI_API_KEY" in str(raised.value)
    assert "QA_ENGINE_EMBEDDING__API_KEY" in str(raised.value)


@pytest.mark.parametrize(
    ("reply", "kind", "tries"),
    [
        (error(401, "Incorrect API key"), AuthenticationFailedError, 1),
        (error(404, "The model does not exist", "model_not_found"), ModelUnavailableError, 1),
        (error(400, "input is too long"), ConfigurationError, 1),
        (error(429, retry_after="0.01"), ServiceUnavailableError, 3),
        (error(503, retry_after="0.01"), ServiceUnavailableError, 3),
        (page(), ServiceUnavailableError, 1),
        (embeddings(missing=1), ServiceUnavailableError, 1),
    ],
)
def test_failures_and_how_often_they_are_tried(reply: Reply, kind: type[QAEngineError], tries: int) -> None:
    with OpenAIServer(reply) as server:
        model = model_for(server, max_retries=2)
        with pytest.raises(kind):
            model.get_text_embedding_batch(["a", "b"])
        assert len(server.requests) == tries
        with pytest.raises(kind):
            model.get_query_embedding("a")
        with pytest.raises(kind):
            asyncio.run(model.aget_query_embedding("a"))
        assert len(server.requests) == 3 * tries


def test_time_out_and_closed_port() -> None:
    with OpenAIServer(hang(5)) as server, pytest.raises(ServiceUnavailableError, match=r"0\.2 seconds"):
        model_for(server, timeout_seconds=0.2, max_retries=0).get_query_embedding("a")
    port = closed_port()
    config = EmbeddingConfig(
        provider="openai", model="m", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
    )
    with pytest.raises(ServiceUnavailableError, match=rf"127\.0\.0\.1:{port}"):
        build_remote_embedding(config).get_query_embedding("a")


def test_another_dimension_than_configured_is_refused() -> None:
    server = OpenAIServer(embeddings(size=4))
    with server, pytest.raises(ConfigurationError, match=r"dimensions = 8.*4 numbers"):
        model_for(server, dimensions=8).get_query_embedding("a")
    assert server.last.body["dimensions"] == 8


def test_prefixes_model_and_batches_on_the_wire() -> None:
    with OpenAIServer(embeddings()) as server:
        model = model_for(server, query_prefix="query: ", text_prefix="passage: ", batch_size=2)
        assert model.get_query_embedding("问") == [8.0, 1.0, 1.0, 1.0]
        assert len(model.get_text_embedding_batch(["一", "二", "三"])) == 3
        assert model.get_text_embedding("四")[0] == 10.0
    inputs = [request.body["input"] for request in server.requests]
    assert inputs == [["query: 问"], ["passage: 一", "passage: 二"], ["passage: 三"], ["passage: 四"]]
    assert {request.body["model"] for request in server.requests} == {"bge-m3"}
    assert {request.path for request in server.requests} == {"/v1/embeddings"}
    assert {request.body["encoding_format"] for request in server.requests} == {"float"}


async def test_async_sends_the_same() -> None:
    with OpenAIServer(error(500, retry_after="0.01"), embeddings()) as server:
        model = model_for(server, query_prefix="q:", text_prefix="t:")
        await model.aget_query_embedding("问")
        await model.aget_text_embedding_batch(["一", "二"])
    assert [request.body["input"] for request in server.requests] == [["q:问"], ["q:问"], ["t:一", "t:二"]]


def test_async_works_in_one_event_loop_after_the_other() -> None:
    with OpenAIServer(embeddings()) as server:
        model = model_for(server)
        for _ in range(3):
            assert len(asyncio.run(model.aget_query_embedding("a"))) == 4


def test_official_model() -> None:
    config = EmbeddingConfig(provider="openai", model="text-embedding-3-small", api_key="sk-secret-key-1")
    model = build_remote_embedding(config)
    assert isinstance(model, OpenAIEmbedding)
    assert model.model_name == "text-embedding-3-small"
    assert model.api_base == "https://api.openai.com/v1"
    assert "sk-secret-key-1" not in repr(model) + model.to_json()


@pytest.fixture
def huggingface(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A stand-in for the extra, which is large and needs a model."""
    module = ModuleType("llama_index.embeddings.huggingface")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_huggingface_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_index.embeddings.huggingface", None)
    with pytest.raises(ModelUnavailableError, match=r"pip install 'qa-engine\[huggingface\]'"):
        build_remote_embedding(EmbeddingConfig(provider="huggingface", model="BAAI/bge-m3"))


@pytest.mark.parametrize("reason", [OSError("no such\n host"), ValueError("bad"), RuntimeError("bad")])
def test_huggingface_model_that_cannot_be_loaded(huggingface: ModuleType, reason: Exception) -> None:
    def fail(**arguments: object) -> None:
        raise reason

    huggingface.HuggingFaceEmbedding = fail  # type: ignore[attr-defined]
    with pytest.raises(ModelUnavailableError) as raised:
        build_remote_embedding(EmbeddingConfig(provider="huggingface", model="BAAI/bge-m3"))
    assert raised.value.__cause__ is reason
    for part in ("'BAAI/bge-m3'", " ".join(str(reason).split()), "path", "HF_ENDPOINT", "'local'"):
        assert part in str(raised.value)


def test_huggingface_gets_prefixes_and_batch_size(huggingface: ModuleType) -> None:
    huggingface.HuggingFaceEmbedding = lambda **arguments: arguments  # type: ignore[attr-defined]
    config = EmbeddingConfig(
        provider="huggingface", model="m", query_prefix="q: ", batch_size=7, dimensions=64
    )
    assert build_remote_embedding(config) == {
        "model_name": "m",
        "query_instruction": "q: ",
        "text_instruction": None,
        "embed_batch_size": 7,
        "truncate_dim": 64,
    }
