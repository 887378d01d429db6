"""Two writers of one collection in a search engine: one is stopped and wakes too late, or is interrupted."""

from __future__ import annotations

import secrets
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from chroma_process import ChromaProcess
from ingest_process import ParsingInPlace, ingest, ingest_run
from pdf_factory import english_pdf
from processes import python
from search_server import SearchCluster
from shared_collection import (
    check_published,
    cluster_variables,
    set_variables,
    shared_catalog,
    stored_in_cluster,
)

from qa_engine.errors import IndexLockedError

WRITER = """
import signal, sys
import ingest_process
from qa_engine.errors import QAEngineError
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    ingest_process.main()
except QAEngineError as error:
    print(type(error).__name__, error, flush=True)
    sys.exit(error.exit_code)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def library(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    search_servers: Callable[[str], SearchCluster],
    chroma_server: ChromaProcess,
) -> Path:
    """A folder of eight files, and an environment that names the servers."""
    variables = cluster_variables(search_servers("opensearch-2"), chroma_server, f"w{secrets.token_hex(4)}")
    set_variables(monkeypatch, variables)
    monkeypatch.setattr(ingest_run, "ParsingPool", ParsingInPlace)
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(8):
        english_pdf(folder / f"{number}.pdf", [f"This is text {number}.", "It has two lines."], header=None)
    return folder


def started(folder: Path, storage: Path) -> subprocess.Popen[str]:
    """A slow writer of which one file is committed, and others are not."""
    process = python(WRITER, str(folder), str(storage), "0.5", "1")
    assert process.stdout is not None
    for line in process.stdout:
        if "added" in line:
            return process
    raise AssertionError(process.communicate())


def texts(folder: Path) -> dict[str, str]:
    return {file.name: f"Thisistext{file.stem}.Ithastwolines." for file in folder.iterdir()}


def stored(storage: Path) -> dict[str, str]:
    return {name: text.replace(" ", "") for name, text in stored_in_cluster(storage).items()}


def test_a_stopped_writer_that_wakes_after_another_can_write_nothing(library: Path, tmp_path: Path) -> None:
    process = started(library, tmp_path / "first")
    process.send_signal(signal.SIGSTOP)
    try:
        report = ingest(library, tmp_path / "second")
        assert report.failures == []
        assert 0 < report.unchanged < 8
        assert stored(tmp_path / "reader") == texts(library)
        catalog = shared_catalog(tmp_path / "reader")
        published, numbers = catalog.published, catalog.numbers(catalog.live_documents())
    finally:
        process.send_signal(signal.SIGCONT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, "IndexLockedError" in output) == (3, True), output + errors
    catalog.synchronise()
    assert (catalog.published, catalog.numbers(catalog.live_documents())) == (published, numbers)
    catalog.close()
    check_published(tmp_path / "another reader")
    assert stored(tmp_path / "reader") == texts(library)
    # A deletion that comes late takes away no row of the other's either.
    ingest(library, tmp_path / "third")
    assert stored(tmp_path / "reader") == texts(library)


def test_a_writer_that_is_interrupted_gives_its_right_back_at_once(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_INGESTION__LOCK_TIMEOUT_SECONDS", "0")
    monkeypatch.setenv("QA_ENGINE_INDEX__SEARCH_LEASE_SECONDS", "600")
    process = started(library, tmp_path / "first")
    with pytest.raises(IndexLockedError, match=rf"by process {process.pid} on .* its right ends in \d+ s"):
        ingest(library, tmp_path / "second")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert list((tmp_path / "first" / "default").glob("writer-*")) == []
    ingest(library, tmp_path / "second")
    assert stored(tmp_path / "reader") == texts(library)


def test_a_writer_that_was_killed_on_this_machine_keeps_nobody_waiting(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_INGESTION__LOCK_TIMEOUT_SECONDS", "0")
    monkeypatch.setenv("QA_ENGINE_INDEX__SEARCH_LEASE_SECONDS", "600")
    process = started(library, tmp_path / "first")
    process.kill()
    process.communicate(timeout=60)
    assert len(list((tmp_path / "first" / "default").glob("writer-*.sqlite"))) == 1
    ingest(library, tmp_path / "first")
    assert list((tmp_path / "first" / "default").glob("writer-*")) == []
    assert stored(tmp_path / "reader") == texts(library)
