"""User, password and query of an address of a service are in no output: settings, errors, log records, spans."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from command_line import run
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from openai_server import OpenAIServer, chat, embeddings

from qa_engine.config import Config, EmbeddingConfig, LlmConfig
from qa_engine.config.masking import masked_url
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.errors import ConfigurationError, QAEngineError
from qa_engine.models.embedding import build_embedding
from qa_engine.models.llm import build_llm

SECRET = "hush4711"
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(WORD, WORD, WORD)
def test_no_part_that_may_be_secret_is_left(user: str, password: str, query: str) -> None:
    shown = masked_url(
        f"https://{user}:{password}{SECRET}@models.example:8000/v1?key={query}{SECRET}#{SECRET}"
    )
    assert SECRET not in shown
    assert shown.startswith("https://")


def test_what_is_shown_of_an_address() -> None:
    assert masked_url("http://localhost:8000/v1") == "http://localhost:8000/v1"
    assert masked_url("http://me:pw@[::1]:80/v1/?a=b") == "http://…@[::1]:80/v1/?…"
    assert masked_url("me:pw@host/v1") == "…@host/v1"
    assert masked_url("http://me:p#w@host/v1") == "http://…"
    assert masked_url("not an address") == "not an address"


def test_of_the_settings(tmp_path: Path) -> None:
    urls = {
        "LLM__BASE_URL": f"http://me:{SECRET}@models.example/v1?key={SECRET}",
        "LLM__FALLBACK_BASE_URL": f"https://{SECRET}@models.example/v1",
        "EMBEDDING__BASE_URL": f"http://models.example/v1?key={SECRET}",
        "INGESTION__RAY_ADDRESS": f"ray://me:{SECRET}@cluster:10001",
    }
    variables = {f"QA_ENGINE_{name}": url for name, url in urls.items()}
    text = run("config", cwd=tmp_path, **variables).stdout
    shown = json.loads(run("config", "--json", cwd=tmp_path, **variables).stdout)
    assert SECRET not in text + json.dumps(shown)
    assert shown["llm"]["base_url"] == "http://…@models.example/v1?…"
    assert "'ray://…@cluster:10001'" in text
    config = Config(llm={"base_url": urls["LLM__BASE_URL"]})
    assert SECRET not in repr(config) + config.model_dump_json()
    assert config.llm.base_url == urls["LLM__BASE_URL"]


@pytest.mark.parametrize(
    "url", [f"http://me:{SECRET}@host/x", f"http://host?key={SECRET}", f"me:{SECRET}@host"]
)
def test_of_an_address_that_is_refused(url: str, tmp_path: Path) -> None:
    for name, value in (("url", url), ("search_url", url), ("search_url", f"http://host,{url}")):
        with pytest.raises(ConfigurationError) as refusal:
            Config(index={name: value})
        assert f"index.{name} = " in str(refusal.value)
        assert SECRET not in str(refusal.value)
    refused = f"ftp://me:{SECRET}@host" if url.startswith("http://me") else url
    with pytest.raises(ConfigurationError) as refusal:
        build_llm(LlmConfig(model="m", base_url=refused))
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("value", [[4711], "hush4711", [["hush4711"]]])
@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("documents", "passwords"),
        ("llm", "api_key"),
        ("index", "token"),
        ("index", "search_password"),
        ("index", "search_api_key"),
    ],
)
def test_of_a_secret_of_the_wrong_kind(section: str, key: str, value: object) -> None:
    if key != "passwords":
        value = [value]
    with pytest.raises(ConfigurationError) as refusal:
        Config(**{section: {key: value}})
    assert f"{section}.{key}" in str(refusal.value)
    assert "4711" not in str(refusal.value)


class _Spans(BaseEventHandler):
    """Keeps the events that become the spans of OpenTelemetry."""

    def handle(self, event: BaseEvent, **_: object) -> None:
        _seen.append(event.model_dump_json())


_seen: list[str] = []


def test_of_requests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The password is sent; log records of all libraries, spans, errors and the doctor are without it."""
    caplog.set_level(logging.DEBUG)
    handler, handlers = _Spans(), get_dispatcher().event_handlers
    handlers.append(handler)
    try:
        with OpenAIServer(chat("二"), embeddings()) as server:
            parts = urlsplit(server.url)
            url = f"{parts.scheme}://me:{SECRET}@{parts.netloc}{parts.path}"
            llm = build_llm(LlmConfig(model="qwen", base_url=url))
            llm.complete("一")
            embedding = build_embedding(EmbeddingConfig(provider="openai", model="bge-m3", base_url=url))
            embedding.get_text_embedding("一")
            sent = {request.headers["authorization"] for request in server.requests}
        assert sent == {"Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()}
        with pytest.raises(QAEngineError) as error:
            build_llm(LlmConfig(model="qwen", base_url=url, max_retries=0)).complete("一")
        diagnosis = diagnose(tmp_path, config={"llm": {"model": "qwen", "base_url": url}})
    finally:
        handlers.remove(handler)
    written = [str(error.value), str(diagnosis), repr(llm), repr(embedding), *_seen, *caplog.messages]
    written += [json.dumps(model.to_dict(), default=str) for model in (llm, embedding)]
    encoded = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert _seen
    assert any("HTTP Request" in message for message in caplog.messages)
    assert [text for text in written if SECRET in text or encoded in text] == []
