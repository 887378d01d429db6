from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import ServedApp, served

from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.state import database_path


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    """The keys of a new storage, as another process sees them."""
    database = ServerDatabase(database_path(tmp_path))
    yield KeyStore(database)
    database.close()


@pytest.fixture
def secret(keys: KeyStore) -> str:
    """The secret of the key ``reader``, with the scope read."""
    return keys.add("reader", "read")


@pytest.fixture
def closed(tmp_path: Path, secret: str) -> Iterator[ServedApp]:
    """A server without collections that needs a key; there is one."""
    with served(tmp_path) as server:
        yield server
