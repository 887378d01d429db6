"""Runs that are cut off at any instant: what readers see meanwhile, and what the next run makes of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from chroma_process import URL_VARIABLE
from forked import fork_server, run_forked
from ingest_process import ingest, ingest_and_die, ingest_locally, stored_files
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf

from qa_engine import QueryEngine
from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors.locations import open_vectors
from qa_engine.index.vectors.token_store import TokenStore

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX"),
    pytest.mark.usefixtures("vector_place"),
]

INSTANTS = [
    ("Catalog.begin", 1, "after"),
    ("SentenceVectorStore.add", 1, "after"),
    ("SentenceVectorStore.add", 2, "before"),
    ("Catalog.commit", 1, "before"),
    ("Catalog.commit", 1, "after"),
    ("SentenceVectorStore.delete_sentences", 1, "after"),
    ("Catalog.forget", 1, "after"),
    ("Catalog.remove", 1, "after"),
    ("Catalog.link", 1, "before"),
    ("Bm25Folder.add", 1, "before"),
    ("Bm25Folder.add", 1, "after"),
    ("Bm25Folder.write_manifest", 1, "after"),
    ("Bm25Folder.delete_others", 1, "before"),
    ("Catalog.publish", 1, "after"),
]


def change(docs: Path) -> None:
    """One file changed, one new, one gone."""
    english_pdf(docs / "changed.pdf", ["The new version of this text. It has two sentences."], header=None)
    english_pdf(docs / "new.pdf", SOLAR_SYSTEM)
    (docs / "gone.pdf").unlink()


def assert_readers_are_served(storage: Path) -> None:
    """Every file of the catalog has all its nodes, and the published lexical index can be opened."""
    paths = collection_paths(storage, "default")
    catalog = Catalog(paths.catalog)
    stored = set(open_vectors(paths, catalog, Config.load().index).get(include=[])["ids"])
    for record in catalog.files().values():
        assert {node_id(record.document_id, ordinal) for ordinal in range(record.nodes)} <= stored
    Bm25Folder(paths.bm25).load(catalog.published)
    catalog.close()


@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.parametrize(("method", "call", "when"), INSTANTS, ids=lambda value: str(value))
def test_run_killed_at_a_given_instant_is_completed_by_the_next(
    method: str, call: int, when: str, docs: Path, storage: Path
) -> None:
    chinese_pdf(docs / "same.pdf", header=None)
    chinese_pdf(docs / "changed.pdf", header=None)
    english_pdf(docs / "gone.pdf")
    ingest(docs, storage)
    change(docs)
    context = fork_server()
    url = os.environ.get(URL_VARIABLE, "")
    process = context.Process(
        target=ingest_and_die, args=(str(docs), str(storage), method, call, when, False, url)
    )
    process.start()
    process.join(100)
    assert process.exitcode == -signal.SIGKILL

    assert_readers_are_served(storage)
    report = ingest(docs, storage, prune=True)
    assert report.failures == []
    stored = stored_files(storage)
    assert set(stored) == {"same.pdf", "changed.pdf", "new.pdf"}
    assert stored["changed.pdf"].replace(" ", "") == "Thenewversionofthistext.Ithastwosentences."
    assert "Jupiter" in stored["new.pdf"]
    assert "西湖" in stored["same.pdf"]
    assert ingest(docs, storage, prune=True).unchanged == 3


@pytest.mark.usefixtures("parsed_in_place", "local_model")
@pytest.mark.parametrize(
    ("method", "call", "when"),
    [
        ("TokenStore.put", 1, "after"),
        pytest.param("TokenStore.put", 2, "before", marks=pytest.mark.slow),
        pytest.param("TokenStore.delete", 1, "after", marks=pytest.mark.slow),
    ],
)
def test_token_vectors_are_those_of_the_nodes_after_a_crash(
    method: str, call: int, when: str, docs: Path, storage: Path
) -> None:
    chinese_pdf(docs / "changed.pdf", header=None)
    english_pdf(docs / "gone.pdf")
    ingest_locally(docs, storage)
    change(docs)
    url = os.environ.get(URL_VARIABLE, "")
    run = partial(ingest_and_die, str(docs), str(storage), method, call, when, True, url)
    code, _, errors = run_forked(run, docs, dict(os.environ), stdin="", timeout=100)
    assert code == -signal.SIGKILL, errors

    assert_readers_are_served(storage)
    assert QueryEngine.open(storage, config=Config.load()).retrieve("Which planet is the largest?")
    assert ingest_locally(docs, storage, prune=True).failures == []
    assert set(stored_files(storage)) == {"changed.pdf", "new.pdf"}
    paths = collection_paths(storage, "default")
    tokens = TokenStore(paths.tokens(4))
    catalog = Catalog(paths.catalog)
    ids = [node_id(f.document_id, ordinal) for f in catalog.files().values() for ordinal in range(f.nodes)]
    catalog.close()
    assert tokens.count() == len(ids)
    assert all(tokens.get(ids).values())
    tokens.close()


@contextmanager
def running(docs: Path, storage: Path, seconds: float, together: int) -> Iterator[subprocess.Popen[str]]:
    """A slow run in a process group of its own, past its imports."""
    with subprocess.Popen(
        [sys.executable, "-m", "ingest_process", str(docs), str(storage), str(seconds), str(together)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def assert_no_process_is_left(group: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("worker processes outlive the run")


def library(docs: Path, files: int) -> None:
    for number in range(files):
        english_pdf(docs / f"{number:02}.pdf", [f"This is text {number}.", *SOLAR_SYSTEM])


def kill_and_complete(docs: Path, storage: Path, seed: int) -> None:
    chance = random.Random(seed)
    library(docs, 8)
    with running(docs, storage, 0.05, chance.choice([1, 3])) as process:
        time.sleep(chance.uniform(0, 4))
        process.kill()
        process.wait()
        assert_no_process_is_left(process.pid)
    english_pdf(docs / "00.pdf", ["This text was changed after the crash."], header=None)
    report = ingest(docs, storage, prune=True)
    assert report.failures == []
    stored = stored_files(storage)
    assert sorted(stored) == [f"{number:02}.pdf" for number in range(8)]
    assert stored["00.pdf"] == "This text was changed after the crash."
    assert all(f"This is text {number}." in stored[f"{number:02}.pdf"] for number in range(1, 8))


@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.parametrize("seed", range(3))
def test_run_killed_at_a_random_instant_is_completed_by_the_next(
    seed: int, docs: Path, storage: Path
) -> None:
    kill_and_complete(docs, storage, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.parametrize("seed", range(100, 140))
def test_run_killed_at_many_random_instants(seed: int, docs: Path, storage: Path) -> None:
    kill_and_complete(docs, storage, seed)


@pytest.mark.usefixtures("parsed_in_place")
def test_interruption_keeps_and_publishes_what_was_committed(docs: Path, storage: Path) -> None:
    library(docs, 12)
    with running(docs, storage, 0.3, 1) as process:
        assert process.stdout is not None
        done = [process.stdout.readline() for _ in range(3)]
        assert done == ["00.pdf added\n", "01.pdf added\n", "02.pdf added\n"]
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group gets it
        assert process.wait(30) != 0
        assert_no_process_is_left(process.pid)
    stored = stored_files(storage)
    assert {"00.pdf", "01.pdf", "02.pdf"} <= set(stored)
    assert len(stored) < 12
    report = ingest(docs, storage)
    assert report.added == 12 - len(stored)
    assert report.unchanged == len(stored)
    assert len(stored_files(storage)) == 12
