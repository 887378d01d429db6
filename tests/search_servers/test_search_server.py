"""The servers of the tests are what they are said to be: real ones, which can do what the package asks of them."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import pytest
import search_class_path
from processes import python
from search_class_path import SOURCES, VERSIONS, UnavailableError, class_path, java_home
from search_server import SearchCluster

Cluster = Callable[..., SearchCluster]


def _those_with(ability: str) -> list[Any]:
    """Versions of servers that have an ability."""
    return [
        pytest.param(name, marks=pytest.mark.slow) for name in VERSIONS if getattr(VERSIONS[name], ability)
    ]


def test_no_fitting_java_is_told_with_the_way_out() -> None:
    with pytest.raises(UnavailableError, match=r"no Java from 998 to 999 .* apt install openjdk-998"):
        java_home(998, 999)


def test_no_maven_is_told_and_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "javac").touch()
    (home / "release").write_text('JAVA_VERSION="17.0.1"\n')
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(search_class_path, "_failed", {})
    search_class_path._class_path.cache_clear()
    search_class_path.java_home.cache_clear()
    try:
        for _ in range(2):
            with pytest.raises(UnavailableError, match=r"Maven \(mvn\) is not on the PATH"):
                class_path("opensearch-2")
            # Even if it were there by now.
            monkeypatch.setattr(search_class_path, "_fetch", pytest.fail)
    finally:
        search_class_path._class_path.cache_clear()
        search_class_path.java_home.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("version", ["opensearch-2"])
def test_a_node_that_cannot_start_shows_its_log(version: str, search_cluster: Cluster) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)node-1 of opensearch-2 has ended.*no\.such\.setting"):
        search_cluster(version, settings={"no.such.setting": "1"})


@pytest.mark.slow
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path, search_cluster: Cluster) -> None:
    search_cluster("opensearch-2").close()
    code = (
        "import sys, time; from pathlib import Path; from search_server import SearchCluster\n"
        "cluster = SearchCluster('opensearch-2', Path(sys.argv[1])); cluster.start()\n"
        "print(cluster.nodes[0].pid, flush=True); time.sleep(300)"
    )
    with python(code, str(tmp_path / "orphan")) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        os.kill(server, 0)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 30
        while _exists(server):
            assert time.monotonic() < deadline, "it lives on"
            time.sleep(0.05)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Whoever has adopted it may not have asked yet how it ended.
    return (
        sys.platform != "linux" or Path(f"/proc/{process}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    )


def test_a_server_says_its_version(search_server: SearchCluster) -> None:
    pom = (SOURCES / search_server.version / "pom.xml").read_text()
    wanted = re.search("<server.version>(.*)<", pom)
    found = search_server.send("GET", "/")["version"]
    assert wanted and found["number"] == wanted[1]
    assert (found.get("distribution") == "opensearch") == search_server.version.startswith("opensearch")


def test_bm25_counts_with_the_parameters_of_each_field(search_server: SearchCluster) -> None:
    """The scores of a document and a field are what the formula of BM25 says for k1 and b of that field."""
    parameters = {"text": (1.7, 0.3), "title": (0.6, 0.9)}
    search_server.send(
        "PUT",
        "/bm25",
        {
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": 0,
                "similarity": {
                    name: {"type": "BM25", "k1": k1, "b": b} for name, (k1, b) in parameters.items()
                },
            },
            "mappings": {
                "dynamic": "strict",
                "properties": {
                    name: {"type": "text", "analyzer": "whitespace", "similarity": name}
                    for name in parameters
                },
            },
        },
    )
    documents = ["年假 年假 员工", "员工 survey", "boat Survey boat monthly cost"]
    lines: list[Any] = []
    for number, text in enumerate(documents):
        lines += [{"index": {"_id": str(number)}}, dict.fromkeys(parameters, text)]
    assert not search_server.send("POST", "/bm25/_bulk?refresh=true", lines)["errors"]

    lengths = [len(text.split()) for text in documents]
    for name, (k1, b) in parameters.items():
        # Lucene has left this factor out since its version 8, Elasticsearch and OpenSearch 2 keep it.
        factor = 1 if search_server.version == "opensearch-3" else k1 + 1
        for term, number, times, holders in (("年假", 0, 2, 1), ("员工", 1, 1, 2), ("Survey", 2, 1, 1)):
            query = {"query": {"match": {name: term}}}
            hits = search_server.send("POST", "/bm25/_search", query)["hits"]["hits"]
            assert len(hits) == holders
            inverse = log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
            norm = k1 * (1 - b + b * lengths[number] / (sum(lengths) / len(lengths)))
            score = factor * inverse * times / (times + norm)
            found = {hit["_id"]: hit["_score"] for hit in hits}[str(number)]
            assert found == pytest.approx(score, rel=1e-5)


def test_statistics_of_all_shards_count_with_dfs(search_server: SearchCluster) -> None:
    search_server.send("PUT", "/dfs", _text_index(shards=2))
    for number, (route, text) in enumerate([("a", "lake"), ("a", "boat"), ("a", "boat"), ("b", "lake")]):
        search_server.send("PUT", f"/dfs/_doc/{number}?routing={route}&refresh=true", {"text": text})
    shards = search_server.send("GET", "/_cat/shards/dfs?format=json&h=docs")
    assert sorted(shard["docs"] for shard in shards) == ["1", "3"], "routes do not part the documents"

    def scores(kind: str) -> set[float]:
        query = {"query": {"match": {"text": "lake"}}}
        found = search_server.send("POST", f"/dfs/_search?search_type={kind}", query)["hits"]["hits"]
        assert len(found) == 2
        return {hit["_score"] for hit in found}

    assert len(scores("query_then_fetch")) == 2
    assert len(scores("dfs_query_then_fetch")) == 1


def test_a_write_on_an_old_state_is_a_conflict(search_server: SearchCluster) -> None:
    search_server.send("PUT", "/conflict", _text_index())
    first = search_server.send("PUT", "/conflict/_doc/1", {"text": "one"})
    path = f"/conflict/_doc/1?if_seq_no={first['_seq_no']}&if_primary_term={first['_primary_term']}"
    assert search_server.send("PUT", path, {"text": "two"})["result"] == "updated"
    status, answer = search_server.nodes[0].send("PUT", path, {"text": "three"})
    assert (status, answer["error"]["type"]) == (409, "version_conflict_engine_exception")
    assert search_server.send("GET", "/conflict/_doc/1")["_source"] == {"text": "two"}


@pytest.mark.parametrize("search_server", _those_with("by_query"), indirect=True)
def test_documents_are_deleted_and_moved_by_query(search_server: SearchCluster) -> None:
    for name in ("source", "target"):
        search_server.send("PUT", f"/{name}", _text_index())
    for number, text in enumerate(["keep", "drop", "drop"]):
        search_server.send("PUT", f"/source/_doc/{number}?refresh=true", {"text": text})
    query = {"query": {"match": {"text": "drop"}}}
    assert search_server.send("POST", "/source/_delete_by_query?refresh=true", query)["deleted"] == 2
    both = {"source": {"index": "source"}, "dest": {"index": "target"}}
    assert search_server.send("POST", "/_reindex?refresh=true", both)["created"] == 1
    assert search_server.send("GET", "/target/_count")["count"] == 1


@pytest.mark.parametrize("search_server", _those_with("painless"), indirect=True)
def test_scripts_update_and_score(search_server: SearchCluster) -> None:
    search_server.send("PUT", "/scripts", {"mappings": {"properties": {"count": {"type": "integer"}}}})
    search_server.send("PUT", "/scripts/_doc/1", {"count": 1})
    script = {"script": {"source": "ctx._source.count += params.more", "params": {"more": 41}}}
    search_server.send("POST", "/scripts/_update/1?refresh=true", script)
    scored = {"script_score": {"query": {"match_all": {}}, "script": {"source": "doc['count'].value * 2"}}}
    hits = search_server.send("POST", "/scripts/_search", {"query": scored})["hits"]["hits"]
    assert [hit["_score"] for hit in hits] == [84.0]


def test_an_index_comes_back_from_a_snapshot(search_server: SearchCluster) -> None:
    search_server.send("PUT", "/kept", _text_index())
    search_server.send("PUT", "/kept/_doc/1?refresh=true", {"text": "lake"})
    place = {"type": "fs", "settings": {"location": str(search_server.snapshots / "own")}}
    search_server.send("PUT", "/_snapshot/own", place)
    path = "/_snapshot/own/first"
    made = search_server.send("PUT", f"{path}?wait_for_completion=true", {"indices": "kept"})
    assert made["snapshot"]["state"] == "SUCCESS"
    search_server.send("DELETE", "/kept")
    assert search_server.nodes[0].send("GET", "/kept")[0] == 404
    search_server.send("POST", f"{path}/_restore?wait_for_completion=true")
    assert search_server.send("GET", "/kept/_doc/1")["_source"] == {"text": "lake"}


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_answers_without_one_of_three_nodes_and_heals(
    version: str, search_cluster: Cluster
) -> None:
    cluster = search_cluster(version, nodes=3)
    assert cluster.send("GET", "/_cluster/health")["number_of_nodes"] == 3
    cluster.send("PUT", "/lake", _text_index(shards=3, replicas=1))
    cluster.wait_green("lake")
    for number in range(10):
        cluster.send("PUT", f"/lake/_doc/{number}", {"text": f"before {number}"})

    # The node that leads is the one that is lost.
    leader = next(iter(cluster.send("GET", "/_cat/master?format=json")))["node"]
    lost = next(number for number, node in enumerate(cluster.nodes) if node.name == leader)
    cluster.kill(lost)
    cluster.wait_for_nodes(2)
    cluster.wait_yellow("lake")
    cluster.send("PUT", "/lake/_doc/10", {"text": "meanwhile"})
    cluster.send("POST", "/lake/_refresh")
    assert cluster.send("GET", "/lake/_count")["count"] == 11
    assert cluster.send("GET", "/_cluster/health/lake")["status"] == "yellow"

    cluster.restart(lost)
    cluster.wait_green("lake")
    status, counted = cluster.nodes[lost].send("GET", "/lake/_count")
    assert (status, counted["count"]) == (200, 11)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["opensearch-2"])
def test_a_paused_node_is_silent_until_it_resumes(version: str, search_cluster: Cluster) -> None:
    cluster = search_cluster(version)
    cluster.pause(0)
    with pytest.raises(TimeoutError):
        cluster.nodes[0].send("GET", "/", timeout=1)
    cluster.resume(0)
    assert cluster.send("GET", "/_cluster/health")["status"] == "green"


def _text_index(shards: int = 1, replicas: int = 0) -> dict[str, Any]:
    text = {"text": {"type": "text", "analyzer": "whitespace"}}
    settings = {"number_of_shards": shards, "number_of_replicas": replicas}
    return {"settings": settings, "mappings": {"properties": text}}
