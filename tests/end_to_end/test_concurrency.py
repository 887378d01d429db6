"""32 questions at a time on one engine: none fails, none gets another's answer, and the event loop stays free."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, get_ident
from typing import Any

import pytest
from openai_server import OpenAIServer, Reply, Request, chat
from pdf_factory import chinese_pdf

from qa_engine import Answer, Config, QueryEngine, ingest
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.retrieval.search import CollectionSearch

AT_ONCE = 32
PATIENCE = 60
"""Seconds, for a machine that has much else to do."""
CODES = [f"{chr(65 + number % 26)}{number:02}{chr(75 + number % 11)}" for number in range(AT_ONCE)]
QUESTIONS = [f"设备{code}的额定功率是多少瓦？" for code in CODES]
_ASKED = re.compile(r"设备(\w+)的额定功率是多少")
_PASSAGE = re.compile(r"⟦资料 (\d+)｜.*?⟧\n(.*?)\n⟦资料 \1 完⟧", re.DOTALL)


def power(code: str) -> int:
    return 1000 + CODES.index(code) * 17


def about_the_question(together: Event) -> Reply:
    """Says what the passages say of the device that is asked about, with the number of the passage.

    Once ``together`` is set, nothing is said before all questions have come: one after the other, they would never be
    answered.
    """
    arrived = Barrier(AT_ONCE)

    def reply(handler: Any, request: Request) -> None:
        if together.is_set():
            arrived.wait(PATIENCE)
        code = _ASKED.search(request.user.partition("问题：")[2])[1]  # type: ignore[index]
        stated = re.compile(rf"设备{code}的额定功率是(\d+)瓦")
        found = [(n, m[1]) for n, text in _PASSAGE.findall(request.user) if (m := stated.search(text))]
        text = f"设备{code}的额定功率是{found[0][1]}瓦[{found[0][0]}]。" if found else f"没有看到{code}[1]。"
        chat(text)(handler, request)

    return reply


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, hash_embedding: Any) -> Path:
    folder = tmp_path_factory.mktemp("devices")
    stated = [f"设备{code}的额定功率是{power(code)}瓦，请勿超过这个数值。" for code in CODES]
    for half in (0, 1):
        chinese_pdf(folder / f"设备{half}.pdf", stated[half::2])
    ingest(folder, folder / "storage", embed_model=hash_embedding, config={"rerank": {"model": "none"}})
    return folder / "storage"


@pytest.fixture
def engine(storage: Path, hash_embedding: Any) -> Iterator[QueryEngine]:
    together = Event()
    with OpenAIServer(about_the_question(together)) as server:
        config = Config(
            llm={"model": "m", "base_url": server.url, "max_retries": 0, "timeout_seconds": PATIENCE},
            rerank={"model": "none"},
            retrieval={"window_chars": 50},
        )
        engine = QueryEngine.open(storage, config=config, embed_model=hash_embedding)
        engine.query(QUESTIONS[0])  # the client of the language model is imported when it is first asked
        server.requests.clear()
        together.set()
        yield engine
        assert len(server.requests) == AT_ONCE


def assert_own(answers: list[Answer]) -> None:
    """Each answer speaks of its own device, and cites the passage that does."""
    for code, question, answer in zip(CODES, QUESTIONS, answers, strict=True):
        assert answer.question == question
        assert f"{code}的额定功率是{power(code)}瓦" in answer.response
        (citation,) = answer.citations
        assert f"{power(code)}瓦" in citation.text
        assert citation.boxes
        assert answer.explanation.queries[0].query == question


@pytest.fixture(autouse=True)
def searching(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The threads in which the index was read."""
    threads: set[int] = set()
    steps = ((CollectionSearch, "rank"), (RankedPassages, "best"), (RankedPassages, "spans"))
    for owner, name in steps:
        method = getattr(owner, name)

        def noted(*arguments: Any, method: Any = method) -> Any:
            threads.add(get_ident())
            return method(*arguments)

        monkeypatch.setattr(owner, name, noted)
    return threads


async def test_aquery(engine: QueryEngine, searching: set[int]) -> None:
    searching.clear()
    assert_own(await asyncio.gather(*(engine.aquery(question) for question in QUESTIONS)))
    assert searching
    assert get_ident() not in searching


def test_threads(engine: QueryEngine) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert_own(list(pool.map(engine.query, QUESTIONS)))


async def test_astream(engine: QueryEngine, searching: set[int]) -> None:
    searching.clear()

    async def read(question: str) -> Answer:
        stream = engine.astream(question)
        text = "".join([piece async for piece in stream])
        assert text == stream.answer.response
        return stream.answer

    assert_own(await asyncio.gather(*(read(question) for question in QUESTIONS)))
    assert searching
    assert get_ident() not in searching


async def test_sessions(engine: QueryEngine, searching: set[int]) -> None:
    searching.clear()
    assert_own(await asyncio.gather(*(engine.chat().aask(question) for question in QUESTIONS)))
    assert searching
    assert get_ident() not in searching
