from __future__ import annotations

from pathlib import Path

import pytest
from ingest_process import PARSING_POOL, ParsingInPlace
from ray_cluster import connected, ray_cluster  # noqa: F401 - fixtures


@pytest.fixture
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker processes: they have tests of their own."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """An empty folder for PDFs."""
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Where the index will be."""
    return tmp_path / "storage"
