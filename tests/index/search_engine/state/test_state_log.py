"""The log of a collection: large changes, missing parts, and answers that were lost."""

from __future__ import annotations

import random

import pytest
from memory_search_engine import Cluster, MemorySearchEngine

from qa_engine.config import Bm25Config
from qa_engine.errors import IndexLockedError, StorageError
from qa_engine.index.search_engine.registry import Registry
from qa_engine.index.search_engine.state import state_log
from qa_engine.index.search_engine.state.state_log import Change, LogPosition, StateLog

START = LogPosition(0, "")
_CHANCE = random.Random(1)
LARGE: list[Change] = [("meta", f"key {number}", [_CHANCE.randbytes(20).hex()]) for number in range(300)]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def log(cluster: Cluster) -> StateLog:
    registry = Registry(MemorySearchEngine(cluster))
    return StateLog(registry, registry.create("reports", Bm25Config()))


def test_a_large_change_has_parts_and_is_read_as_one(log: StateLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_log, "_MAX_BYTES", 1000)
    position = log.append(START, LARGE)
    (entry,) = log.news(START).entries
    assert (entry.changes, entry.position) == (LARGE, position)


def test_a_part_that_is_missing_is_an_error_and_no_shorter_change(
    log: StateLog, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_log, "_MAX_BYTES", 1000)
    log.append(START, LARGE)
    documents = cluster.index("qa-engine-state").documents
    part = next(name for name, document in documents.items() if document.source["kind"] == "part")
    del documents[part]
    with pytest.raises(StorageError, match="incomplete: restore"):
        log.news(START)


def test_a_change_that_was_sent_twice_is_there_once(log: StateLog, cluster: Cluster) -> None:
    """The client sends a request again when the answer was lost: it is refused then, for its own sake."""
    request = log.engine.request

    def twice(*arguments: object, **options: object) -> object:
        if "_create" in str(arguments[1]):
            request(*arguments, **options)  # type: ignore[arg-type]
        return request(*arguments, **options)  # type: ignore[arg-type]

    log.engine.request = twice  # type: ignore[method-assign, assignment]
    after = log.append(START, [("meta", "a", ["1"])])
    log.append(after, [("meta", "b", ["1"])])
    assert [entry.changes for entry in log.news(START).entries] == [
        [("meta", "a", ["1"])],
        [("meta", "b", ["1"])],
    ]


def test_the_second_at_a_position_is_refused(log: StateLog) -> None:
    log.append(START, [("meta", "a", ["1"])])
    with pytest.raises(IndexLockedError, match="took over"):
        log.append(START, [("meta", "a", ["2"])])


def test_many_changes_are_read_in_few_requests(log: StateLog, cluster: Cluster) -> None:
    position = START
    for number in range(120):
        position = log.append(position, [("meta", str(number), ["1"])])
    cluster.requests.clear()
    assert len(log.news(START).entries) == 120
    assert len(cluster.requests) == 4
    cluster.requests.clear()
    assert log.news(position).entries == []
    assert len(cluster.requests) == 1


def test_a_state_that_is_not_whole_is_an_error(log: StateLog, cluster: Cluster) -> None:
    position = log.append(START, [("meta", "a", ["1"])])
    assert log.begin_anew(position, [("meta", "a", ["1"])])
    documents = cluster.index("qa-engine-state").documents
    for name in [name for name in documents if ":base:" in name]:
        del documents[name]
    with pytest.raises(StorageError, match="incomplete: restore"):
        log.base()
