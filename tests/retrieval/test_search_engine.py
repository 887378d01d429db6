"""Questions over a collection in a search engine, end to end: their passages, and how many requests they take."""

from __future__ import annotations

import random
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chroma_process import ChromaProcess
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace
from pdf_factory import chinese_pdf, english_pdf
from search_server import SearchCluster

import qa_engine
from qa_engine import QueryEngine
from qa_engine.config import Config
from qa_engine.index.search_engine.connection.client import SearchEngine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True),
]
_WORDS = [
    *"湖塔桥墙",
    "年假",
    "公司",
    "收入",
    "利润",
    "报告",
    "董事会",
    "员工",
    "花园",
    "历史",
    "西湖",
    "木星",
    "质量",
]
_ENGLISH = [
    "lake",
    "tower",
    "bridge",
    "wall",
    "leave",
    "company",
    "revenue",
    "profit",
    "report",
    "board",
    "planet",
    "mass",
]


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of invented sentences in two languages, some of which are the same."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chance = random.Random(11)
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(6):
        chinese = ["".join(chance.choices(_WORDS, k=chance.randint(3, 14))) + "。" for _ in range(30)]
        english = [
            " ".join(chance.choices(_ENGLISH, k=chance.randint(3, 14))).capitalize() + "." for _ in range(30)
        ]
        chinese_pdf(folder / f"zh{number}.pdf", ["".join(chinese[at : at + 5]) for at in range(0, 30, 5)])
        english_pdf(folder / f"en{number}.pdf", [" ".join(english[at : at + 5]) for at in range(0, 30, 5)])
    return folder


def questions(count: int) -> Iterator[str]:
    chance = random.Random(5)
    for number in range(count):
        words = chance.choices(_ENGLISH if number % 3 == 0 else _WORDS, k=chance.randint(1, 5))
        yield " ".join(words) + "?" if number % 3 == 0 else "".join(words) + "是什么？"


def config(
    chroma: ChromaProcess, server: SearchCluster | None, shards: int = 1, candidates: int = 50
) -> Config:
    index: dict[str, Any] = {"url": chroma.url}
    if server is not None:
        index |= {
            "search_url": server.url,
            "search_prefix": f"t{secrets.token_hex(4)}",
            "search_shards": shards,
            "search_replicas": 0,
        }
    retrieval = {"dictionary": False, "bm25_top_k": candidates, "dense_top_k": candidates}
    return Config.of({"index": index, "rerank": {"model": "none"}, "retrieval": retrieval})


def opened(docs: Path, storage: Path, model: HashEmbedding, config: Config, collection: str) -> QueryEngine:
    qa_engine.ingest(docs, storage, collection, config=config, embed_model=model)
    return QueryEngine.open(storage=storage, collection=collection, config=config, embed_model=model)


@pytest.mark.parametrize("shards", [1, 3])
def test_300_questions_have_the_same_passages(
    search_server: SearchCluster,
    chroma_server: ChromaProcess,
    docs: Path,
    tmp_path: Path,
    hash_embedding: HashEmbedding,
    shards: int,
) -> None:
    # All sentences are candidates: of those with equal scores, each index would leave out others.
    ours, theirs = config(chroma_server, search_server, shards, 1000), config(chroma_server, None, 1, 1000)
    with (
        opened(docs, tmp_path / "embedded", hash_embedding, theirs, "embedded") as embedded,
        opened(docs, tmp_path / "cluster", hash_embedding, ours, "cluster") as cluster,
    ):
        for question in questions(300):
            expected = embedded.retrieve(question, top_k=10)
            found = cluster.retrieve(question, top_k=10)
            assert [one.score for one in found] == pytest.approx([one.score for one in expected], rel=1e-4), (
                question
            )
            for one, other in zip(found, expected, strict=True):
                # Equal scores may be in another order.
                assert one.node_id == other.node_id or one.score == pytest.approx(other.score, rel=1e-4), (
                    question
                )
            best = {one.node_id for one in expected if one.score > expected[-1].score * 1.001}
            assert best <= {one.node_id for one in found}, question


def test_requests_of_a_question(
    search_server: SearchCluster,
    chroma_server: ChromaProcess,
    docs: Path,
    tmp_path: Path,
    hash_embedding: HashEmbedding,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a question that names a document takes twice, as it is searched for within this and everywhere, is counted."""
    sent: list[Counter[str]] = []
    lock, request = threading.Lock(), SearchEngine.request

    def counting(self: SearchEngine, method: str, path: str, *args: Any, **options: Any) -> Any:
        with lock:
            sent[-1][path.rpartition("-")[2]] += 1
        return request(self, method, path, *args, **options)

    with opened(
        docs, tmp_path / "cluster", hash_embedding, config(chroma_server, search_server), "cluster"
    ) as engine:
        engine.retrieve("湖", top_k=10)
        monkeypatch.setattr(SearchEngine, "request", counting)
        for question in questions(40):
            sent.append(Counter())
            assert engine.retrieve(question, top_k=10)
            assert sent[-1]["state/_mget"] == 1, sent[-1]
            assert sent[-1]["sentences/_mtermvectors"] <= 2, sent[-1]
            assert sent[-1]["sentences/_search"] <= 2, sent[-1]
            assert sent[-1]["sentences/_mget"] <= 5, sent[-1]
            assert sum(sent[-1].values()) <= 9, sent[-1]
        assert sum(map(Counter.total, sent)) / len(sent) <= 6
        sent.append(Counter())
        engine.retrieve(question, top_k=10)
        assert set(sent[-1]) == {"state/_mget", "sentences/_search"}, sent[-1]


def test_a_question_has_what_another_machine_changed_just_before(
    search_server: SearchCluster,
    chroma_server: ChromaProcess,
    docs: Path,
    tmp_path: Path,
    hash_embedding: HashEmbedding,
) -> None:
    """It begins with the state that the last question ended with."""
    ours = config(chroma_server, search_server)
    table = tmp_path / "metadata.csv"

    def ingest_elsewhere(metadata: Path | None = None) -> None:
        there = tmp_path / "elsewhere"
        qa_engine.ingest(
            docs, there, "cluster", metadata=metadata, prune=True, config=ours, embed_model=hash_embedding
        )

    with opened(docs, tmp_path / "cluster", hash_embedding, ours, "cluster") as engine:
        question = "西湖的塔是什么？"
        (best, *_) = engine.retrieve(question, top_k=10)
        assert "owner" not in best.metadata["metadata"]
        table.write_text("file,owner\n" + "".join(f"{file.name},board\n" for file in docs.iterdir()))
        ingest_elsewhere(table)
        (best, *_) = engine.retrieve(question, top_k=10)
        assert best.metadata["metadata"]["owner"] == "board"
        (docs / best.metadata["file_name"]).unlink()
        ingest_elsewhere(table)
        found = engine.retrieve(question, top_k=10)
        assert found
        assert best.metadata["file_name"] not in {one.metadata["file_name"] for one in found}
        chinese_pdf(docs / "new.pdf", ["西湖的塔是什么。"])
        ingest_elsewhere()
        assert engine.retrieve(question, top_k=10)[0].metadata["file_name"] == "new.pdf"
