from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pdf_factory import chinese_pdf, llama_paper
from served import ServedApp, served

from qa_engine import ingest


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A storage folder with two collections made by the real local model: ``papers`` and ``西湖``.

    Tests leave it as it is.
    """
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(llama_paper(folder / "llama2.pdf"), folder / "storage", "papers", {})
        ingest(chinese_pdf(folder / "西湖介绍.pdf"), folder / "storage", "西湖", {})
    return folder / "storage"


@pytest.fixture(scope="module")
def server(storage: Path, model_cache: Path) -> Iterator[ServedApp]:
    """A server over both collections of `storage`, with the default settings. Tests of a module share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(storage, "papers", "西湖") as one:
            yield one
