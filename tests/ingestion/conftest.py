from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from chroma_process import ChromaProcess
from ingest_process import PARSING_POOL, ParsingInPlace
from ray_cluster import connected, ray_cluster  # noqa: F401 - fixtures
from search_server import SearchCluster

from qa_engine.config import Config


@pytest.fixture
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker processes: they have tests of their own."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)


@pytest.fixture
def places(search_server: SearchCluster, chroma_server: ChromaProcess) -> Callable[[bool], Config]:
    """The configuration for the search engine (True), and that for the storage (False)."""
    prefix = f"move-{secrets.token_hex(4)}"

    def config(shared: bool) -> Config:
        index: dict[str, Any] = {"search_prefix": prefix, "search_replicas": 0}
        if shared:
            index |= {"search_url": search_server.url, "url": chroma_server.url}
        return Config(index=index)

    return config
