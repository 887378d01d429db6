from __future__ import annotations

from pathlib import Path

import pytest
from ingest_process import parse_in_place

from qa_engine.ingestion import file_pipeline as module


@pytest.fixture
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker processes: they have tests of their own."""
    monkeypatch.setattr(module, "parse_files", parse_in_place)


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
