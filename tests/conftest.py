"""What every test relies on: nothing of whoever runs the tests counts, and no test leaves this machine."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from chroma_process import URL_VARIABLE, ChromaProcess
from hash_embedding import HashEmbedding
from hypothesis import settings
from search_fixtures import search_cluster, search_server, search_servers  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from qa_engine.retrieval.dictionary.dictionary import Dictionary

# Tests import ONNX Runtime directly, and through PyMuPDF: their process would report to its makers. What the package does
# about that is tested in processes that do not have this variable.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
_ALLOWED_VARIABLES = {"QA_ENGINE_CACHE"}

# A machine that does something else meanwhile is no failure.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

_SERVERS = {"search_server", "search_cluster"}
"""Fixtures that start a search engine, which takes Java, Maven and a while: tests that use them are for `make test-all`."""
_LONG_TESTS = {"test_pages_run.py", "test_wheel.py", "test_calibrate.py"}
"""Modules whose tests take ten seconds and more each. They come first, or one worker would end alone with them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.name not in _LONG_TESTS)
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))


def pytest_collection_finish() -> None:
    """What was imported to collect the tests stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """An empty folder for documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Where the index will be."""
    return tmp_path / "storage"


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one certificate of an authority. Reading the usual hundred costs each HTTP client 50 ms."""
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    file = tmp_path_factory.mktemp("authority") / "one.pem"
    file.write_text(first + end, encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_authority: Path) -> None:
    """An empty working directory, few certificates, and neither settings, keys nor proxies in the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    for name in list(os.environ):
        ours = name.upper().startswith(("OPENAI_", "QA_ENGINE_", "HF_")) and name not in _ALLOWED_VARIABLES
        if ours or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails a test that reaches for anything but this machine, also if the code under test hides the error.

    A test that does so on purpose clears the list that this fixture yields.
    """
    attempts: list[str] = []
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: object) -> None:
        name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        if not name.startswith(_LOOPBACK):
            attempts.append(name)
            raise OSError(101, f"Network is unreachable: tests may not connect to {name}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            check(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family != socket.AF_UNIX:
            check(address[0])
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        check(host)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    yield attempts
    assert not attempts, f"connections beyond this machine: {attempts}"


@pytest.fixture(scope="session")
def model_cache() -> Iterator[Path]:
    """The cache folder with the local model and the dictionary in it: the named one or the user's. Built on first use, in
    some 15 seconds.

    Once it is loaded, it stays so: the last engine that a test closes would free it, and the next load it again.
    """
    from qa_engine.models.e5.preparation import prepare
    from qa_engine.models.lifetime import ModelUser
    from qa_engine.retrieval.dictionary.table import prepare_table

    prepare_table()
    with ModelUser():
        yield prepare().parent.absolute()


@pytest.fixture
def local_model(model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the prepared local model, which this test and its child processes find in their cache."""
    from qa_engine.models.e5.preparation import CACHE_VARIABLE, MODEL_FOLDER

    monkeypatch.setenv(CACHE_VARIABLE, str(model_cache))
    return model_cache / MODEL_FOLDER


@pytest.fixture(scope="session")
def dictionary(model_cache: Path) -> Dictionary:
    """The dictionary across languages, in the cache of the local model."""
    from qa_engine.models.e5.preparation import CACHE_VARIABLE
    from qa_engine.retrieval.dictionary.dictionary import Dictionary

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(model_cache))
        opened = Dictionary()
        assert opened.translate("年假")
    return opened


@pytest.fixture(scope="session")
def hash_embedding() -> HashEmbedding:
    """A cheap embedding model for tests whose subject is not the model."""
    return HashEmbedding(model_name="hash")


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    """A real Chroma server, one for all tests that only use it; those that kill it start their own."""
    with ChromaProcess(tmp_path_factory.mktemp("chroma")) as server:
        yield server


@pytest.fixture(params=["folder", pytest.param("server", marks=pytest.mark.slow)])
def vector_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where vectors are: the same test with the embedded Chroma and, among the slow tests, with a server.

    ``@pytest.mark.parametrize("vector_place", ["folder", "server"], indirect=True)`` has both run always.
    """
    if request.param == "server":
        monkeypatch.setenv(URL_VARIABLE, request.getfixturevalue("chroma_server").url)
    return str(request.param)
