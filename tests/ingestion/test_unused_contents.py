"""Renditions and attached files that no collection has any more."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from ingest_process import ingest

from qa_engine.config import IndexConfig
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.unused_contents import remove_unused_contents


def renditions(storage: Path) -> list[Path]:
    return sorted((storage / "renditions").iterdir())


def age(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (0, 0))


def write(docs: Path, text: str) -> None:
    (docs / "a.md").write_text(f"# Leave\n\n{text}\n")


def test_what_was_just_written_stays_and_what_is_old_and_unused_goes(docs: Path, storage: Path) -> None:
    write(docs, "The leave has ten days.")
    ingest(docs, storage)
    (first,) = renditions(storage)
    write(docs, "The leave has twelve days.")
    ingest(docs, storage)
    assert len(renditions(storage)) == 2
    half, other, earlier = (
        storage / "renditions" / name for name in (".x.part", "notes.txt", f"{first.name[:64]}-md-0.pdf")
    )
    for path in (half, other, earlier):
        path.write_bytes(b"x")
    age(*renditions(storage))
    write(docs, "The leave has fifteen days.")
    ingest(docs, storage)
    kept = renditions(storage)
    assert other in kept
    assert {first, half, earlier}.isdisjoint(kept)
    assert len(kept) == 2
    age(*kept)
    delete_files("a.md", storage)
    assert renditions(storage) == [other]


def test_nothing_goes_while_a_catalog_cannot_be_read(
    docs: Path, storage: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(docs, "The leave has ten days.")
    ingest(docs, storage)
    age(*renditions(storage))
    (storage / "broken").mkdir()
    (storage / "broken" / "catalog.sqlite").write_bytes(b"no database, and long enough to be looked at" * 40)
    with caplog.at_level(logging.WARNING):
        assert remove_unused_contents(storage, IndexConfig()) == 0
    assert len(renditions(storage)) == 1
    assert "kept" in caplog.text
