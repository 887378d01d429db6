"""Retrieval from many threads, with the local models: what is found does not depend on what runs beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine import QueryEngine

AT_ONCE = 8
PATIENCE = 60
QUESTIONS = [
    "Llama 2有多少参数？",
    "how many parameters does llama 2 have?",
    "How safe is Llama 2-Chat?",
    "雷峰塔有多高？",
    "西湖的水面有多大？",
    "What is the largest model?",
    "苏堤是谁修建的？",
    "预训练用了多少数据？",
]


@pytest.fixture
def engine(ingested: Path, local_model: Path) -> Iterator[QueryEngine]:
    with QueryEngine.open(ingested, ["papers", "西湖"], {}) as engine:
        yield engine


def found(passages: list[NodeWithScore]) -> list[tuple[Any, ...]]:
    return [(one.node_id, one.score, one.node.get_content(), one.node.metadata) for one in passages]


def test_threads_find_what_one_finds(engine: QueryEngine) -> None:
    alone = [found(engine.retrieve(question)) for question in QUESTIONS]
    assert all(alone)
    together = Barrier(AT_ONCE)

    def ask(question: str) -> list[tuple[Any, ...]]:
        together.wait(PATIENCE)
        return found(engine.retrieve(question))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(3):
            assert list(pool.map(ask, QUESTIONS)) == alone


async def test_tasks_find_what_one_thread_finds(engine: QueryEngine) -> None:
    alone = [found(engine.retrieve(question)) for question in QUESTIONS]
    nodes = await asyncio.gather(*(engine.aretrieve(question) for question in QUESTIONS))
    assert [found(one) for one in nodes] == alone


def test_handlers_of_events_may_ask_the_engine_themselves(engine: QueryEngine) -> None:
    asked: list[list[NodeWithScore]] = []

    class Asking(BaseEventHandler):
        @classmethod
        def class_name(cls) -> str:
            return "Asking"

        def handle(self, event: Any, **_: Any) -> None:
            if isinstance(event, ReRankEndEvent) and len(asked) < AT_ONCE:
                asked.append([])
                asked.append(engine.retrieve("西湖的水面有多大？"))

    handler = Asking()
    root = get_dispatcher()
    root.add_event_handler(handler)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert all(pool.map(engine.retrieve, QUESTIONS))
    finally:
        root.event_handlers.remove(handler)
    assert any(asked)


def test_models_of_the_user_may_wait_for_one_another(ingested: Path, local_model: Path) -> None:
    class Together(BaseNodePostprocessor):
        def _postprocess_nodes(
            self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
        ) -> list[NodeWithScore]:
            together.wait(PATIENCE)
            return nodes

    together = Barrier(AT_ONCE)
    with (
        QueryEngine.open(ingested, "西湖", {}, reranker=Together()) as engine,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        assert all(pool.map(engine.retrieve, QUESTIONS))
