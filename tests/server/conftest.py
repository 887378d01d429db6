from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from job_children import PLAIN
from pdf_factory import chinese_pdf, english_pdf, llama_paper
from served import ServedApp, served
from upload_server import UploadServer

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


@pytest.fixture(scope="module")
def upload_server(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[UploadServer]:
    """One server for all tests of a module, with small limits: two megabytes, four files."""
    storage = tmp_path_factory.mktemp("uploads") / "storage"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        settings = {"max_upload_megabytes": 2, "max_queued_files": 4, "write_wait_seconds": 60}
        with served(storage, "default", server=settings) as app:
            one = UploadServer(app, storage)
            one.state.jobs._worker._child_module = PLAIN
            yield one


@pytest.fixture
def uploading(upload_server: UploadServer) -> Iterator[UploadServer]:
    """`upload_server`, which has nothing to do when the test begins."""
    yield upload_server
    upload_server.let_jobs_go()
    upload_server.finish_jobs()


@pytest.fixture(scope="session")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A PDF of one page."""
    path = tmp_path_factory.mktemp("pdf") / "made.pdf"
    return english_pdf(path, ["Jupiter is the largest planet."], header=None).read_bytes()
