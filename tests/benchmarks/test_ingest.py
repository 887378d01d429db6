"""The files that the benchmark of ingestion makes for itself."""

from __future__ import annotations

from pathlib import Path

import pymupdf
from ingest import write_pdfs, write_thin_pdfs


def test_files_take_turns_between_the_languages(tmp_path: Path) -> None:
    pages = write_pdfs(tmp_path, 2, 60, seed=7)
    opened = [pymupdf.open(path) for path in sorted(tmp_path.glob("*.pdf"))]
    assert sum(map(len, opened)) == pages
    chinese, english = ("".join(page.get_text() for page in document) for document in opened)
    assert "。" in chinese
    assert ". " in english.replace("\n", " ")


def test_thin_pages_have_something_on_each(tmp_path: Path) -> None:
    write_thin_pdfs(tmp_path, 40, seed=7)
    documents = [pymupdf.open(path) for path in sorted(tmp_path.glob("*.pdf"))]
    assert [len(document) for document in documents] == [20, 20]
    assert all(page.get_text().strip() for document in documents for page in document)
