"""Many documents at once: what is rejected is sent again, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from scripted_search_engine import Received, Scripted, ScriptedSearchEngine

from qa_engine.config import IndexConfig
from qa_engine.errors import ServiceUnavailableError, StorageError
from qa_engine.index.search_engine.connection.client import SearchEngine

BUSY = (429, {"type": "es_rejected_execution_exception", "reason": "queue is full"})
CONFLICT = (409, {"type": "version_conflict_engine_exception", "reason": "seqNo"})


def engine_at(server: ScriptedSearchEngine, patience: float = 5) -> SearchEngine:
    return SearchEngine(IndexConfig(search_url=server.url), patience_seconds=patience)


def indexed(count: int, size: int = 1) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [({"index": {"_id": str(number)}}, {"a": "x" * size}) for number in range(count)]


def ids(request: Received) -> list[str]:
    return [
        next(iter(line.values()))["_id"]
        for line in request.lines
        if isinstance(line, dict) and set(line) & {"index", "update", "delete"}
    ]


def stores(request: Received, **results: tuple[int, dict[str, Any] | None]) -> Scripted:
    """Everything is stored, but for those ids that have another result."""
    items = []
    for line in request.lines:
        assert isinstance(line, dict)
        for action, metadata in line.items():
            if action in {"index", "update", "delete"}:
                status, error = results.get(f"id{metadata['_id']}", (200, None))
                items.append({action: {"status": status, **({"error": error} if error else {})}})
    return Scripted(200, {"errors": bool(results), "items": items})


def test_only_what_was_rejected_is_sent_again() -> None:
    with ScriptedSearchEngine(
        lambda request: stores(request, id1=BUSY, id3=BUSY),
        lambda request: stores(request, id3=CONFLICT),
        stores,
    ) as server:
        engine_at(server).bulk("x", indexed(5))
    assert [ids(request) for request in server.requests] == [["0", "1", "2", "3", "4"], ["1", "3"], ["3"]]
    assert server.requests[0].headers["content-type"] == "application/x-ndjson"


def test_no_progress_ends() -> None:
    with ScriptedSearchEngine(lambda request: stores(request, id0=BUSY)) as server:
        started = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match=r"too busy .*queue is full"):
            engine_at(server, patience=0.5).bulk("x", indexed(1))
        assert time.monotonic() - started < 5
        assert len(server.requests) > 2


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ((400, {"type": "mapper_parsing_exception", "reason": "bad"}), "mapper_parsing_exception, bad"),
        ((404, {"type": "index_not_found_exception", "reason": "gone"}), "no index x any more"),
        (
            (404, {"type": "document_missing_exception", "reason": "[1]: document missing"}),
            "document missing",
        ),
        (
            (
                429,
                {
                    "type": "cluster_block_exception",
                    "reason": "[TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage",
                },
            ),
            "free space",
        ),
    ],
)
def test_what_cannot_be_stored_is_told_at_once(result: tuple[int, dict[str, Any]], message: str) -> None:
    with ScriptedSearchEngine(lambda request: stores(request, id1=result, id0=BUSY)) as server:
        with pytest.raises(StorageError, match=message):
            engine_at(server).bulk("x", indexed(3))
        assert len(server.requests) == 1


def test_what_is_gone_already_is_deleted() -> None:
    with ScriptedSearchEngine(lambda request: stores(request, id1=(404, None))) as server:
        engine_at(server).bulk("x", [({"delete": {"_id": "1"}}, None), ({"delete": {"_id": "2"}}, None)])
        assert len(server.requests) == 1


def test_a_limit_of_the_size_is_found_out() -> None:
    def limited(request: Received) -> Scripted:
        if int(request.headers["content-length"]) > 3000:
            return Scripted(413, "<h1>413 Request Entity Too Large</h1>")
        return stores(request)

    with ScriptedSearchEngine(limited) as server:
        engine = engine_at(server)
        engine.bulk("x", indexed(40, 400))
        stored = [r for r in server.requests if int(r.headers["content-length"]) <= 3000]
        assert [name for request in stored for name in ids(request)] == [str(number) for number in range(40)]
        refused = len(server.requests) - len(stored)
        engine.bulk("x", indexed(40, 400))  # it remembers
        assert sum(int(r.headers["content-length"]) > 3000 for r in server.requests) == refused
        with pytest.raises(StorageError, match=r"http\.max_content_length"):
            engine.bulk("x", indexed(2, 4000))


def test_large_parts() -> None:
    with ScriptedSearchEngine(stores) as server:
        engine_at(server).bulk("x", indexed(10, 1_000_000))
        assert [len(ids(request)) for request in server.requests] == [3, 3, 3, 1]
        engine_at(server).bulk("x", [])
        assert len(server.requests) == 4
