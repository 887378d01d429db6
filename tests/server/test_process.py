"""The process of the server refuses to be reached by others without a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.config import Config
from qa_engine.errors import InputError
from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.process import allow_open_files, require_key
from qa_engine.server.state import database_path


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.0.2.7"},
        {"host": "qa.example.com"},
        {"public_url": "https://qa.example.com"},
    ],
)
def test_a_server_for_others_needs_a_key(tmp_path: Path, settings: dict[str, str]) -> None:
    config = Config(storage=tmp_path, server=settings)
    with pytest.raises(InputError, match=r"qa-engine keys add NAME.*--no-auth") as refused:
        require_key(config)
    assert refused.value.exit_code == 2
    database = ServerDatabase(database_path(tmp_path))
    KeyStore(database).add("a", "read")
    database.close()
    require_key(config)


def test_as_many_files_as_connections_need_may_be_opened(caplog: pytest.LogCaptureFixture) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1000), hard))
        allow_open_files(100)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1124, hard)
        allow_open_files(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1124, hard)
        assert not caplog.records
        if hard != resource.RLIM_INFINITY:
            allow_open_files(hard)
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
            assert "server.max_connections" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_a_server_on_loopback_needs_none(tmp_path: Path, host: str) -> None:
    require_key(Config(storage=tmp_path, server={"host": host, "public_url": "http://localhost:8600/qa"}))
    assert not list(tmp_path.iterdir())
