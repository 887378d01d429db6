"""Proxies that the environment names: which requests go through them, and what is said when they cannot be used."""

from __future__ import annotations

import importlib.util

import pytest
from openai_server import OpenAIServer, chat, embeddings

from qa_engine.config import EmbeddingConfig, IndexConfig, LlmConfig
from qa_engine.errors import ConfigurationError, ServiceUnavailableError
from qa_engine.index.vectors.chroma_server import ChromaServer
from qa_engine.models.llm import build_llm
from qa_engine.models.remote.embedding import build_remote_embedding
from qa_engine.models.remote.proxies import http_options, proxy_for

SOCKS = "socks5://user:secret@127.0.0.1:9"
REMOTE = "https://models.example/v1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("http", "https", "all", "no"):
        for name in (f"{kind}_proxy", f"{kind}_proxy".upper()):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "proxy", [SOCKS, "socks://127.0.0.1:9", "http://127.0.0.1:port", "http://127.0.0.1:9"]
)
def test_this_machine_is_reached_whatever_the_proxies_are(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    with OpenAIServer(chat("你好"), embeddings()) as server:
        assert build_llm(LlmConfig(model="m", base_url=server.url)).complete("x").text == "你好"
        config = EmbeddingConfig(provider="openai", model="m", base_url=server.url, max_retries=0)
        assert build_remote_embedding(config).get_text_embedding("x")
    with pytest.raises(ServiceUnavailableError, match="refused"):
        ChromaServer(IndexConfig(url="http://127.0.0.1:1")).database_status()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ALL_PROXY", SOCKS, r"ALL_PROXY, the proxy for models\.example, .*pip install 'httpx\[socks\]'"),
        ("https_proxy", "socks://127.0.0.1:9", r"https_proxy, .*socks:// is not known"),
        ("HTTPS_PROXY", "http://127.0.0.1:port", r"HTTPS_PROXY, .*no address"),
        ("HTTPS_PROXY", "http://", r"HTTPS_PROXY, .*no address"),
    ],
)
def test_variable_at_fault_is_named_and_its_password_is_not(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv(variable, value)
    for build in (
        lambda: build_llm(LlmConfig(model="m", base_url=REMOTE)),
        lambda: build_remote_embedding(EmbeddingConfig(provider="openai", model="m", base_url=REMOTE)),
        lambda: ChromaServer(IndexConfig(url="https://models.example")),
    ):
        with pytest.raises(ConfigurationError, match=told) as raised:
            build()
        assert "secret" not in str(raised.value)


def test_only_the_proxy_for_the_address_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:7890")
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
    assert proxy_for(REMOTE) == http_options(REMOTE)["proxy"] == "http://127.0.0.1:7890"
    with pytest.raises(ConfigurationError, match="ALL_PROXY"):
        proxy_for("http://models.example/v1")
    monkeypatch.setenv("NO_PROXY", "example.org, models.example")
    assert proxy_for("http://models.example/v1") is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.8.9.1", "[::1]", "ollama.localhost"])
def test_loopback_addresses(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", SOCKS)
    assert proxy_for(f"http://{host}:11434/v1") is None


@pytest.mark.parametrize("key", ["sk-秘密", "sk-a\nb", "sk-\u200bx", "\ufeffsk-x", "“sk-x”"])
def test_key_that_no_header_can_carry_is_named_and_not_shown(key: str) -> None:
    for setting, build in (
        (r"llm\.api_key holds", lambda: build_llm(LlmConfig(model="m", base_url=REMOTE, api_key=key))),
        (
            r"embedding\.api_key holds",
            lambda: build_remote_embedding(EmbeddingConfig(provider="openai", model="m", api_key=key)),
        ),
    ):
        with pytest.raises(ConfigurationError, match=setting) as raised:
            build()
        assert "sk-" not in str(raised.value)
