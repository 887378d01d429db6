"""Ingest runs on a Ray cluster of two nodes, which are real processes of this machine."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import run
from ingest_process import stored_files
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf
from processes import python
from ray_cluster import make_cluster
from ray_embedding import WorkerEmbedding

from qa_engine import ingest
from qa_engine.errors import ConfigurationError, ServiceUnavailableError
from qa_engine.index import catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors import chroma_folder, token_store
from qa_engine.ingestion.cluster import connection, file_jobs, settings
from qa_engine.ingestion.report import FileResult, IngestProgress, IngestReport

slow = pytest.mark.slow


@pytest.fixture
def no_network() -> list[str]:
    """Ray reaches this machine by its outer address, which the guard of the other tests takes for another one's."""
    return []


def ingest_with(model: WorkerEmbedding, folder: Path, storage: Path, **options: Any) -> IngestReport:
    return ingest(folder, storage, embed_model=model, **options)


def vectors(storage: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Vectors and metadata of all nodes."""
    paths = collection_paths(storage, "default")
    opened = catalog.Catalog(paths.catalog)
    try:
        stored = chroma_folder.open_chroma(paths.chroma, opened.published).get(
            include=["embeddings", "metadatas"]
        )
    finally:
        opened.close()
    return (
        dict(zip(stored["ids"], stored["embeddings"], strict=True)),
        dict(zip(stored["ids"], stored["metadatas"], strict=True)),
    )


def corpus(folder: Path, count: int) -> Path:
    for number in range(count):
        english_pdf(folder / f"en{number}.pdf", [f"This is file number {number}.", *SOLAR_SYSTEM])
    return folder


def long_file(path: Path) -> None:
    """A file whose sentences are shared among the workers."""
    english_pdf(
        path, [f"Paragraph {number} has two sentences. This is the second." for number in range(1100)]
    )


# -- without a cluster


def test_without_the_extra_one_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    chinese_pdf(tmp_path / "a.pdf")
    with pytest.raises(ConfigurationError, match=r"pip install 'qa-engine\[ray\]'"):
        ingest(tmp_path / "a.pdf", tmp_path / "storage", ray="auto")
    with pytest.raises(ConfigurationError, match=r"pip install 'qa-engine\[ray\]'"):
        ingest(tmp_path / "a.pdf", tmp_path / "storage", config={"ingestion": {"ray_address": "auto"}})


def test_no_cluster_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.0)
    chinese_pdf(tmp_path / "a.pdf")
    with socket.create_server(("0.0.0.0", 0)) as silent, socket.create_server(("0.0.0.0", 0)) as closed:
        ports = [listener.getsockname()[1] for listener in (silent, closed)]
        closed.close()
        for port in ports:
            for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
                started = time.monotonic()
                with pytest.raises(ServiceUnavailableError, match=f"No Ray cluster answers at {address} "):
                    ingest(
                        tmp_path / "a.pdf",
                        tmp_path / "storage",
                        embed_model=WorkerEmbedding(model_name="hash"),
                        ray=address,
                    )
                assert time.monotonic() - started < 20
    with pytest.raises(ConfigurationError, match="nonsense"):
        ingest(
            tmp_path / "a.pdf",
            tmp_path / "storage",
            embed_model=WorkerEmbedding(model_name="hash"),
            ray="nonsense",
        )


# -- with one


@slow
def test_same_collection_with_and_without_ray(connected: str, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "pdfs", 5)
    chinese_pdf(folder / "西湖.pdf")
    chinese_pdf(folder / "same.pdf")
    (folder / "copy.pdf").write_bytes((folder / "same.pdf").read_bytes())
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.4\nnothing")
    (folder / "empty.pdf").write_bytes(b"")
    long_file(folder / "long.pdf")
    model = WorkerEmbedding(model_name="hash")
    plain = ingest_with(model, folder, tmp_path / "plain", workers=1)
    spread = ingest_with(model, folder, tmp_path / "spread", ray=connected)
    assert {failure.reason for failure in spread.failures} == {"damaged", "empty"}
    for name in ("added", "duplicate", "pages", "nodes", "warnings"):
        assert getattr(spread, name) == getattr(plain, name)
    assert sorted(map(str, spread.failures)) == sorted(map(str, plain.failures))
    assert spread.nodes > 1024
    assert stored_files(tmp_path / "spread") == stored_files(tmp_path / "plain")
    (expected, places), (found, other_places) = vectors(tmp_path / "plain"), vectors(tmp_path / "spread")
    assert other_places == places
    for identifier, vector in expected.items():
        np.testing.assert_array_equal(found[identifier], vector)
    again = ingest_with(model, folder, tmp_path / "spread", ray=connected)
    assert (again.added, again.updated, again.unchanged) == (0, 0, spread.added)


@slow
def test_local_model_on_the_workers_through_the_command(
    ray_cluster: str, local_model: Path, tmp_path: Path
) -> None:
    folder = corpus(tmp_path / "pdfs", 2)
    chinese_pdf(folder / "西湖.pdf")
    ingest(folder, tmp_path / "plain")
    done = run("ingest", "pdfs", "--storage", "spread", "--ray", ray_cluster, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"]["added"] == 3
    assert stored_files(tmp_path / "spread") == stored_files(tmp_path / "plain")
    expected, found = vectors(tmp_path / "plain")[0], vectors(tmp_path / "spread")[0]
    # The 8 bits of the local model are scaled batch by batch, and other files are in the batches.
    assert min(float(found[identifier] @ vector) for identifier, vector in expected.items()) > 0.98
    stores = [
        token_store.TokenStore(collection_paths(tmp_path / name, "default").tokens(4))
        for name in ("plain", "spread")
    ]
    np.testing.assert_array_equal(stores[0].codec.centre, stores[1].codec.centre)
    codes = [store.get(list(expected)) for store in stores]
    assert codes[0].keys() == codes[1].keys() == expected.keys()
    for identifier, code in codes[0].items():
        assert len(code) == len(codes[1][identifier])


@slow
def test_workers_that_do_not_see_the_files_get_their_bytes(
    connected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = file_jobs.SentFile
    sent = []

    def from_elsewhere(path: Path, recorded: Path, sha256: str, document_id: str, content: list[Any]) -> Any:
        sent.append(len(content))
        return original(Path("/nowhere", path.name), recorded, sha256, document_id, content)

    monkeypatch.setattr(file_jobs, "SentFile", from_elsewhere)
    monkeypatch.setattr(file_jobs, "MAX_BYTES_SENT", 1)
    folder = corpus(tmp_path / "pdfs", 10)
    report = ingest_with(WorkerEmbedding(model_name="hash"), folder, tmp_path / "storage", ray=connected)
    assert report.failures == []
    assert report.added == 10
    assert len(stored_files(tmp_path / "storage")) == 10
    assert sent.count(1) == 10  # none is sent twice
    (folder / "large.pdf").write_bytes((folder / "en1.pdf").read_bytes() + b" " * 1_100_000)
    config = {"documents": {"max_file_megabytes": 1}}
    report = ingest_with(
        WorkerEmbedding(model_name="hash"), folder, tmp_path / "storage", ray=connected, config=config
    )
    assert [failure.reason for failure in report.failures] == ["too_large"]


@slow
def test_file_that_kills_its_parser_or_its_worker_does_not_stop_the_run(
    connected: str, tmp_path: Path
) -> None:
    folder = corpus(tmp_path / "pdfs", 4)
    english_pdf(folder / "killer.pdf", ["The process that parses this file dies."])
    english_pdf(folder / "lethal.pdf", ["Embedding this lethal text ends the worker."])
    report = ingest_with(WorkerEmbedding(model_name="hash"), folder, tmp_path / "storage", ray=connected)
    failures = {Path(failure.file).name: failure for failure in report.failures}
    assert {name: failure.reason for name, failure in failures.items()} == {
        "killer.pdf": "crashed",
        "lethal.pdf": "crashed",
    }
    assert failures["lethal.pdf"].message.startswith(
        "lethal.pdf was given up after 3 Ray workers failed on it"
    )
    assert len(stored_files(tmp_path / "storage")) == 4


@slow
def test_another_version_on_the_workers_is_refused(
    connected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "versions", lambda config: {"parser": "pages-0"})
    with pytest.raises(ConfigurationError, match=r"Ray worker on \S+: .*parser \S+ instead of pages-0"):
        ingest_with(
            WorkerEmbedding(model_name="hash"),
            corpus(tmp_path / "pdfs", 1),
            tmp_path / "storage",
            ray=connected,
        )


@slow
def test_interrupted_run_leaves_no_tasks(ray_cluster: str, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "pdfs", 30)
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\n"
        "from qa_engine import ingest\n"
        "from qa_engine.ingestion.reading import batches\n"
        "from qa_engine.ingestion.report import IngestProgress\n"
        "from ray_embedding import WorkerEmbedding\n"
        "batches.MAX_BATCH_FILES = 1\n"
        "class Shown(IngestProgress):\n"
        "    def file_done(self, result): print(result.status, flush=True)\n"
        "model = WorkerEmbedding(model_name='hash', seconds=0.1)\n"
        "ingest(sys.argv[1], sys.argv[2], embed_model=model, ray=sys.argv[3], progress=Shown())\n"
    )
    process = python(code, str(folder), str(tmp_path / "storage"), ray_cluster)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "added"
    assert workers_at_work(ray_cluster)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    deadline = time.monotonic() + 30
    while busy := workers_at_work(ray_cluster):
        assert time.monotonic() < deadline, busy
        time.sleep(0.5)
    stored = len(stored_files(tmp_path / "storage"))
    assert 0 < stored < 30
    report = ingest(folder, tmp_path / "storage", embed_model=WorkerEmbedding(model_name="hash"))
    assert (report.unchanged, report.added) == (stored, 30 - stored)


def workers_at_work(cluster: str) -> list[str]:
    """The titles of the processes that run a task on this cluster, which is not the only one here at times."""
    titles = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_text().strip("\0 ")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            raylet = Path("/proc", parent, "cmdline").read_text()
        except OSError:
            continue
        if title.startswith(("ray::read_file", "ray::embed_slice")) and cluster in raylet:
            titles.append(title)
    return titles


@slow
def test_node_that_is_lost_costs_nothing_but_time(tmp_path: Path) -> None:
    cluster = make_cluster()
    import ray

    class Removing(IngestProgress):
        removed = False

        def file_done(self, result: FileResult) -> None:
            if not self.removed:
                self.removed = True
                cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)

    folder = corpus(tmp_path / "pdfs", 12)
    long_file(folder / "long.pdf")
    progress = Removing()
    try:
        ray.shutdown()
        report = ingest_with(
            WorkerEmbedding(model_name="hash", seconds=0.003),
            folder,
            tmp_path / "storage",
            ray=cluster.address,
            progress=progress,
        )
        assert not ray.is_initialized()
    finally:
        cluster.shutdown()
    assert progress.removed
    assert report.failures == []
    assert report.added == 13
    assert len(stored_files(tmp_path / "storage")) == 13
    ingest_with(WorkerEmbedding(model_name="hash"), folder, tmp_path / "plain")
    assert stored_files(tmp_path / "storage") == stored_files(tmp_path / "plain")
