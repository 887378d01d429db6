"""kill -9 of the server at random instants of uploads, ingestion and deletions: what was acknowledged is done, once."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Condition, Thread

import httpx
import pytest
from command_line import ROOT
from ingest_process import stored_files
from pdf_factory import PdfBuilder

from qa_engine.diagnosis.doctor import diagnose
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import file_id

FILES = "/api/v1/collections/default/files"
CLIENTS = 3


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class KilledServer:
    """``qa-engine serve`` in a process of its own, on one port, started again after each kill."""

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ended = False
        """Whether no client is to begin anything more."""
        self._changed = Condition()
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "qa_engine", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "--storage", str(self.storage)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            assert self._process.poll() is None, "the server ended by itself"
            try:
                httpx.get(f"{self.url}/healthz", timeout=60).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        with self._changed:
            self._starts += 1
            self._changed.notify_all()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0

    @property
    def starts(self) -> int:
        return self._starts

    def wait_for_start(self, after: int) -> None:
        """Waits until the server was started more than so many times, or all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._starts > after or self.ended)

    def end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()


class Client(Thread):
    """Uploads, replaces and deletes files under names of its own, and notes what may have become of each."""

    def __init__(self, server: KilledServer, number: int, folder: Path, seed: int) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.chance = random.Random(seed * 100 + number)
        self.names = [f"{number}-{letter} 年报.pdf" for letter in "abcd"]
        self.possible: dict[str, set[str | None]] = {name: {None} for name in self.names}
        """The digests that each name may have in the end; None for no file."""
        self.jobs: list[str] = []
        self.followed = 0
        """How many of the jobs are known to be over."""
        self.counts: Counter[str] = Counter()
        self.error: BaseException | None = None
        self.contents = [
            self._pdf(folder / f"{number}-{one}.pdf", pages) for one, pages in enumerate((1, 2, 5, 9))
        ]

    def run(self) -> None:
        try:
            while not self.server.ended:
                starts = self.server.starts
                try:
                    with httpx.Client(base_url=self.server.url, timeout=60) as http:
                        while not self.server.ended:
                            self._act(http)
                            time.sleep(self.chance.uniform(0, 1.5))
                except httpx.TransportError:
                    self.counts["cut off"] += 1
                    self.server.wait_for_start(starts)
        except BaseException as error:  # noqa: BLE001 - raised in the test
            self.error = error

    def _act(self, http: httpx.Client) -> None:
        name = self.chance.choice(self.names)
        while len(self.jobs) > self.followed + 1:  # or the queue grows, and there is rarely a file to delete
            self.follow(http, self.jobs[self.followed])
            self.followed += 1
        if self.chance.random() < 0.4:
            self._delete_file(http, name)
        else:
            self._upload(http, name, self.chance.choice(self.contents))

    @staticmethod
    def follow(http: httpx.Client, job_id: str) -> None:
        """Waits until a job is over."""
        with http.stream("GET", f"/api/v1/jobs/{job_id}/events", timeout=None) as stream:
            assert stream.status_code == 200, f"the job {job_id} is lost"
            for _ in stream.iter_lines():
                pass

    def _upload(self, http: httpx.Client, name: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        self.possible[name].add(digest)
        response = http.put(f"{FILES}/{name}", content=content)
        assert response.status_code in {200, 202}, response.text
        self.possible[name] = {digest}
        self.counts[f"upload {response.status_code}"] += 1
        if response.status_code == 202:
            self.jobs.append(response.json()["id"])

    def _delete_file(self, http: httpx.Client, name: str) -> None:
        before = set(self.possible[name])
        self.possible[name].add(None)
        response = http.delete(f"{FILES}/{file_id(f'upload:/{name}')}")
        assert response.status_code in {200, 202, 404}, response.text
        self.counts[f"delete {response.status_code}"] += 1
        if response.status_code == 404:
            self.possible[name] = before
        else:
            self.possible[name] = {None}
            self.jobs.append(response.json()["id"])

    def _pdf(self, path: Path, pages: int) -> bytes:
        builder = PdfBuilder()
        for page in range(pages):
            lines = [f"Sentence {line} of page {page} of {path.stem} is here." for line in range(12)]
            builder.page().lines(lines)
        return builder.save(path).read_bytes()


def wait_for_jobs(server: KilledServer, jobs: list[str]) -> Counter[str]:
    """The states of jobs that are all over."""
    states: Counter[str] = Counter()
    with httpx.Client(base_url=server.url) as http:
        for job_id in jobs:
            Client.follow(http, job_id)
            states[http.get(f"/api/v1/jobs/{job_id}").json()["state"]] += 1
    return states


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("local_model")
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
@pytest.mark.parametrize(("seed", "kills"), [(1, 50)])
def test_nothing_acknowledged_is_lost_or_doubled(
    seed: int, kills: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    server = KilledServer(tmp_path / "storage")
    server.start()
    clients = [Client(server, number, tmp_path, seed) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    started = time.monotonic()
    for _ in range(kills):
        time.sleep(chance.uniform(0, 10))
        server.kill()
        server.start()
    server.end()
    for client in clients:
        client.join()
        assert client.error is None
    jobs = [job for client in clients for job in client.jobs]
    states = wait_for_jobs(server, jobs)
    server.stop()

    catalog = Catalog(collection_paths(tmp_path / "storage", "default").catalog)
    digests = {record.file_name: record.sha256 for record in catalog.files().values()}
    catalog.close()
    possible = {name: seen for client in clients for name, seen in client.possible.items()}
    lost = [name for name, seen in possible.items() if digests.get(name) not in seen]
    texts = stored_files(tmp_path / "storage")  # fails if a sentence is missing, or is there twice
    stored = {path.name for path in (tmp_path / "storage" / "uploads").iterdir() if path.is_file()} - {
        ".lock"
    }
    counts = sum((client.counts for client in clients), Counter[str]())
    with capsys.disabled():
        print(
            f"\n{kills} kills in {time.monotonic() - started:.0f} s; {dict(sorted(counts.items()))}; "
            f"{len(jobs)} acknowledged jobs: {dict(states)}; {len(digests)} files at the end, lost: {len(lost)}"
        )
    assert lost == []
    assert states.keys() <= {"succeeded"}
    assert set(texts) == set(digests)
    assert stored == set(digests.values())
    assert not list((tmp_path / "storage" / "uploads" / ".incoming").rglob("*"))
    found = diagnose(tmp_path / "storage")
    assert [check for check in found.checks if check.status == "failed" and check.check != "disk_space"] == []
