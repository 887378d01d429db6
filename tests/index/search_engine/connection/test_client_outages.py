"""The client of a search engine against real servers that fail: full disks, lost nodes, nodes that hang, none left."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from search_class_path import VERSIONS, UnavailableError
from search_server import SearchCluster

from qa_engine.config import IndexConfig
from qa_engine.errors import QAEngineError, ServiceUnavailableError, StorageError
from qa_engine.index.search_engine.connection.client import SearchEngine

pytestmark = pytest.mark.slow
INDEX = "outages"
WATERMARKS = "cluster.routing.allocation.disk"
Cluster = Callable[..., SearchCluster]


def engine_at(cluster: SearchCluster, patience: float | None = None, **settings: Any) -> SearchEngine:
    config = IndexConfig(search_url=",".join(cluster.urls), **settings)
    return SearchEngine(config, patience_seconds=patience)


def made(engine: SearchEngine, replicas: int = 0, count: int = 20, **settings: object) -> None:
    """An index with numbered documents."""
    engine = engine.with_patience(60)
    body = {"settings": {"number_of_replicas": replicas, "number_of_shards": 3, **settings}}
    engine.request("PUT", f"/{INDEX}-1", body | {"aliases": {INDEX: {}}})
    engine.bulk(INDEX, (({"index": {"_id": str(one)}}, {"number": one}) for one in range(count)))
    engine.refresh(INDEX)


def found(engine: SearchEngine) -> int:
    body = {"size": 0, "track_total_hits": True}
    params = {"allow_partial_search_results": "false"}
    hits = engine.request("POST", f"/{INDEX}/_search", body, params=params).body["hits"]
    return int(hits["total"]["value"])


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


@pytest.mark.parametrize("search_server", list(VERSIONS), indirect=True)
def test_every_version_is_asked_by_its_client(search_server: SearchCluster) -> None:
    name = f"{INDEX}-client"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine = engine_at(search_server)
        product = engine.product()
        assert f"{product.name.lower()}-{product.version.split('.')[0]}" == search_server.version
        body = {"settings": {"number_of_replicas": 0}, "aliases": {name: {}}}
        engine.request("PUT", f"/{name}-1", body)
        again = engine.request("PUT", f"/{name}-1", {}, accept={400})
        assert again.body["error"]["type"] == "resource_already_exists_exception"
        engine.bulk(name, [({"index": {"_id": "1", "routing": "7"}}, {"文": "字"})])
        engine.bulk(name, [({"update": {"_id": "1", "routing": "7"}}, {"doc": {"b": 2}})])
        engine.refresh(name)
        assert engine.get_many(name, ["1", "2"], routing=["7", "7"], realtime=True) == [
            {"文": "字", "b": 2},
            None,
        ]
        engine.bulk(name, [({"delete": {"_id": one, "routing": "7"}}, None) for one in ("1", "2")])
        with pytest.raises(StorageError, match="document_missing_exception"):
            engine.bulk(name, [({"update": {"_id": "1", "routing": "7"}}, {"doc": {"b": 3}})])
        with pytest.raises(StorageError, match=r"\(400, parsing_exception, unknown query \[nope\]"):
            engine.request("POST", f"/{name}/_search", {"query": {"nope": {}}})
        engine.request("POST", f"/{name}/_close")
        with pytest.raises(StorageError, match="open the index"):
            engine.request("POST", f"/{name}/_search", {})
        engine.request("DELETE", f"/{name}-1")
        for read in (
            lambda: engine.get_many(name, ["1"]),
            lambda: engine.request("POST", f"/{name}/_search", {}),
            lambda: engine.refresh(name),
        ):
            with pytest.raises(StorageError, match=f"has no index {name} any more"):
                read()
        engine.close()


@pytest.fixture(scope="module", params=list(VERSIONS))
def one_node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchCluster]:
    """A cluster of one node of each version, with an index."""
    version = request.param
    cluster = SearchCluster(
        version,
        tmp_path_factory.mktemp("outages") / version,
        settings={f"{WATERMARKS}.threshold_enabled": "true"},
    )
    try:
        cluster.prepare()
    except UnavailableError as error:
        pytest.skip(f"no server of {version}: {error}")
    with cluster:
        made(engine_at(cluster))
        yield cluster


def test_a_full_disk(one_node: SearchCluster) -> None:
    engine = engine_at(one_node, patience=30)
    one = [({"index": {"_id": "0"}}, {"number": 0})]
    set_watermarks(one_node, "100000gb")
    refusals: list[str] = []

    def is_refused() -> bool:
        try:
            engine.bulk(INDEX, one)
        except StorageError as error:
            refusals.append(str(error))
        return bool(refusals)

    until(is_refused)
    assert "has too little space on its disks" in refusals[0]
    assert "free space" in refusals[0]
    with pytest.raises(StorageError, match="too little space"):
        engine.request("PUT", f"/{INDEX}/_doc/0", {"number": 0})
    assert found(engine) == 20  # what is there can be read
    set_watermarks(one_node, None)

    def is_stored() -> bool:
        try:
            engine.bulk(INDEX, one)
        except StorageError:
            return False
        return True

    until(is_stored)


def set_watermarks(cluster: SearchCluster, free: str | None) -> None:
    settings = {f"{WATERMARKS}.watermark.{level}": free for level in ("low", "high", "flood_stage")}
    settings["cluster.info.update.interval"] = "10s" if free else None
    cluster.send("PUT", "/_cluster/settings", {"persistent": settings})


def test_a_node_that_hangs(one_node: SearchCluster) -> None:
    engine = engine_at(one_node, timeout_seconds=1)
    assert found(engine) == 20
    one_node.pause(0)
    try:
        started = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match=r"in time: raise index\.timeout_seconds = 1"):
            found(engine)
        assert time.monotonic() - started < 4
        writer = threading.Timer(2, one_node.resume, [0])
        writer.start()
        assert found(engine.with_patience(60)) == 20
        writer.join()
    finally:
        one_node.resume(0)


def test_the_only_node_is_gone_and_comes_back(one_node: SearchCluster) -> None:
    engine = engine_at(one_node)
    assert found(engine) == 20
    one_node.kill(0)
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match=r"cannot be reached .*then run the same command again"):
        found(engine)
    assert time.monotonic() - started < 10
    outcome: list[object] = []

    def store() -> None:
        try:
            engine.with_patience(120).bulk(INDEX, [({"index": {"_id": "20"}}, {"number": 20})])
            outcome.append("stored")
        except QAEngineError as error:
            outcome.append(error)

    writer = threading.Thread(target=store)
    writer.start()
    one_node.restart(0)
    writer.join()
    assert outcome == ["stored"]
    one_node.wait_yellow(INDEX)
    engine.refresh(INDEX)
    assert found(engine) == 21


THREE = pytest.mark.parametrize("version", ["opensearch-3", "elasticsearch-9"])


@THREE
def test_a_node_of_three_is_killed_under_load(version: str, search_cluster: Cluster) -> None:
    cluster = search_cluster(version, nodes=3)
    engine = engine_at(cluster)
    made(engine, replicas=1)
    cluster.wait_green(INDEX)
    stop, results = threading.Event(), list[object]()

    def ask() -> None:
        while not stop.is_set():
            try:
                results.append(found(engine))
            except QAEngineError as error:
                results.append(error)

    def write() -> None:
        patient = engine.with_patience(60)
        for number in range(20, 2_000):
            patient.bulk(INDEX, [({"index": {"_id": f"{number}"}}, {"number": number})])
            if stop.is_set():
                written.append(number + 1)
                return

    written: list[int] = []
    threads = [threading.Thread(target=ask) for _ in range(8)] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    before = len(results)
    until(lambda: len(results) > before + 50)
    cluster.kill(1)
    cluster.wait_for_nodes(2)
    cluster.wait_yellow(INDEX)
    after = len(results)
    until(lambda: len(results) > after + 50)
    stop.set()
    for thread in threads:
        thread.join()
    assert [one for one in results if isinstance(one, QAEngineError)] == []
    engine.refresh(INDEX)
    assert written
    assert found(engine) == written[0]


@THREE
def test_lost_shards_are_told(version: str, search_cluster: Cluster) -> None:
    cluster = search_cluster(version, nodes=3)
    engine = engine_at(cluster, patience=1)
    made(engine)  # without copies
    node = next(
        shard["node"]
        for shard in cluster.send("GET", f"/_cat/shards/{INDEX}?format=json")
        if shard["node"] != cluster.nodes[0].name
    )
    number = [one.name for one in cluster.nodes].index(node)
    cluster.kill(number)
    cluster.wait_for_nodes(2)
    with pytest.raises(ServiceUnavailableError, match=rf"lacks shards of {INDEX} .*start the missing nodes"):
        found(engine)
    with pytest.raises(ServiceUnavailableError, match=f"lacks shards of {INDEX}"):
        engine.get_many(INDEX, [str(one) for one in range(20)])
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match=f"lacks shards of {INDEX}"):
        engine.bulk(INDEX, (({"index": {"_id": str(one)}}, {"number": one}) for one in range(20)))
    assert time.monotonic() - started < 50
    cluster.restart(number)
    cluster.wait_green(INDEX)
    assert found(engine) == 20


@THREE
def test_a_node_of_three_hangs(version: str, search_cluster: Cluster) -> None:
    cluster = search_cluster(version, nodes=3)
    engine = engine_at(cluster, timeout_seconds=20)
    made(engine, replicas=2)
    cluster.wait_green(INDEX)
    assert found(engine) == 20
    cluster.pause(2)
    try:
        until(lambda: asked(engine) == 20, seconds=60)
        cluster.nodes[0].send("GET", "/_cluster/health?wait_for_nodes=2&timeout=100s", timeout=110)
        started = time.monotonic()
        assert [found(engine) for _ in range(30)] == [20] * 30
        assert time.monotonic() - started < 15
    finally:
        cluster.resume(2)


def asked(engine: SearchEngine) -> int | None:
    try:
        return found(engine)
    except ServiceUnavailableError:
        return None


@THREE
def test_without_a_majority(version: str, search_cluster: Cluster) -> None:
    cluster = search_cluster(version, nodes=3)
    engine = engine_at(cluster, patience=1, timeout_seconds=20)
    made(engine, replicas=2)
    cluster.wait_green(INDEX)
    cluster.kill(0)
    cluster.kill(1)
    refusals: list[str] = []

    def is_refused() -> bool:
        try:
            engine.request("PUT", "/another", {})
        except ServiceUnavailableError as error:
            refusals.append(str(error))
        return bool(refusals) and "no elected master node" in refusals[-1]

    until(is_refused)
    # A primary shard that is still there waits for ever for its copies to be counted as lost.
    with pytest.raises(ServiceUnavailableError, match=r"no elected master node|lacks shards|answer in time"):
        engine.bulk(INDEX, [({"index": {"_id": "0"}}, {"number": 0})])
