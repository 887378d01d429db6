"""What is told about the files of a collection, and about what became of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_process import ingest
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.ingestion.files.info import file_info, list_files
from qa_engine.ingestion.files.state import file_state

pytestmark = pytest.mark.usefixtures("parsed_in_place")


@pytest.fixture
def catalog(docs: Path, storage: Path) -> Iterator[Catalog]:
    """A collection with a.pdf, its copy b.pdf, and c.pdf, about which something is noted."""
    chinese_pdf(docs / "a.pdf")
    shutil.copy(docs / "a.pdf", docs / "b.pdf")
    english_pdf(docs / "c.pdf")
    (docs / "c.pdf.meta.json").write_text(json.dumps({"year": 2024}), encoding="utf-8")
    ingest(docs, storage)
    opened = Catalog(collection_paths(storage, "default").catalog)
    yield opened
    opened.close()


def test_list_names_copies_and_files_that_are_gone(catalog: Catalog, docs: Path) -> None:
    (docs / "c.pdf").unlink()
    first, second, third = list_files(catalog)
    assert [file.file for file in (first, second, third)] == ["a.pdf", "b.pdf", "c.pdf"]
    assert (first.copies, second.copies, third.copies) == ([second.path], [first.path], [])
    assert [file.gone for file in (first, second, third)] == [False, False, True]
    assert first.nodes == second.nodes > 5
    assert first.ingested_at


def test_facts_of_a_file(catalog: Catalog, docs: Path) -> None:
    records = catalog.files()
    facts = file_info(catalog, records[str(docs / "c.pdf")])
    assert facts.metadata == {"year": 2024}
    assert (facts.chinese_share, facts.pages, facts.copies) == (0.0, 1, [])
    assert facts.size == (docs / "c.pdf").stat().st_size
    assert file_info(catalog, records[str(docs / "a.pdf")]).chinese_share == 1.0


def test_state_of_a_file(catalog: Catalog, docs: Path, storage: Path) -> None:
    path = docs / "a.pdf"
    record = catalog.files()[str(path)]
    content = path.read_bytes()
    assert file_state(record, storage) == "unchanged"
    os.utime(path, (1, 1))
    assert file_state(record, storage) == "unchanged"
    path.write_bytes(content[:-1] + b"x")
    assert file_state(record, storage) == "changed"
    path.write_bytes(content + b"x")
    assert file_state(record, storage) == "changed"
    path.unlink()
    assert file_state(record, storage) == "gone"
    path.mkdir()
    assert file_state(record, storage) == "unreadable"
