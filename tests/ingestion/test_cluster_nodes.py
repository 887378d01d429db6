"""Nodes of a search engine are killed while files are ingested and many questions asked: no answer is wrong."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from chroma_process import ChromaProcess
from ingest_process import ParsingInPlace, ingest, ingest_run
from pdf_factory import SOLAR_SYSTEM, english_pdf
from search_server import SearchCluster
from shared_collection import cluster_variables, set_variables, shared_catalog, stored_in_cluster

from qa_engine.config import Config
from qa_engine.errors import QAEngineError, ServiceUnavailableError
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader
from qa_engine.text.tokenizer import tokenize

ASKING = 32
WINDOW_SECONDS = 30.0
"""How long after the loss of a node a question may fail, at most."""


class Askers:
    """Threads that ask for sentences of files that do not change, until they are told to end."""

    def __init__(self, reader: IndexReader, numbers: list[int]) -> None:
        self.reader, self.numbers = reader, numbers
        self.answered: list[tuple[float, float]] = []
        self.failed: list[tuple[float, str]] = []
        self.wrong: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(place,)) for place in range(ASKING)]

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, place: int) -> None:
        chance = random.Random(place)
        while not self._ended.is_set():
            number = chance.choice(self.numbers)
            started = time.monotonic()
            try:
                snapshot = self.reader.snapshot()
                hits = snapshot.bm25.search(tokenize(f"text {number}"), 10)
                found = snapshot.store.stored_sentences([hit.node_id for hit in hits])
            except ServiceUnavailableError as error:
                self.failed.append((time.monotonic(), str(error)))
                continue
            except QAEngineError as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                continue
            now = time.monotonic()
            self.answered.append((now, now - started))
            best = [found[hit.node_id].text for hit in hits if hit.node_id in found][:1]
            if len(found) != len(hits) or not best or str(number) not in best[0]:
                self.wrong.append(f"{number}: {best}, {len(found)} of {len(hits)} texts")
            time.sleep(0.05)  # two cores run the servers too


class Ingesting:
    """A thread that adds, changes and removes files, one run after the other."""

    def __init__(self, docs: Path, root: Path) -> None:
        self.docs, self.root = docs, root
        self.runs = 0
        self.failed: list[tuple[float, str]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Ingesting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.is_set():
            self.runs += 1
            english_pdf(
                self.docs / f"changing-{self.runs % 3}.pdf",
                [f"Another thing {self.runs}.", *SOLAR_SYSTEM],
                header=None,
            )
            (self.docs / f"changing-{(self.runs + 1) % 3}.pdf").unlink(missing_ok=True)
            try:
                assert ingest(self.docs, self.root / f"machine-{self.runs}", prune=True).failures == []
            except QAEngineError as error:
                self.failed.append((time.monotonic(), f"{type(error).__name__}: {error}"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nodes_are_killed_during_an_ingest_and_questions(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    search_cluster: Callable[..., SearchCluster],
    chroma_server: ChromaProcess,
) -> None:
    cluster = search_cluster("opensearch-2", nodes=3)
    more = {"search_shards": "3", "search_lease_seconds": "30"}
    set_variables(monkeypatch, cluster_variables(cluster, chroma_server, f"n{secrets.token_hex(4)}", **more))
    monkeypatch.setattr(ingest_run, "ParsingPool", ParsingInPlace)
    docs = tmp_path / "docs"
    docs.mkdir()
    numbers = [1000 + number for number in range(20)]
    for number in numbers:
        english_pdf(docs / f"{number}.pdf", [f"This is text {number}.", *SOLAR_SYSTEM], header=None)
    ingest(docs, tmp_path / "first")
    index = Config.load().index
    catalog = shared_catalog(tmp_path / "reader")
    cluster.wait_green()
    kills = []
    with (
        IndexReader(collection_paths(tmp_path / "reader", "default"), catalog, index=index) as reader,
        Askers(reader, numbers) as askers,
        Ingesting(docs, tmp_path) as ingesting,
    ):
        for node in range(3):
            runs, answered = ingesting.runs, len(askers.answered)
            while ingesting.runs < runs + 2 or len(askers.answered) < answered + 100:
                time.sleep(0.1)
            kills.append(time.monotonic())
            cluster.kill(node)
            runs = ingesting.runs
            while ingesting.runs < runs + 2 or time.monotonic() < kills[-1] + 5:
                time.sleep(0.1)
            cluster.restart(node)
            cluster.wait_green(seconds=120)
    failures = [(at, what) for at, what in askers.failed]
    windows = [
        max((at - kill for at, _ in failures if kill <= at < after), default=0.0)
        for kill, after in zip(kills, [*kills[1:], float("inf")], strict=True)
    ]
    slowest = [
        max((seconds for at, seconds in askers.answered if kill <= at < kill + 30), default=0.0)
        for kill in kills
    ]
    print(
        f"{len(askers.answered)} questions answered, {len(askers.wrong)} wrong, {len(failures)} failed; seconds after "
        f"each kill in which some failed: {[f'{one:.1f}' for one in windows]}; slowest answers after each kill: "
        f"{[f'{one:.1f}' for one in slowest]}; {ingesting.runs} runs, failed: "
        f"{[what[:90] for _, what in ingesting.failed]}"
    )
    assert askers.wrong == []
    assert not [what for at, what in failures if at < kills[0]]
    assert max(windows) < WINDOW_SECONDS, failures[-3:]
    ingest(docs, tmp_path / "last", prune=True)
    stored = stored_in_cluster(tmp_path / "check")
    assert sorted(stored) == sorted(file.name for file in docs.iterdir())
