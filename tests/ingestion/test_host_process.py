"""What a run tells the log of the program that called it, and that it leaves nothing behind in its process."""

from __future__ import annotations

import gc
import logging
import os
import threading
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest
from pdf_factory import broken_pdf, chinese_pdf, english_pdf

from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild

pytestmark = pytest.mark.usefixtures("parsed_in_place")
HASH = HashEmbedding(model_name="hash")


def test_log_of_a_run(docs: Path, storage: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "qa_engine.ingestion")
    chinese_pdf(docs / "a.pdf")
    broken_pdf(docs / "b.pdf")
    ingest(docs, storage)
    messages = [record.getMessage() for record in caplog.records if record.name == "qa_engine.ingestion"]
    assert messages[0] == "ingest into collection default started: 2 files"
    assert messages[-1] == "ingest into collection default ended: {'added': 1, 'failed': 1}"
    assert any(message.startswith("batch committed: 1 files") for message in messages)
    assert any(message.startswith("published state 1: 1 documents") for message in messages)
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert warning.getMessage() == f"file failed: {docs / 'b.pdf'} (damaged)"
    assert "西湖" not in "".join(messages)


def test_log_of_a_run_that_completes_another(
    docs: Path, storage: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    chinese_pdf(docs / "a.pdf")
    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "commit", crash)
        patch.setattr(Catalog, "forget", crash)
        with pytest.raises(KeyboardInterrupt):
            ingest(docs, storage)
    ingest(docs, storage)
    assert "collection default: completing an interrupted run, 1 documents half stored" in caplog.messages


def test_nothing_is_said_without_a_handler(
    docs: Path, storage: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_what_a_run_opens_it_closes(docs: Path, storage: Path) -> None:
    environment = dict(os.environ)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    english_pdf(docs / "a.pdf")
    ingest(docs, storage)
    rebuild(storage, part="embedding", embed_model=HASH)
    rebuild(storage, embed_model=HASH)
    delete_files("a.pdf", storage)
    gc.collect()
    opened = [link for link in map(_target, Path("/proc/self/fd").iterdir()) if str(storage) in link]
    assert opened == []
    for thread in threading.enumerate():
        if thread.name == "reading" or thread.name.startswith("embedding-"):
            thread.join(10)  # they end by themselves
            assert not thread.is_alive()
    assert dict(os.environ) == environment
    assert (root.level, list(root.handlers)) == (level, handlers)
    Catalog(collection_paths(storage, "default").catalog).close()


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
