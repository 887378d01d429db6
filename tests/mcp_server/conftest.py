from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pdf_factory import chinese_pdf, english_pdf

from qa_engine import ingest
from qa_engine.config import Config

pytest.importorskip("mcp")

from qa_engine.mcp.local import LocalLibrary
from qa_engine.mcp.roots import Roots


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A storage with the collections ``西湖`` and ``planets``, of one file each. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(chinese_pdf(folder / "西湖介绍.pdf", lines_per_page=4), folder / "storage", "西湖", {})
        ingest(english_pdf(folder / "planets.pdf"), folder / "storage", "planets", {})
    return folder / "storage"


@pytest.fixture
async def library(
    documents: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalLibrary]:
    """The library over `documents`, whose collection ``西湖`` is asked. Nothing can be changed."""
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    one = LocalLibrary(Config(storage=documents, collection="西湖"))
    yield one
    await one.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that files may be added from: a PDF, and what may not be read. A secret is beside it."""
    folder = tmp_path / "allowed"
    (folder / "sub").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    english_pdf(folder / "sub" / "planets.pdf")
    english_pdf(folder / ".hidden" / "a.pdf")
    (folder / "note.bak").write_text("%PDF- no PDF by its name", "utf-8")
    (folder / "text.pdf").write_text("no PDF by its content", "utf-8")
    (folder / "folder.pdf").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    english_pdf(outside / "secret.pdf", ["The secret of Jupiter is 4711."])
    (folder / "link.pdf").symlink_to(outside / "secret.pdf")
    (folder / "linked").symlink_to(outside)
    (tmp_path / "allowed-not").mkdir()
    english_pdf(tmp_path / "allowed-not" / "secret.pdf")
    return folder


@pytest.fixture
async def writing(
    tmp_path: Path, root: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalLibrary]:
    """A library without documents, to which files below `root` can be added."""
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    one = LocalLibrary(Config(storage=tmp_path / "storage"), (), Roots.of([root], 1_000_000), may_change=True)
    yield one
    await one.close()
