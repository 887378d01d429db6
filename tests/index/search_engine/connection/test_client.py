"""The client of a search engine against a server that plays one, or fails as one does."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from chroma_process import make_certificates
from scripted_search_engine import DROP, STALL, Scripted, ScriptedSearchEngine, fails, identity
from search_server import free_port

from qa_engine import extras
from qa_engine.config import IndexConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    IndexUnavailableError,
    ServiceUnavailableError,
    StorageError,
)
from qa_engine.index.search_engine.connection.client import SearchEngine, search_engine

SECRET = "hush4711"
PRODUCTS = [
    ("OpenSearch", "2.0.0"),
    ("OpenSearch", "3.1.0"),
    ("Elasticsearch", "7.14.0"),
    ("Elasticsearch", "8.19.1"),
    ("Elasticsearch", "9.2.0"),
]
BOTH = pytest.mark.parametrize("product", ["OpenSearch", "Elasticsearch"])


def engine_at(*urls: str, patience: float | None = None, **settings: Any) -> SearchEngine:
    return SearchEngine(IndexConfig(search_url=",".join(urls), **settings), patience_seconds=patience)


def played(*steps: Any, product: str = "OpenSearch", **options: Any) -> ScriptedSearchEngine:
    version = {"OpenSearch": "2.19.6", "Elasticsearch": "8.19.1"}[product]
    return ScriptedSearchEngine(*steps, product=product, version=version, **options)


def dead_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


# Which product it is


@pytest.mark.parametrize(("product", "version"), PRODUCTS)
def test_each_product_is_asked_with_plain_json(product: str, version: str) -> None:
    with ScriptedSearchEngine(Scripted(200, {"a": [1]}), product=product, version=version) as server:
        engine = engine_at(server.url)
        assert engine.request("POST", "/an-index/_search", {"问": 1}, params={"q": "a b"}).body == {"a": [1]}
        assert (engine.product().name, engine.product().version) == (product, version)
        engine.close()
    (request,) = server.requests
    assert request.path == "/an-index/_search?q=a+b"
    assert request.lines == [{"问": 1}]
    assert (request.headers["accept"], request.headers["content-type"]) == ("application/json",) * 2
    assert len(server.asked_about) == 1


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (Scripted(200, {"hello": 1}), "is neither OpenSearch nor Elasticsearch"),
        (Scripted(200, {"version": "1.0", "nanosecond heartbeat": 1}), "is neither"),
        (Scripted(200, [1]), "is neither"),
        (Scripted(200, identity("Elasticsearch", "6.8.23")), r"6\.8\.23, which is too old.* 7\.14 or later"),
        (Scripted(200, identity("Elasticsearch", "7.13.4")), r"7\.13\.4, which is too old"),
        (Scripted(200, identity("OpenSearch", "1.3.20")), r"OpenSearch 1\.3\.20, which is too old.* 2\.0"),
    ],
)
def test_what_is_no_search_engine_or_too_old_is_said(about: Scripted, message: str) -> None:
    with ScriptedSearchEngine(about=about) as server:
        with pytest.raises(ConfigurationError, match=message):
            engine_at(server.url).request("GET", "/x/_count")
        assert not server.requests


def test_a_web_page_is_no_search_engine() -> None:
    with (
        ScriptedSearchEngine(about=Scripted(200, "<html><b>Welcome</b></html>")) as server,
        pytest.raises(ServiceUnavailableError, match=r"no JSON \(Welcome\): check that index.search_url"),
    ):
        engine_at(server.url).product()


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigurationError, match=r"^index.search_url needs .*pip install 'qa-engine\[search\]'"
    ):
        engine_at("http://127.0.0.1:1")


# What is refused


FLOOD = (
    "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has "
    "read-only-allow-delete block];"
)
REFUSALS = [
    (Scripted(401, "Unauthorized"), AuthenticationFailedError, "index.search_user"),
    (fails(401, "security_exception"), AuthenticationFailedError, "index.search_api_key"),
    (fails(403, "security_exception", "no permissions"), AuthenticationFailedError, "no permissions"),
    (Scripted(403, "<h1>Forbidden</h1>"), AuthenticationFailedError, r"\(403, Forbidden\)"),
    (fails(429, "cluster_block_exception", FLOOD), StorageError, "too little space .* free space"),
    (
        fails(
            403, "cluster_block_exception", "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"
        ),
        StorageError,
        "free space",
    ),
    (
        fails(
            403, "cluster_block_exception", "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];"
        ),
        StorageError,
        "free space",
    ),
    (
        fails(403, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];"),
        StorageError,
        "lift the block",
    ),
    (fails(400, "index_closed_exception", "closed"), StorageError, "open the index"),
    (fails(404, "index_not_found_exception", "no such index"), StorageError, "has no index x any more"),
    (
        fails(400, "mapper_parsing_exception", f"failed. Preview of field's value: '{SECRET}'"),
        StorageError,
        "mapper_parsing_exception, failed",
    ),
    (Scripted(413, "too large"), StorageError, "http.max_content_length"),
    (
        Scripted(302, "", {"location": "https://there/"}),
        IndexUnavailableError,
        "redirects .*https://there/",
    ),
    (Scripted(500, "oops"), StorageError, r"\(500, oops\)"),
    (Scripted(200, "<p>Hello</p>"), IndexUnavailableError, r"no JSON \(Hello\)"),
]


@BOTH
@pytest.mark.parametrize(("answer", "error", "message"), REFUSALS)
def test_a_refusal_is_told_at_once(
    answer: Scripted, error: type[Exception], message: str, product: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with played(answer, product=product) as server:
        engine = engine_at(server.url, search_user="me", search_password=SECRET)
        with pytest.raises(error, match=message) as refusal:
            engine.request("POST", "/x/_search", {})
    assert type(refusal.value) is error
    assert len(server.requests) == 1
    assert server.url in str(refusal.value)
    assert SECRET not in str(refusal.value) + caplog.text


SHARDS = {
    "phase": "query",
    "failed_shards": [
        {"shard": 0, "reason": {"type": "no_shard_available_action_exception", "reason": None}}
    ],
}
OUTAGES = [
    (fails(429, "es_rejected_execution_exception"), "is too busy"),
    (fails(429, "rejected_execution_exception"), "is too busy"),
    (fails(503, "circuit_breaking_exception", "Data too large"), "is too busy .*Data too large"),
    (Scripted(429, "slow down"), "is too busy"),
    (Scripted(502, "<h1>Bad Gateway</h1>"), r"\(502, Bad Gateway\): wait"),
    (Scripted(504, ""), r"\(504\): wait"),
    (
        fails(503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];"),
        "no elected master",
    ),
    (
        fails(503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no cluster manager];"),
        "no elected master",
    ),
    (
        fails(503, "cluster_block_exception", "[SERVICE_UNAVAILABLE/1/state not recovered / initialized];"),
        "still starting",
    ),
    (fails(503, "master_not_discovered_exception"), "no elected master"),
    (fails(503, "cluster_manager_not_discovered_exception"), "no elected master"),
    (fails(503, "search_phase_execution_exception", "all shards failed", **SHARDS), "lacks shards of x"),
    (fails(503, "unavailable_shards_exception", "primary shard is not active"), "lacks shards of x"),
    (fails(503, "no_shard_available_action_exception"), "lacks shards of x"),
    (fails(500, "node_disconnected_exception"), "cannot answer now"),
    (fails(500, "mapper_exception", "timed out while waiting for a mapping update"), "cannot answer now"),
    (Scripted(200, {"timed_out": True, "hits": {}}), "did not finish a search"),
    (
        Scripted(
            200,
            {"_shards": {"failed": 1, "failures": [{"reason": {"type": "node_not_connected_exception"}}]}},
        ),
        "lacks shards of x",
    ),
    (DROP, "cannot be reached"),
]


@BOTH
@pytest.mark.parametrize(("answer", "message"), OUTAGES)
def test_an_outage_is_waited_for_and_then_told(answer: Scripted, message: str, product: str) -> None:
    with played(answer, answer, Scripted(200, {"found": 1}), product=product) as server:
        assert engine_at(server.url).request("POST", "/x/_search", {}).body == {"found": 1}
        assert len(server.requests) == 3
        server.steps = [answer]
        started = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match=message):
            engine_at(server.url, patience=0.3).request("POST", "/x/_search", {})
        assert time.monotonic() - started < 5
        assert len(server.requests) > 3


def test_a_refusal_that_the_caller_deals_with_is_a_reply() -> None:
    with played(Scripted(404, {"found": False})) as server:
        reply = engine_at(server.url).request("GET", "/x/_doc/1", accept={404})
        assert (reply.status, reply.body) == (404, {"found": False})
        server.steps = [Scripted(404, "<h1>Not Found</h1>")]
        with pytest.raises(StorageError, match=r"\(404, Not Found\)"):
            engine_at(server.url).request("GET", "/x/_doc/1", accept={404})


def test_documents_by_their_ids() -> None:
    docs = [{"_id": "1", "found": True, "_source": {"a": 1}}, {"_id": "2", "found": False}]
    lost = {"_id": "2", "error": {"type": "no_shard_available_action_exception", "reason": "gone"}}
    with played(Scripted(200, {"docs": [lost]}), Scripted(200, {"docs": docs})) as server:
        assert engine_at(server.url).get_many("x", ["1", "2"], routing=["7", "8"]) == [
            {"a": 1},
            None,
        ]
        assert server.requests[1].path == "/x/_mget?realtime=false"
        assert server.requests[1].lines == [
            {"docs": [{"_id": "1", "routing": "7"}, {"_id": "2", "routing": "8"}]}
        ]
        server.steps = [
            Scripted(200, {"docs": [{"_id": "1", "error": {"type": "index_not_found_exception"}}]})
        ]
        with pytest.raises(StorageError, match="has no index x any more"):
            engine_at(server.url).get_many("x", ["1"])
        assert engine_at(server.url).get_many("x", []) == []
        assert len(server.requests) == 3


def test_a_refresh_that_fails_on_a_shard_is_repeated() -> None:
    failed = {"_shards": {"failed": 1, "failures": [{"reason": {"type": "x", "reason": "disk"}}]}}
    with played(Scripted(200, failed), Scripted(200, {"_shards": {"failed": 0}})) as server:
        engine_at(server.url).refresh("x")
        assert [request.path for request in server.requests] == ["/x/_refresh"] * 2


@BOTH
def test_the_search_engine_is_told_how_long_to_wait(product: str) -> None:
    """By itself it waits a minute for a missing shard, and our time-out would hide what it then says."""
    with played(product=product) as server:
        engine = engine_at(server.url, timeout_seconds=6, patience=40)
        for method, path in (
            ("PUT", "/x/_doc/1"),
            ("PUT", "/x"),
            ("POST", "/x/_search"),
            ("GET", "/x/_doc/1"),
        ):
            engine.request(method, path)
    master = "cluster_manager_timeout" if product == "OpenSearch" else "master_timeout"
    assert [request.path for request in server.requests] == [
        "/x/_doc/1?require_alias=true&timeout=2000ms",
        f"/x?{master}=2000ms",
        "/x/_search",
        "/x/_doc/1",
    ]


# Nodes


def test_nothing_listens() -> None:
    url = dead_url()
    started = time.monotonic()
    with pytest.raises(
        ServiceUnavailableError, match=rf"{url} cannot be reached .*refused.*check index.search"
    ):
        engine_at(url, patience=0.2).request("GET", "/")
    assert time.monotonic() - started < 5


@BOTH
def test_no_answer_in_time(product: str) -> None:
    with played(STALL, product=product) as server:
        engine = engine_at(server.url, timeout_seconds=0.4)
        started = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match=r"in time: raise index.timeout_seconds = 0\.4"):
            engine.request("POST", "/x/_search", {})
        assert time.monotonic() - started < 3


@BOTH
def test_the_next_node_is_asked(product: str, caplog: pytest.LogCaptureFixture) -> None:
    with played(product=product) as first, played(product=product) as second:
        engine = engine_at(dead_url(), first.url, second.url)
        for _ in range(20):
            engine.request("GET", "/x/_count")
        assert len(first.requests) + len(second.requests) == 20
        assert min(len(first.requests), len(second.requests)) >= 5
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert "others are asked instead" in caplog.text


@BOTH
def test_a_node_that_hangs_delays_one_request(product: str) -> None:
    with played(STALL, product=product) as hanging, played(product=product) as healthy:
        engine = engine_at(hanging.url, healthy.url, timeout_seconds=2)
        started = time.monotonic()
        for _ in range(20):
            engine.request("GET", "/x/_count")
        assert time.monotonic() - started < 3
        assert len(hanging.requests) == 1
        assert len(healthy.requests) == 20


def test_a_question_does_not_wait_for_a_node_as_long_as_a_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa_engine.index.search_engine.connection.client.SHARE_SECONDS", 0.3)
    for patience, least, most in ((0.1, 0.2, 2.0), (2.5, 2.4, 6.0)):
        with played(STALL) as hanging, played() as healthy:
            engine = engine_at(hanging.url, healthy.url, patience=patience, timeout_seconds=10)
            started = time.monotonic()
            while not hanging.requests:
                engine.request("GET", "/x/_count")
            assert least < time.monotonic() - started < most


def test_a_node_that_is_back_is_asked_again() -> None:
    with played() as stays:
        leaves = played()
        engine = engine_at(stays.url, leaves.url)
        with leaves:
            for _ in range(4):
                engine.request("GET", "/x/_count")
            assert len(leaves.requests) == 2
            leaves.steps = [DROP]
            for _ in range(4):
                engine.request("GET", "/x/_count")
            leaves.steps = [Scripted(200, {})]
            before = len(leaves.requests)
            deadline = time.monotonic() + 20
            while len(leaves.requests) == before and time.monotonic() < deadline:
                engine.request("GET", "/x/_count")
                time.sleep(0.02)
            assert len(leaves.requests) > before


@BOTH
def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    product: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also for whoever does not wait for outages, as checks do not."""
    with played(Scripted(200, {}), DROP, Scripted(200, {}), product=product) as server:
        engine = engine_at(server.url, patience=0)
        engine.request("GET", "/x/_count")
        engine.request("GET", "/x/_count")
        assert len(server.requests) == 3
        server.steps = [DROP]
        with pytest.raises(ServiceUnavailableError, match="cannot be reached"):
            engine.request("GET", "/x/_count")
        assert len(server.requests) == 5
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_many_threads_keep_their_connections(caplog: pytest.LogCaptureFixture) -> None:
    for product in ("OpenSearch", "Elasticsearch"):
        together = threading.Barrier(40)

        def meets(_: object, together: threading.Barrier = together) -> Scripted:
            together.wait(30)
            return Scripted(200, {})

        with played(meets, product=product) as server, ThreadPoolExecutor(40) as threads:
            engine = engine_at(server.url)
            engine.product()
            for _ in range(3):
                list(threads.map(lambda _: engine.request("GET", "/x/_count"), range(40)))  # noqa: B023
            assert len(server.requests) == 120
            assert server.connections <= 42
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@BOTH
def test_a_prefix_of_a_proxy_and_ipv6(product: str) -> None:
    with played(product=product, host="::1") as server:
        engine = engine_at(f"{server.url}/search/")
        engine.request("GET", "/x/_count")
        assert server.asked_about[0].path == "/search/"
        assert server.requests[0].path == "/search/x/_count"


@BOTH
def test_a_proxy_of_the_environment(product: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with played(product=product) as server:
        monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@127.0.0.1:{server.port}")
        engine_at("http://search.example:9200").request("GET", "/x/_count")
        assert server.requests[0].path == "http://search.example:9200/x/_count"
        assert server.requests[0].headers["proxy-authorization"].startswith("Basic ")
        engine_at(server.url).request("GET", "/y/_count")  # this machine needs none
        assert server.requests[1].path == "/y/_count"


def test_tls_through_a_proxy_of_the_environment(
    secure: ScriptedSearchEngine, certificates: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is for 127.0.0.1: that it does not fit the name shows that the name is checked through the tunnel."""
    with Tunnel(secure.port) as tunnel:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{tunnel.port}")
        with pytest.raises(ConfigurationError, match=r"cannot be trusted .*search\.example"):
            engine_at("https://search.example", search_ca_file=certificates[0]).product()
        assert tunnel.targets == ["search.example:443"]


class Tunnel:
    """A proxy that connects whoever asks, once, to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.targets: list[str] = []
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Tunnel:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        self.targets.append(client.recv(10_000).split()[1].decode())
        server = socket.create_connection(("127.0.0.1", self._target))
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with client, server:
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


# A good guest


@BOTH
def test_only_our_own_records_and_no_warnings(product: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    remark = {"warning": '299 Elasticsearch-8.19.1-abc "security features are not enabled"'}
    down = Scripted(503, {"error": {"type": "x"}}, remark)
    with (
        played(DROP, down, down, Scripted(200, {}, remark), product=product) as server,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        engine = engine_at(server.url)
        engine.request("POST", "/x/_search", {})
        engine.close()
        del engine
        gc.collect()
    assert {record.name for record in caplog.records} == {"qa_engine.index"}
    assert not [record for record in caplog.records if record.exc_info]


@BOTH
def test_no_secret_is_told(product: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [Scripted(200, {}), fails(403, "security_exception"), DROP]
    for settings in ({"search_user": "me", "search_password": SECRET}, {"search_api_key": SECRET}):
        for answer in answers:
            with played(answer, product=product) as server:
                engine = engine_at(server.url, patience=0.1, **settings)
                try:
                    engine.request("POST", "/x/_search", {"secret": "text4712"})
                except (AuthenticationFailedError, ServiceUnavailableError) as error:
                    assert SECRET not in str(error)
                assert all("authorization" in request.headers for request in server.requests)
            assert SECRET not in repr(engine.config)
    assert SECRET not in caplog.text
    assert "text4712" not in caplog.text


def test_waiting_can_be_interrupted() -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    with played(Scripted(503, {"error": {"type": "x"}})) as server:
        engine = engine_at(server.url, patience=60)
        previous = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            with pytest.raises(Interrupted):
                engine.request("GET", "/x/_count")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


@BOTH
def test_a_forked_child_opens_connections_of_its_own(product: str) -> None:
    with played(product=product) as server:
        engine = engine_at(server.url)
        engine.request("GET", "/x/_count")
        before = server.connections
        child = os.fork()
        if child == 0:
            try:
                engine.request("GET", "/x/_count")
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert server.connections == before + 1
        engine.request("GET", "/x/_count")
        assert server.connections == before + 1


def test_connections_are_shared_and_closed() -> None:
    with played() as server:
        config = IndexConfig(search_url=server.url)
        first = search_engine(config)
        first.request("GET", "/x/_count")
        connections = server.connections
        search_engine(config).with_patience(1).request("GET", "/x/_count")
        assert (server.connections, len(server.asked_about)) == (connections, 1)


# Certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make certificates")
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["OpenSearch", "Elasticsearch"])
def secure(
    request: pytest.FixtureRequest, certificates: tuple[Path, Path, Path]
) -> Iterator[ScriptedSearchEngine]:
    with played(product=request.param, certificate=certificates[1:]) as server:
        yield server


def test_a_certificate_of_a_private_authority(
    secure: ScriptedSearchEngine, certificates: tuple[Path, Path, Path]
) -> None:
    engine_at(secure.url, search_ca_file=certificates[0]).request("GET", "/x/_count")
    assert len(secure.requests) == 1


def test_a_certificate_of_an_unknown_authority(secure: ScriptedSearchEngine) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be trusted .*: set index\.search_ca_file"):
        engine_at(secure.url).request("GET", "/x/_count")


def test_plain_http_where_tls_is_spoken_and_the_other_way_round(secure: ScriptedSearchEngine) -> None:
    with pytest.raises(ServiceUnavailableError, match="cannot be reached"):
        engine_at(secure.url.replace("https", "http"), patience=0.1).request("GET", "/x/_count")
    with played() as plain, pytest.raises(ServiceUnavailableError, match="cannot be reached"):
        engine_at(plain.url.replace("http", "https"), patience=0.1).request("GET", "/x/_count")
