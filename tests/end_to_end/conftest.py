from __future__ import annotations

from pathlib import Path

import pytest
from pdf_factory import chinese_pdf, llama_paper

from qa_engine import ingest


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A storage folder with two collections made by the real local model: ``papers`` and ``西湖``."""
    folder = tmp_path_factory.mktemp("ingested")
    storage = folder / "storage"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(llama_paper(folder / "llama2.pdf"), storage, "papers", {})
        ingest(chinese_pdf(folder / "西湖介绍.pdf"), storage, "西湖", {})
    return storage
