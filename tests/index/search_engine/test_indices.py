"""Indices under aliases: a document that is stored too late makes no index."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from memory_search_engine import MemorySearchEngine
from search_class_path import VERSIONS
from search_server import SearchCluster

from qa_engine.config import Bm25Config, IndexConfig
from qa_engine.errors import StorageError
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.indices import create_index, delete_index
from qa_engine.index.search_engine.registry import Registry
from qa_engine.index.search_engine.removal import begin_removal, complete_removals

MAPPING = {"dynamic": False, "properties": {"number": {"type": "integer"}}}
DOCUMENT = {"number": 1, "more": "x"}


@pytest.fixture(params=["memory", *(pytest.param(one, marks=pytest.mark.slow) for one in VERSIONS)])
def engine(
    request: pytest.FixtureRequest, search_servers: Callable[[str], SearchCluster]
) -> Iterator[SearchEngine]:
    """A search engine in memory, and a real one of each version."""
    if request.param == "memory":
        yield MemorySearchEngine()
        return
    config = IndexConfig(search_url=search_servers(request.param).url)
    with closing(SearchEngine(config, patience_seconds=20)) as engine:
        yield engine


@pytest.fixture
def registry(engine: SearchEngine) -> Registry:
    """The registry of an installation that has nothing yet."""
    prefix = f"t{secrets.token_hex(4)}"
    engine.config = engine.config.model_copy(update={"search_prefix": prefix, "search_replicas": 0})
    return Registry(engine)


def made(engine: SearchEngine, alias: str) -> None:
    settings = {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"}
    create_index(engine, alias, settings, MAPPING)


def is_there(engine: SearchEngine, name: str) -> bool:
    return engine.request("GET", f"/{name}/_alias", accept={404}).status == 200


def refuses_documents(engine: SearchEngine, alias: str) -> None:
    missing = f"has no index {alias} any more" if type(engine) is SearchEngine else "index_not_found|no index"
    for store in (
        lambda: engine.request("PUT", f"/{alias}/_doc/1", DOCUMENT),
        lambda: engine.request("PUT", f"/{alias}/_create/1", DOCUMENT, params={"refresh": "true"}),
        lambda: engine.bulk(alias, [({"index": {"_id": "1", "routing": "1"}}, DOCUMENT)]),
        lambda: engine.bulk(alias, [({"create": {"_id": "1"}}, DOCUMENT), ({"delete": {"_id": "2"}}, None)]),
        lambda: engine.bulk(alias, [({"update": {"_id": "1"}}, {"doc": DOCUMENT})]),
    ):
        with pytest.raises(StorageError, match=missing):
            store()


def test_a_writer_that_is_late_leaves_nothing_of_a_removed_collection(registry: Registry) -> None:
    collection = registry.create("reports", Bm25Config())
    aliases = (collection.sentences, collection.documents, collection.tokens)
    for alias in aliases:
        registry.engine.request("PUT", f"/{alias}/_doc/1", DOCUMENT)
    begin_removal(registry, collection, [])
    complete_removals(registry, lambda place: None)  # servers without _delete_by_query keep the log
    for alias in aliases:
        refuses_documents(registry.engine, alias)
        assert not is_there(registry.engine, alias)
        assert not is_there(registry.engine, f"{alias}-1")
    assert registry.names() == []


def test_a_lost_registry_is_not_made_by_a_writer(registry: Registry) -> None:
    registry.create("reports", Bm25Config())
    delete_index(registry.engine, registry.state)
    refuses_documents(registry.engine, registry.state)
    assert not is_there(registry.engine, registry.state)


def test_an_index_is_made_once_by_two_at_once(registry: Registry) -> None:
    alias = registry.state
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: made(registry.engine, alias), range(8)))
    registry.engine.bulk(alias, [({"index": {"_id": "1"}}, DOCUMENT)])
    made(registry.engine, alias)
    assert registry.engine.get_many(alias, ["1"], realtime=True) == [DOCUMENT]
    for _ in range(2):
        delete_index(registry.engine, alias)
        assert not is_there(registry.engine, alias)


def test_an_index_that_took_the_place_of_another_is_used_and_deleted(registry: Registry) -> None:
    engine, alias = registry.engine, registry.state
    other = {"settings": {"index": {"number_of_replicas": 0}}, "mappings": MAPPING, "aliases": {alias: {}}}
    engine.request("PUT", f"/{alias}-2", other)
    made(engine, alias)
    assert not is_there(engine, f"{alias}-1")
    engine.request("PUT", f"/{alias}/_doc/1", DOCUMENT)
    delete_index(engine, alias)
    assert not is_there(engine, f"{alias}-2")


def test_an_index_of_somebody_else_with_the_name_is_told(registry: Registry) -> None:
    engine, alias = registry.engine, registry.state
    engine.request("PUT", f"/{alias}", {"settings": {"index": {"number_of_replicas": 0}}})
    with pytest.raises(StorageError, match=f"has an index {alias} that qa_engine did not make: delete"):
        made(engine, alias)
    refuses_documents(engine, alias)
    delete_index(engine, alias)
    made(engine, alias)
    engine.request("PUT", f"/{alias}/_doc/1", DOCUMENT)
    delete_index(engine, alias)
