from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai_server import OpenAIServer, chat
from served import ServedApp, served

from qa_engine.server.admission.keys import KeyStore


@dataclass(frozen=True)
class WordedServer:
    """A server over ``西湖`` whose answers a scripted language model words.

    Attributes:
        server: it.
        model: the model.
    """

    server: ServedApp
    model: OpenAIServer

    def script(self, *replies: Any) -> None:
        """What the model says next, reply by reply."""
        self.model.requests.clear()
        self.model.replies[:] = replies


@pytest.fixture(scope="module")
def worded(storage: Path, model_cache: Path) -> Iterator[WordedServer]:
    """A server with a language model. Tests of a module share it."""
    with OpenAIServer(chat("[1]")) as model, pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        llm = {"model": "m", "base_url": model.url, "max_retries": 0}
        with served(storage, "西湖", llm=llm, answering={"llm_threshold": 0}) as server:
            yield WordedServer(server, model)


@dataclass(frozen=True)
class KeyedServer:
    """A server that needs a key.

    Attributes:
        server: it.
        secret: of a key for all collections.
        limited: of a key that is limited to ``西湖``.
    """

    server: ServedApp
    secret: str
    limited: str


@pytest.fixture(scope="module")
def keyed(
    storage: Path, model_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KeyedServer]:
    """A server over both collections that needs a key. Tests of a module share it."""
    copied = tmp_path_factory.mktemp("keyed") / "storage"
    shutil.copytree(storage, copied)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(copied, "papers", "西湖") as server:
            keys = KeyStore(server.app.state.server.database)
            yield KeyedServer(server, keys.add("all", "read"), keys.add("limited", "read", ["西湖"]))
