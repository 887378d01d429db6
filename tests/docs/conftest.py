from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from docs.pages import ROOT

from qa_engine import ingest


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A folder with the examples and, in ``storage``, their index."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(ROOT / "examples", folder / "examples")
    report = ingest(folder / "examples", storage=folder / "storage")
    assert report.added == 4
    assert not report.failures
    return folder
