"""Ray workers that store: the collection is in a search engine and on a Chroma server, the cluster is of two nodes."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from chroma_process import ChromaProcess
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf
from processes import python
from ray_cluster import make_cluster
from ray_embedding import WorkerEmbedding
from search_server import SearchCluster, free_port

from qa_engine import ingest
from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import ConfigurationError, IndexLockedError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.opening import open_catalog
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.contents.sentences import sentence_key, with_neighbours
from qa_engine.index.vectors.locations import open_vectors
from qa_engine.ingestion import run as ingest_run
from qa_engine.ingestion.cluster import committing, file_jobs, settings, storing, vector_jobs, writing
from qa_engine.ingestion.report import FileResult, IngestProgress, IngestReport

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)]


_SLOW_RUN = (
    "import json, sys\n"
    "from qa_engine import ingest\n"
    "from qa_engine.ingestion.cluster import vector_jobs, writing\n"
    "from qa_engine.ingestion.report import IngestProgress\n"
    "from ray_embedding import WorkerEmbedding\n"
    "writing._AT_ONCE = 8\n"
    "vector_jobs._WAIT_SECONDS = 0\n"
    "class Shown(IngestProgress):\n"
    "    def file_done(self, result): print(result.status, flush=True)\n"
    "model = WorkerEmbedding(model_name='hash', seconds=0.01)\n"
    "ingest(sys.argv[1], sys.argv[2], config=json.loads(sys.argv[4]), embed_model=model, ray=sys.argv[3],\n"
    "       progress=Shown())\n"
)
"""A run that says when a file is done."""


@pytest.fixture
def no_network() -> list[str]:
    """Ray reaches this machine by its outer address, which the guard of the other tests takes for another one's."""
    return []


@pytest.fixture
def servers(search_server: SearchCluster, chroma_server: ChromaProcess) -> dict[str, Any]:
    """The settings of a place for collections that no other test has."""
    prefix = f"test-{secrets.token_hex(4)}"
    places = {"url": chroma_server.url, "search_url": search_server.url, "search_prefix": prefix}
    return {"index": places, "ingestion": {"lock_timeout_seconds": 60}}


def ingested(folder: Path, storage: Path, config: dict[str, Any], **options: Any) -> IngestReport:
    model = options.pop("model", None) or WorkerEmbedding(model_name="hash")
    return ingest(folder, storage, config=config, embed_model=model, **options)


class Stored(NamedTuple):
    """All that is stored of a collection, by the names of its files and the ids of its sentences."""

    files: dict[str, tuple[Any, ...]]
    sentences: dict[str, Any]
    terms: dict[str, list[str]]
    vectors: dict[str, Any]


def stored(config: dict[str, Any], storage: Path) -> Stored:
    """What a collection holds. Fails if its parts disagree, or if there is more than its documents are made of."""
    index = Config.of(config).index
    catalog = open_catalog(storage, "default", index)
    try:
        assert catalog.unfinished() == []
        assert catalog.published == catalog.changes
        live = catalog.live_documents()
        files = {
            record.path: (
                record.document_id,
                record.file_name,
                record.nodes,
                record.pages,
                record.chinese_nodes,
                record.awaits_ocr,
                catalog.identity_of(record.document_id),
                list(catalog.spans(record.document_id)),
                catalog.tables(record.document_id),
                catalog.sections_of(record.document_id),
            )
            for record in catalog.files().values()
        }
        sentences = {one.node_id: one for name in live for one in catalog.sentences(name)}
        expected = [node_id(name, ordinal) for name, count in live.items() for ordinal in range(count)]
        assert sorted(sentences) == sorted(expected)
        rows = open_vectors(collection_paths(storage, "default"), catalog, index).get(include=["embeddings"])
        assert sorted(rows["ids"]) == sorted(expected)
        vectors = {one: np.float32(row) for one, row in zip(rows["ids"], rows["embeddings"], strict=True)}
        return Stored(files, sentences, dict(terms(catalog, live)), vectors)
    finally:
        catalog.close()


def terms(catalog: Catalog, live: dict[str, int]) -> Iterator[tuple[str, list[str]]]:
    """The terms of each sentence, those of its neighbours included; there is nothing else in the search engine."""
    if not isinstance(catalog, SharedCatalog):
        for document in catalog.terms(list(live)):
            for ordinal, own in enumerate(with_neighbours(document.sentences, 1)):
                yield node_id(document.document_id, ordinal), sorted(own)
        return
    numbers = catalog.numbers(live)
    index, contents = catalog.sentence_index, catalog.content_index
    for place, count in ((index.index, sum(live.values())), (contents.index, len(live))):
        index.engine.request("POST", f"/{place}/_refresh")
        assert index.engine.request("GET", f"/{place}/_count").body["count"] == count
    assert set(catalog.visible()) == set(live)
    for name, count in live.items():
        keys = [sentence_key(numbers[name], ordinal) for ordinal in range(count)]
        for ordinal in range(0, count, 500):
            part = keys[ordinal : ordinal + 500]
            sources = index.engine.get_many(index.index, part, routing=[str(numbers[name])] * len(part))
            for number, source in enumerate(sources, ordinal):
                assert source is not None
                yield node_id(name, number), sorted(source[catalog.field].split())


def assert_same(found: Stored, expected: Stored) -> None:
    assert found.files == expected.files
    assert found.sentences == expected.sentences
    assert found.terms == expected.terms
    assert found.vectors.keys() == expected.vectors.keys()
    for identifier, vector in expected.vectors.items():
        np.testing.assert_array_equal(found.vectors[identifier], vector)


def corpus(folder: Path, count: int) -> Path:
    for number in range(count):
        english_pdf(folder / f"en{number}.pdf", [f"This is file number {number}.", *SOLAR_SYSTEM])
    return folder


def long_file(path: Path, last: str = "The end.") -> None:
    """A file whose sentences are shared among the workers."""
    paragraphs = [f"Paragraph {number} has two sentences. This is the second." for number in range(800)]
    english_pdf(path, [*paragraphs, last])


def test_same_collection_as_that_of_one_writer(
    connected: str, servers: dict[str, Any], tmp_path: Path
) -> None:
    folder = corpus(tmp_path / "pdfs", 4)
    chinese_pdf(folder / "西湖.pdf")
    chinese_pdf(folder / "same.pdf")
    shutil.copyfile(folder / "same.pdf", folder / "copy.pdf")
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.4\nnothing")
    long_file(folder / "long.pdf")
    plain = ingested(folder, tmp_path / "plain", {}, workers=1)
    spread = ingested(folder, tmp_path / "spread", servers, ray=connected)
    assert [failure.reason for failure in spread.failures] == ["damaged"]
    assert spread.nodes > 1024
    for name in ("added", "duplicate", "pages", "nodes", "warnings", "failures"):
        assert getattr(spread, name) == getattr(plain, name)
    assert "embedding" not in spread.timings
    assert_same(stored(servers, tmp_path / "spread"), stored({}, tmp_path / "plain"))
    again = ingested(folder, tmp_path / "elsewhere", servers, ray=connected)
    assert (again.added, again.updated, again.unchanged) == (0, 0, spread.added)
    # Changed, moved and removed files.
    english_pdf(folder / "en0.pdf", ["This file has another content now."])
    english_pdf(folder / "en1.pdf", ["A file of this content is in another place."])
    (folder / "西湖.pdf").rename(folder / "moved.pdf")
    (folder / "en2.pdf").unlink()
    plain = ingested(folder, tmp_path / "plain", {}, prune=True, workers=1)
    spread = ingested(folder, tmp_path / "spread", servers, prune=True, ray=connected)
    for name in ("added", "updated", "moved", "deleted", "unchanged"):
        assert getattr(spread, name) == getattr(plain, name)
    assert_same(stored(servers, tmp_path / "elsewhere"), stored({}, tmp_path / "plain"))


def test_local_model_and_token_vectors(
    connected: str, servers: dict[str, Any], local_model: Path, tmp_path: Path
) -> None:
    folder = corpus(tmp_path / "pdfs", 2)
    long_file(folder / "long.pdf")
    ingest(folder, tmp_path / "storage", config=servers, ray=connected)
    found = stored(servers, tmp_path / "storage")
    catalog = open_catalog(tmp_path / "storage", "default", Config.of(servers).index)
    assert isinstance(catalog, SharedCatalog)
    tokens = catalog.open_tokens()
    assert tokens is not None
    assert tokens.get(list(found.sentences)).keys() == found.sentences.keys()
    catalog.close()


def test_workers_that_do_not_see_the_files_get_their_bytes(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = file_jobs.SentFile
    sent = []

    def from_elsewhere(path: Path, recorded: Path, sha256: str, document_id: str, content: list[Any]) -> Any:
        sent.append(len(content))
        return original(Path("/nowhere", path.name), recorded, sha256, document_id, content)

    monkeypatch.setattr(file_jobs, "SentFile", from_elsewhere)
    monkeypatch.setattr(file_jobs, "MAX_BYTES_SENT", 1)
    report = ingested(corpus(tmp_path / "pdfs", 10), tmp_path / "storage", servers, ray=connected)
    assert (report.added, report.failures) == (10, [])
    assert sent.count(1) == 10
    assert len(stored(servers, tmp_path / "storage").files) == 10


def test_file_that_kills_its_parser_or_its_worker_leaves_nothing(
    connected: str, servers: dict[str, Any], tmp_path: Path
) -> None:
    folder = corpus(tmp_path / "pdfs", 4)
    english_pdf(folder / "killer.pdf", ["The process that parses this file dies."])
    english_pdf(folder / "lethal.pdf", ["Embedding this lethal text ends the worker."])
    long_file(folder / "long.pdf", "This lethal sentence ends the worker.")
    report = ingested(folder, tmp_path / "storage", servers, ray=connected)
    failures = {Path(failure.file).name: failure for failure in report.failures}
    assert {name: failure.reason for name, failure in failures.items()} == dict.fromkeys(
        ["killer.pdf", "lethal.pdf", "long.pdf"], "crashed"
    )
    assert failures["long.pdf"].message.startswith("long.pdf was given up after 3 Ray workers failed on its")
    assert len(stored(servers, tmp_path / "storage").files) == 4


@pytest.mark.parametrize("losses", [1, 1000])
def test_worker_that_stores_vectors_is_lost(
    connected: str,
    servers: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    losses: int,
) -> None:
    """Files are embedded again, and given up if it is lost each time; nothing of them is left then."""
    import ray

    started = vector_jobs.VectorJobs._started_writer
    killed: list[Any] = []

    def dying(self: vector_jobs.VectorJobs[Any]) -> Any:
        writer = started(self)
        if len(killed) < losses and writer not in killed:
            killed.append(writer)
            ray.kill(writer)
        return writer

    monkeypatch.setattr(vector_jobs, "_WAIT_SECONDS", 60)
    monkeypatch.setattr(vector_jobs.VectorJobs, "_started_writer", dying)
    folder = corpus(tmp_path / "pdfs", 3)
    long_file(folder / "long.pdf")
    report = ingested(folder, tmp_path / "storage", servers, ray=connected)
    if losses == 1:
        assert len(killed) == 1
        assert (report.added, report.failures) == (4, [])
    else:
        assert len(killed) >= 3
        assert report.added == 0
        assert [failure.reason for failure in report.failures] == ["crashed"] * 4
    monkeypatch.undo()
    again = ingested(folder, tmp_path / "other", servers, ray=connected)
    assert (again.added, again.unchanged) == (4 - report.added, report.added)
    ingested(folder, tmp_path / "plain", {}, workers=1)
    assert_same(stored(servers, tmp_path / "other"), stored({}, tmp_path / "plain"))


def test_another_version_on_the_workers_is_refused(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "versions", lambda config: {"tokenizer": "words-0"})
    folder = corpus(tmp_path / "pdfs", 3)
    with pytest.raises(ConfigurationError, match=r"Ray worker on \S+: .*tokenizer \S+ instead of words-0"):
        ingested(folder, tmp_path / "storage", servers, ray=connected)
    monkeypatch.undo()
    assert ingested(folder, tmp_path / "storage", servers, ray=connected).added == 3
    assert len(stored(servers, tmp_path / "storage").files) == 3


def test_file_that_changes_while_it_is_read(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = corpus(tmp_path / "pdfs", 3)
    original = committing.changed_since

    def appended(path: Path, record: Any) -> Any:
        if path.name == "en1.pdf":
            path.write_bytes(path.read_bytes() + b" ")
        return original(path, record)

    monkeypatch.setattr(committing, "changed_since", appended)
    report = ingested(folder, tmp_path / "storage", servers, ray=connected)
    assert [failure.reason for failure in report.failures] == ["changed"]
    assert len(stored(servers, tmp_path / "storage").files) == 2


class Stopping(IngestProgress):
    """Ends the run, or does something else, after some files."""

    def __init__(self, after: int, then: Callable[[], object] | None = None) -> None:
        self._left = after
        self._then = then

    def file_done(self, result: FileResult) -> None:
        self._left -= 1
        if self._left == 0 and self._then is not None:
            self._then()

    def stopped(self) -> bool:
        return self._then is None and self._left <= 0


def test_readers_see_files_while_others_are_being_stored(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publishing deletes what is unfinished, but not what workers are storing."""
    monkeypatch.setattr(ingest_run, "_PUBLISH_SECONDS", 0)
    monkeypatch.setattr(ingest_run, "max", min, raising=False)
    monkeypatch.setattr(committing, "_COMMIT_SECONDS", 0)
    monkeypatch.setattr(vector_jobs, "_WAIT_SECONDS", 0)
    monkeypatch.setattr(vector_jobs, "_ROWS_AT_ONCE", 1)
    seen: list[int] = []

    def look() -> None:
        catalog = open_catalog(tmp_path / "reader", "default", Config.of(servers).index)
        seen.append(len(catalog.visible()) if isinstance(catalog, SharedCatalog) else -1)
        catalog.close()

    model = WorkerEmbedding(model_name="hash", seconds=0.02)
    folder = corpus(tmp_path / "pdfs", 12)
    report = ingested(
        folder, tmp_path / "storage", servers, ray=connected, model=model, progress=Stopping(6, look)
    )
    assert report.added == 12
    assert 0 < seen[0] < 12
    assert len(stored(servers, tmp_path / "storage").files) == 12


def test_run_that_is_stopped_takes_its_announcements_back(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_jobs, "_MAX_WAITING_ROWS", 1)
    folder = corpus(tmp_path / "pdfs", 30)
    model = WorkerEmbedding(model_name="hash", seconds=0.02)
    report = ingested(folder, tmp_path / "storage", servers, ray=connected, model=model, progress=Stopping(1))
    assert 0 < report.added < 30
    catalog = open_catalog(tmp_path / "other", "default", Config.of(servers).index)
    assert len(catalog.unfinished("writing")) <= file_jobs_at_work()
    catalog.close()
    again = ingested(folder, tmp_path / "other", servers, ray=connected)
    assert (again.added, again.unchanged) == (30 - report.added, report.added)
    assert len(stored(servers, tmp_path / "other").files) == 30


def file_jobs_at_work() -> int:
    """The most files that the workers of the two nodes have at once."""
    from qa_engine.ingestion.cluster.processors import JOBS_PER_PROCESSOR

    return 2 * JOBS_PER_PROCESSOR


def test_run_that_has_lost_the_right_to_write_ends(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = corpus(tmp_path / "pdfs", 30)
    committed = committing.Commits.commit

    def lost(self: committing.Commits) -> Any:
        lease = self._catalog.lease
        assert lease is not None
        monkeypatch.setattr(lease, "_lost", "another process took over")
        return committed(self)

    monkeypatch.setattr(committing.Commits, "commit", lost)
    with pytest.raises(IndexLockedError, match="another process took over"):
        ingested(folder, tmp_path / "storage", servers, ray=connected)
    monkeypatch.undo()
    assert ingested(folder, tmp_path / "other", servers, ray=connected).added == 30
    assert len(stored(servers, tmp_path / "other").files) == 30


def test_worker_that_goes_on_under_a_dead_number_harms_nothing(
    connected: str, servers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run that was given up, a worker stores the same file again after the next run has stored it."""
    folder = corpus(tmp_path / "pdfs", 2)
    late: list[tuple[Any, ...]] = []
    submit = writing.RayWriters._submit

    def keep(self: writing.RayWriters, job: Any, file: Any) -> Any:
        import ray

        late.append((storing.NumberedFile(file, job.file.record, job.number), ray.get(self._settings)))
        return submit(self, job, file)

    monkeypatch.setattr(writing.RayWriters, "_submit", keep)
    monkeypatch.setattr(committing.Commits, "commit", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ingested(folder, tmp_path / "storage", servers, ray=connected)
    monkeypatch.undo()
    assert ingested(folder, tmp_path / "storage", servers, ray=connected).added == 2
    before = stored(servers, tmp_path / "storage")
    import ray

    for file, old in late:
        document, rows = ray.get(ray.remote(storing.store_file).remote(file, old))
        assert isinstance(document, storing.StoredDocument)
        vector_jobs.VectorWriter(old).put(rows)
    hits = {name: ask(servers, tmp_path / "storage", name) for name in ("planets", "file")}
    assert all(set(found) <= set(before.sentences) for found in hits.values())


def ask(config: dict[str, Any], storage: Path, word: str) -> list[str]:
    """The ids of the sentences that the lexical index finds."""
    settings = Config.of(config)
    catalog = open_catalog(storage, "default", settings.index)
    assert isinstance(catalog, SharedCatalog)
    try:
        return [hit.node_id for hit in catalog.open_lexical(settings.bm25).search([word], 10)]
    finally:
        catalog.close()


def test_node_that_is_lost_costs_nothing_but_time(servers: dict[str, Any], tmp_path: Path) -> None:
    import ray

    cluster = make_cluster()
    folder = corpus(tmp_path / "pdfs", 12)
    long_file(folder / "long.pdf")
    model = WorkerEmbedding(model_name="hash", seconds=0.003)
    removed: list[bool] = []

    def remove() -> None:
        removed.append(True)
        cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)

    try:
        ray.shutdown()
        report = ingested(
            folder,
            tmp_path / "storage",
            servers,
            ray=cluster.address,
            model=model,
            progress=Stopping(1, remove),
        )
        assert not ray.is_initialized()
    finally:
        cluster.shutdown()
    assert removed
    assert (report.added, report.failures) == (13, [])
    ingested(folder, tmp_path / "plain", {})
    assert_same(stored(servers, tmp_path / "storage"), stored({}, tmp_path / "plain"))


def test_run_whose_machine_is_lost_is_continued_by_another(
    ray_cluster: str, servers: dict[str, Any], tmp_path: Path
) -> None:
    folder = corpus(tmp_path / "pdfs", 30)
    long_file(folder / "long.pdf")
    process = python(_SLOW_RUN, str(folder), str(tmp_path / "lost"), ray_cluster, json.dumps(servers))
    assert process.stdout is not None
    for _ in range(3):
        assert process.stdout.readline().strip() == "added"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    report = ingested(folder, tmp_path / "empty", servers, ray=ray_cluster)
    assert report.failures == []
    assert report.unchanged >= 1
    assert report.added + report.unchanged == 31
    ingested(folder, tmp_path / "plain", {})
    assert_same(stored(servers, tmp_path / "empty"), stored({}, tmp_path / "plain"))


def test_workers_that_store_for_a_lost_machine_outside_the_cluster_harm_nothing(
    servers: dict[str, Any], tmp_path: Path
) -> None:
    """A machine that is no node of the cluster is missed there after a while only: its workers go on meanwhile."""
    folder = corpus(tmp_path / "pdfs", 16)
    port = free_port()
    cluster = make_cluster(ray_client_server_port=port)
    try:
        address = f"ray://127.0.0.1:{port}"
        process = python(_SLOW_RUN, str(folder), str(tmp_path / "lost"), address, json.dumps(servers))
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "added"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        report = ingested(folder, tmp_path / "empty", servers)
        assert report.failures == []
        assert report.added + report.unchanged == 16
    finally:
        cluster.shutdown()
    # Its workers have ended now. What they stored last belongs to nothing.
    ingested(folder, tmp_path / "plain", {})
    plain = stored({}, tmp_path / "plain")
    catalog = open_catalog(tmp_path / "empty", "default", Config.of(servers).index)
    try:
        for name in catalog.live_documents():
            for one in catalog.sentences(name):
                assert one == plain.sentences[one.node_id]
        assert catalog.live_documents().keys() == {one[0] for one in plain.files.values()}
        index = open_vectors(
            collection_paths(tmp_path / "empty", "default"), catalog, Config.of(servers).index
        )
        assert set(index.get(include=[])["ids"]) >= plain.sentences.keys()
    finally:
        catalog.close()
    for word in ("planets", "file", "solar"):
        assert ask(servers, tmp_path / "empty", word) == ask(servers, tmp_path / "other", word)
        assert set(ask(servers, tmp_path / "empty", word)) <= plain.sentences.keys()
