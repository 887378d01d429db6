from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.diagnosis.doctor import diagnose
from qa_engine.diagnosis.report import Check
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, collection_paths
from qa_engine.index.vectors.chroma_folder import open_chroma

HASH = HashEmbedding(model_name="hash")


@dataclass(frozen=True)
class Place:
    """A storage with one collection, ``default``, and the folder of its files, 西湖.pdf and planets.pdf."""

    storage: Path
    docs: Path

    @property
    def paths(self) -> CollectionPaths:
        return collection_paths(self.storage, "default")

    def look(self, **options: Any) -> dict[str, Check]:
        """The checks of a diagnosis by name; those of the one collection, and the general ones."""
        options.setdefault("embed_model", HASH)
        return {check.check: check for check in diagnose(self.storage, **options).checks}

    def failed(self, **options: Any) -> dict[str, Check]:
        """Those of them that failed."""
        return {name: check for name, check in self.look(**options).items() if check.status == "failed"}

    def catalog(self) -> Catalog:
        return Catalog(self.paths.catalog)

    def vectors(self) -> Any:
        """The collection of Chroma."""
        catalog = self.catalog()
        try:
            return open_chroma(self.paths.chroma, catalog.published)
        finally:
            catalog.close()

    def ingest(self) -> None:
        assert not ingest(self.docs, self.storage).failures


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with PDFs and their collection, to be copied."""
    folder = tmp_path_factory.mktemp("diagnosis")
    chinese_pdf(folder / "docs" / "西湖.pdf")
    english_pdf(folder / "docs" / "planets.pdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        ingest(folder / "docs", folder / "storage")
    return folder


@pytest.fixture
def place(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of the collection, which a test may damage; its files are those of the original, and stay as they are."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    shutil.copytree(ingested / "storage", tmp_path / "storage")
    return Place(tmp_path / "storage", ingested / "docs")
