"""The removal of a collection from a search engine, cut off after any of its requests, and completed later."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from memory_search_engine import Cluster, MemorySearchEngine

from qa_engine.config import Bm25Config
from qa_engine.errors import ServiceUnavailableError
from qa_engine.index.search_engine.registry import Registry
from qa_engine.index.search_engine.removal import begin_removal, complete_removals

PLACE = {"store": "server", "name": "qa-reports", "url": None}


class Cut(BaseException):
    """The process is gone."""


def made(*names: str) -> tuple[Cluster, Registry]:
    cluster = Cluster()
    registry = Registry(MemorySearchEngine(cluster))
    for name in names:
        mark = registry.create(name, Bm25Config()).mark
        registry.engine.request(
            "PUT", f"/{registry.state}/_doc/{mark}:change:1", {"mark": mark, "kind": "change"}
        )
    return cluster, registry


def left_of(cluster: Cluster, registry: Registry, mark: str) -> list[str]:
    """The indices and documents that still have to do with a collection."""
    state = cluster.index(registry.state).documents
    documents = [name for name, one in state.items() if one.source["mark"] == mark]
    return documents + [name for name in cluster.indices if mark in name]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_removal_that_is_cut_off_anywhere_is_not_begun_or_completed_later(moment: str) -> None:
    outcomes = set()
    for step in count():
        cluster, registry = made("reports", "other")
        collection = registry.find("reports")
        assert collection is not None
        dropped: list[dict[str, Any]] = []
        requests = count()
        cluster.error = Cut
        cluster.fault = lambda method, path, at=step, n=requests: moment if next(n) == at else None
        try:
            begin_removal(registry, collection, [PLACE])
            complete_removals(registry, dropped.append)
            cut = False
        except Cut:
            cut = True
        cluster.fault = lambda method, path: None
        complete_removals(registry, dropped.append)
        if registry.find("reports") is not None:
            outcomes.add("there")
            assert dropped == []
            assert collection.sentences in cluster.aliases
        else:
            outcomes.add("gone")
            assert PLACE in dropped
            assert left_of(cluster, registry, collection.mark) == []
        other = registry.find("other")
        assert other is not None
        assert len(left_of(cluster, registry, other.mark)) == 5
        if not cut:
            break
    assert outcomes == {"there", "gone"}


def test_a_collection_of_the_same_name_that_was_made_since_stays() -> None:
    cluster, registry = made("reports")
    first = registry.find("reports")
    assert first is not None
    begin_removal(registry, first, [])
    second = registry.create("reports", Bm25Config())
    assert second.mark != first.mark
    assert complete_removals(registry, lambda place: None) == 1
    assert registry.find("reports") == second
    assert left_of(cluster, registry, first.mark) == []
    assert len(left_of(cluster, registry, second.mark)) == 4


def test_vectors_that_cannot_be_dropped_now_keep_no_other_removal_waiting() -> None:
    cluster, registry = made("one", "two")
    collections = [registry.find("one"), registry.find("two")]
    for collection in collections:
        assert collection is not None
        begin_removal(registry, collection, [{**PLACE, "name": collection.name}])

    def drop(place: dict[str, Any]) -> None:
        if place["name"] == "one":
            raise ServiceUnavailableError("The Chroma server does not answer.")

    assert complete_removals(registry, drop) == 1
    assert registry.names() == []
    assert [note["name"] for note in registry.sources("removal")] == ["one"]
    assert complete_removals(registry, lambda place: None) == 1
    assert list(cluster.aliases) == [registry.state]
