"""What the official clients can do with which server, as our client relies on it: with plain JSON, each with its product."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from chroma_process import Proxy, make_certificates
from search_class_path import VERSIONS
from search_server import SearchCluster

PLAIN = {"accept": "application/json", "content-type": "application/json"}
OPENSEARCH = [
    pytest.param(name, marks=pytest.mark.slow) for name in VERSIONS if name.startswith("opensearch")
]
ELASTICSEARCH = [
    pytest.param(name, marks=pytest.mark.slow) for name in VERSIONS if name.startswith("elastic")
]


@pytest.mark.parametrize("search_server", OPENSEARCH, indirect=True)
def test_the_client_of_elasticsearch_refuses_opensearch(search_server: SearchCluster) -> None:
    elasticsearch = pytest.importorskip("elasticsearch")
    with (
        elasticsearch.Elasticsearch([search_server.url]) as client,
        pytest.raises(elasticsearch.UnsupportedProductError),
    ):
        client.info()


@pytest.mark.parametrize("search_server", ["elasticsearch-8"], indirect=True)
@pytest.mark.slow
def test_the_client_of_elasticsearch_9_is_refused_by_8_unless_it_asks_for_plain_json(
    search_server: SearchCluster,
) -> None:
    elasticsearch = pytest.importorskip("elasticsearch")
    if elasticsearch.__version__ < (9,):
        pytest.skip("an older client is installed")
    with elasticsearch.Elasticsearch([search_server.url]) as client:
        with pytest.raises(
            elasticsearch.BadRequestError, match="Accept version must be either version 8 or 7"
        ):
            client.info()
        assert client.transport.perform_request("GET", "/", headers=PLAIN).meta.status == 200


@pytest.mark.parametrize("search_server", ELASTICSEARCH, indirect=True)
def test_its_transport_speaks_to_every_elasticsearch(search_server: SearchCluster) -> None:
    elasticsearch = pytest.importorskip("elasticsearch")
    with elasticsearch.Elasticsearch([search_server.url]) as client:

        def send(method: str, path: str, body: Any = None) -> Any:
            return client.transport.perform_request(method, path, body=body, headers=PLAIN).body

        send("PUT", "/plain-json/_doc/1?refresh=true", {"text": "lake"})
        found = send("POST", "/plain-json/_search", {"query": {"match": {"text": "lake"}}})
        assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]


def test_the_client_of_opensearch_speaks_to_every_server(search_server: SearchCluster) -> None:
    opensearch = pytest.importorskip("opensearchpy")
    with opensearch.OpenSearch([search_server.url]) as client:
        client.index(index="either", id="1", body={"text": "lake"}, refresh=True)
        found = client.search(index="either", body={"query": {"match": {"text": "lake"}}})
        assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]


@pytest.mark.parametrize("search_server", ["opensearch-2", "elasticsearch-9"], indirect=True)
@pytest.mark.slow
def test_a_proxy_asks_for_the_password_over_tls(search_server: SearchCluster, tmp_path: Path) -> None:
    opensearch = pytest.importorskip("opensearchpy")
    authority, certificate, key = make_certificates(tmp_path)
    password = "Basic " + base64.b64encode(b"reader:secret").decode()
    port = search_server.nodes[0].port
    with Proxy(port, header=("authorization", password), certificate=(certificate, key)) as proxy:
        with (
            opensearch.OpenSearch([proxy.url], ca_certs=str(authority)) as stranger,
            pytest.raises(opensearch.AuthenticationException),
        ):
            stranger.info()
        with opensearch.OpenSearch(
            [proxy.url], http_auth=("reader", "secret"), ca_certs=str(authority)
        ) as reader:
            reader.indices.create(index="secured")
            assert reader.indices.exists(index="secured")
            lines = [{"index": {"_id": "1"}}, {"text": "lake"}]
            assert not reader.bulk(index="secured", body=lines, refresh=True)["errors"]
            assert reader.count(index="secured")["count"] == 1
