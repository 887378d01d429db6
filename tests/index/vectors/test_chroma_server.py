"""A Chroma server that is not there, goes away, hangs, refuses, is something else, or lacks what it should have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chroma_process import ChromaProcess, Proxy, Reply, hangs, make_certificates, says
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.schema import TextNode
from openai_server import closed_port

from qa_engine.config import Config, IndexConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    QAEngineError,
    ServiceUnavailableError,
    StorageError,
)
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors import backends
from qa_engine.index.vectors.chroma_server import chroma_server
from qa_engine.index.vectors.locations import VectorLocation, open_on_server, open_vectors
from qa_engine.index.vectors.vector_store import SentenceVectorStore

TOKEN = "s3cret-t0ken"
NAME = "qa-test"


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "ATTEMPTS", 1)


def index(url: str, **settings: Any) -> IndexConfig:
    return IndexConfig(url=url, **settings)


def opened(config: IndexConfig) -> SentenceVectorStore:
    return SentenceVectorStore(open_on_server(config, NAME, create=True))


def node(number: int, size: int = 2, text: str = "句子") -> TextNode:
    return TextNode(id_=f"d-{number:07}", text=text, embedding=[1.0] * size, metadata={"page": 1})


# -- not there


def test_nobody_listens() -> None:
    port = closed_port()
    with pytest.raises(ServiceUnavailableError, match="cannot be reached") as raised:
        opened(index(f"http://127.0.0.1:{port}", token=TOKEN))
    message = str(raised.value)
    assert f"http://127.0.0.1:{port}" in message
    assert "check index.url" in message
    assert TOKEN not in message
    assert "\n" not in message
    assert raised.value.exit_code == 3


def test_server_that_hangs_is_given_up_after_the_time_that_is_set() -> None:
    with (
        Proxy(reply=hangs) as proxy,
        pytest.raises(ServiceUnavailableError, match=r"within index\.timeout_seconds = 0\.2"),
    ):
        opened(index(proxy.url, timeout_seconds=0.2))


def test_server_that_hangs_later_is_given_up_as_well_and_not_asked_again(
    chroma_server: ChromaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "ATTEMPTS", 4)
    with Proxy(chroma_server.port) as proxy:
        collection = open_on_server(index(proxy.url), NAME, create=True)
        store = SentenceVectorStore(collection)
        proxy.reply = hangs
        collection._client._session.timeout = 0.3
        asked = len(proxy.headers)
        for action in (lambda: store.add([node(1)]), store.count, lambda: store.sentences(["d-0000001"])):
            with pytest.raises(ServiceUnavailableError, match=r"index\.timeout_seconds"):
                action()
        assert len(proxy.headers) == asked + 3


def test_busy_server_is_asked_to_store_again(
    chroma_server: ChromaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "ATTEMPTS", 2)
    with Proxy(chroma_server.port) as proxy:
        store = opened(index(proxy.url))

        def busy_once(handler: Any) -> None:
            proxy.reply = None
            says(503, "busy")(handler)

        proxy.reply = busy_once
        store.add([node(1)])
        assert store.count() == 1
        store.delete_sentences("d", 5)


# -- something else


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (says(200, "<html><body><h1>It works!</h1></body></html>"), "answers what is no JSON (It works!)"),
        (says(200, ""), "answers what is no JSON (nothing)"),
        (says(404, "<html><h1>404 Not Found</h1></html>"), "status 404 (404 Not Found)"),
        (says(502, "<html><h1>502 Bad Gateway</h1></html>"), "status 502 (502 Bad Gateway): wait"),
        (says(301, "", location="https://chroma.example/"), "301 (https://chroma.example/): set index.url"),
        (says(413, "<h1>Request Entity Too Large</h1>"), "accept larger requests"),
        (says(500, "x" * 10_000), "status 500 (xxx"),
    ],
    ids=["html", "nothing", "404", "502", "redirect", "413", "500"],
)
def test_what_is_no_chroma_server(reply: Reply, told: str) -> None:
    with Proxy(reply=reply) as proxy, pytest.raises(ServiceUnavailableError) as raised:
        opened(index(proxy.url, token=TOKEN))
    message = str(raised.value)
    assert told in message
    assert proxy.url in message
    assert len(message) < 500
    assert TOKEN not in message


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://chroma.example:8000/api/v2", "without a path"),
        ("chroma.example:8000", "https://chroma.example:8000"),
        ("http://user:secret@chroma.example", "without a user"),
        ("http://chroma.example?tenant=a", "it has to look like"),
        ("http://chroma.example:port", "it has to look like"),
    ],
)
def test_address_that_is_none(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Configuration: index\.url = ") as raised:
        Config(index={"url": url})
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)


def test_port_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"index\.url = 'http://127\.0\.0\.1:99999'.*65535"):
        opened(index("http://127.0.0.1:99999"))


@pytest.mark.parametrize("url", ["http://[::1]:8000", "https://chroma.example/", "http://10.0.0.1:8000"])
def test_address_that_is_one(url: str) -> None:
    assert chroma_server(index(url)).get_api_url() == url.rstrip("/") + "/api/v2"


# -- the token


@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ({}, "authorization", f"Bearer {TOKEN}"),
        ({"token_header": "X-Chroma-Token"}, "x-chroma-token", TOKEN),
    ],
    ids=["bearer", "own header"],
)
def test_token_is_sent_with_every_request(
    chroma_server: ChromaProcess, header: dict[str, str], name: str, value: str
) -> None:
    with Proxy(chroma_server.port, header=(name, value)) as proxy:
        store = opened(index(proxy.url, token=TOKEN, **header))
        store.add([node(1)])
        assert store.sentences(["d-0000001"])
        store.delete_sentences("d", 5)
        assert {headers[name] for headers in proxy.headers} == {value}


@pytest.mark.parametrize("settings", [{}, {"token": "wr0ng"}, {"token": TOKEN, "token_header": "X-Token"}])
def test_token_that_is_missing_or_wrong(chroma_server: ChromaProcess, settings: dict[str, str]) -> None:
    with (
        Proxy(chroma_server.port, header=("authorization", f"Bearer {TOKEN}")) as proxy,
        pytest.raises(AuthenticationFailedError, match=r"\(401\): correct index\.token") as raised,
    ):
        opened(index(proxy.url, **settings))
    message = str(raised.value)
    assert proxy.url in message
    assert ("without a token" in message) == (not settings)
    assert settings.get("token", TOKEN) not in message


@pytest.mark.parametrize(
    "reply",
    [
        says(403, "<h1>Forbidden</h1>"),
        says(403, '{"error": "AuthError", "message": "Forbidden"}', "application/json"),
        says(401, '{"error": "AuthorizationError", "message": "no"}', "application/json"),
    ],
    ids=["html", "chroma 403", "chroma 401"],
)
def test_refusals_of_other_kinds(reply: Reply) -> None:
    with Proxy(reply=reply) as proxy, pytest.raises(AuthenticationFailedError):
        opened(index(proxy.url, token=TOKEN))


def test_token_that_is_revoked_while_it_is_used(chroma_server: ChromaProcess) -> None:
    with Proxy(chroma_server.port) as proxy:
        store = opened(index(proxy.url, token=TOKEN))
        proxy.header = ("authorization", "Bearer another")
        with pytest.raises(AuthenticationFailedError):
            store.add([node(1)])


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN}密"])
def test_token_that_no_header_can_carry_is_not_repeated(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"index\.token holds") as raised:
        opened(index("http://127.0.0.1:1", token=token))
    assert TOKEN not in str(raised.value)


def test_header_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"index\.token_header = 'X Token'"):
        opened(index("http://127.0.0.1:1", token=TOKEN, token_header="X Token"))


def test_token_is_masked_where_settings_are_shown() -> None:
    config = Config(index={"url": "http://127.0.0.1:1", "token": TOKEN})
    assert TOKEN not in f"{config!r} {config} {config.model_dump(mode='json')} {config.model_dump_json()}"
    with pytest.raises(ConfigurationError) as raised:
        Config(index={"token": [TOKEN]})
    assert TOKEN not in str(raised.value)


# -- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make certificates")
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls(chroma_server: ChromaProcess, certificates: tuple[Path, Path, Path]) -> Iterator[Proxy]:
    _, certificate, key = certificates
    with Proxy(chroma_server.port, certificate=(certificate, key)) as proxy:
        yield proxy


def test_certificate_of_a_private_authority(tls: Proxy, certificates: tuple[Path, Path, Path]) -> None:
    store = opened(index(tls.url, ca_file=certificates[0]))
    store.add([node(1)])
    assert store.sentences(["d-0000001"])
    store.delete_sentences("d", 5)


def test_certificate_of_an_unknown_authority(tls: Proxy) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be trusted .*: set index\.ca_file"):
        opened(index(tls.url))


def test_certificate_file_that_is_none(tls: Proxy, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"index\.ca_file = '.*missing.pem' .*No such file"):
        opened(index(tls.url, ca_file=tmp_path / "missing.pem"))
    (tmp_path / "no.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"index\.ca_file = '.*no.pem' cannot be read"):
        opened(index(tls.url, ca_file=tmp_path / "no.pem"))


def test_one_side_speaks_tls_and_the_other_does_not(chroma_server: ChromaProcess, tls: Proxy) -> None:
    for url in (f"https://127.0.0.1:{chroma_server.port}", tls.url.replace("https", "http")):
        with pytest.raises(ServiceUnavailableError, match=f"{url} cannot be reached"):
            opened(index(url))


# -- what is on it


def test_database_that_does_not_exist(chroma_server: ChromaProcess) -> None:
    for settings in ({"database": "nowhere"}, {"tenant": "nobody"}):
        with pytest.raises(ConfigurationError, match=r"index\.database") as raised:
            opened(index(chroma_server.url, **settings))
        assert next(iter(settings.values())) in str(raised.value)


@pytest.mark.parametrize(
    "refusal", [says(413, "<h1>Request Entity Too Large</h1>"), hangs], ids=["413", "hangs"]
)
def test_large_vectors_are_sent_in_requests_that_a_proxy_takes(
    chroma_server: ChromaProcess, refusal: Reply
) -> None:
    refused: list[int] = []
    with Proxy(chroma_server.port) as proxy:
        collection = open_on_server(index(proxy.url), "qa-large", create=True)
        store = SentenceVectorStore(collection)
        collection._client._session.timeout = 3 if refusal is hangs else 60

        def too_large(handler: Any) -> None:
            refused.append(int(handler.headers["content-length"]))
            proxy.reply = None
            refusal(handler)

        asked = len(proxy.headers)
        proxy.reply = too_large
        store.add([node(number, size=3072, text="很长的句子。" * 20) for number in range(70)])
        sizes = [int(headers.get("content-length", 0)) for headers in proxy.headers[asked + 1 :]]
        assert store.count() == 70
        store.delete_sentences("d", 70)
    assert len(refused) == 1
    assert refused[0] > 1_000_000
    assert 500_000 < max(sizes) < 1_000_000


# -- collections


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pdf_factory import chinese_pdf

    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "docs" / "a.pdf")
    return tmp_path / "docs"


def vectors(storage: Path, config: IndexConfig) -> Any:
    paths = collection_paths(storage, "default")
    catalog = Catalog(paths.catalog)
    try:
        return open_vectors(paths, catalog, config), catalog.node_count(), VectorLocation.of(catalog)
    finally:
        catalog.close()


def test_vectors_in_the_folder_and_a_server_in_the_configuration(
    docs: Path, tmp_path: Path, chroma_server: ChromaProcess
) -> None:
    from pdf_factory import english_pdf

    ingest(docs, tmp_path / "s")
    english_pdf(docs / "b.pdf")
    config = {"index": {"url": chroma_server.url}}
    for attempt in (
        lambda: ingest(docs, tmp_path / "s", config=config),
        lambda: vectors(tmp_path / "s", index(chroma_server.url)),
    ):
        with pytest.raises(ConfigurationError, match=r"are in that folder, but index\.url = ") as raised:
            attempt()
        assert chroma_server.url in str(raised.value)
        assert "qa-engine rebuild --vectors --collection default" in str(raised.value)
    assert ingest(docs, tmp_path / "s").added == 1


def test_vectors_on_a_server_and_none_in_the_configuration(
    docs: Path, tmp_path: Path, chroma_server: ChromaProcess
) -> None:
    ingest(docs, tmp_path / "s", config={"index": {"url": chroma_server.url}})
    assert not collection_paths(tmp_path / "s", "default").chroma.exists()
    with pytest.raises(ConfigurationError, match=r"on a Chroma server, but index\.url is not set"):
        vectors(tmp_path / "s", IndexConfig())


def test_way_out_names_the_collection_as_a_shell_takes_it(
    docs: Path, tmp_path: Path, chroma_server: ChromaProcess
) -> None:
    ingest(docs, tmp_path, collection="合同 2024", config={"index": {"url": chroma_server.url}})
    with pytest.raises(ConfigurationError, match="--collection '合同 2024'"):
        paths = collection_paths(tmp_path, "合同 2024")
        open_vectors(paths, Catalog(paths.catalog), IndexConfig())


def test_first_attempt_on_a_server_that_is_not_there_binds_nobody(docs: Path, tmp_path: Path) -> None:
    config = {"index": {"url": f"http://127.0.0.1:{closed_port()}"}}
    with pytest.raises(ServiceUnavailableError):
        ingest(docs, tmp_path / "s", config=config)
    assert ingest(docs, tmp_path / "s").added == 1


def test_emptied_collection_may_go_elsewhere(
    docs: Path, tmp_path: Path, chroma_server: ChromaProcess
) -> None:
    config = {"index": {"url": chroma_server.url}}
    file = (docs / "a.pdf").read_bytes()
    ingest(docs, tmp_path / "s", config=config)
    (docs / "a.pdf").unlink()
    assert ingest(docs, tmp_path / "s", config=config, prune=True).deleted == 1
    (docs / "a.pdf").write_bytes(file)
    assert ingest(docs, tmp_path / "s").added == 1
    collection, count, place = vectors(tmp_path / "s", IndexConfig())
    assert collection.count() == count > 0
    assert place.store == "embedded"


def test_vectors_that_are_gone_are_not_made_anew_empty(
    docs: Path, tmp_path: Path, chroma_server: ChromaProcess
) -> None:
    from pdf_factory import english_pdf

    config = index(chroma_server.url)
    ingest(docs, tmp_path / "s", config={"index": {"url": config.url}})
    collection, _, place = vectors(tmp_path / "s", config)
    collection._client.delete_collection(place.name, config.tenant, config.database)
    store = SentenceVectorStore(collection)
    for asked in (store.count, lambda: store.sentences(["d-0000001"]), lambda: store.add([node(1)])):
        with pytest.raises(StorageError, match="no longer on the Chroma server at http"):
            asked()
    english_pdf(docs / "b.pdf")
    for attempt in (
        lambda: ingest(docs, tmp_path / "s", config={"index": {"url": config.url}}),
        lambda: vectors(tmp_path / "s", config),
    ):
        with pytest.raises(StorageError, match=f"has no collection '{place.name}'.*new collection"):
            attempt()


def test_two_storages_on_one_server_do_not_meet(
    docs: Path, tmp_path: Path, chroma_server: ChromaProcess
) -> None:
    from pdf_factory import english_pdf

    config = {"index": {"url": chroma_server.url}}
    ingest(docs, tmp_path / "one", config=config)
    english_pdf(tmp_path / "other" / "b.pdf")
    ingest(tmp_path / "other", tmp_path / "two", config=config)
    found = [vectors(tmp_path / name, index(chroma_server.url)) for name in ("one", "two")]
    assert [collection.count() for collection, _, _ in found] == [count for _, count, _ in found]
    names = [place.name for _, _, place in found]
    assert len(set(names)) == 2
    assert all(name.startswith("qa-default-") for name in names)
    (docs / "a.pdf").unlink()
    ingest(docs, tmp_path / "one", config=config, prune=True)
    assert [collection.count() for collection, _, _ in found] == [0, found[1][1]]


def test_every_error_is_one_of_ours_with_one_line() -> None:
    for reply in (
        says(418, "teapot"),
        says(200, "[]", "application/json"),
        says(400, "{}", "application/json"),
    ):
        with Proxy(reply=reply) as proxy, pytest.raises(QAEngineError) as raised:
            opened(index(proxy.url))
        assert "\n" not in str(raised.value)
