"""A thousand slow clients and ten thousand requests over the limit: the others are served, and no memory is lost."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx
import pytest

from qa_engine.server.admission.keys import KeyStore

pytestmark = pytest.mark.slow
SLOW_CLIENTS = 1000
REQUESTS = 10_000
RATE = 100
INFO = "/api/v1/info"


class Process:
    """A server in a process of its own.

    Attributes:
        url: its address.
    """

    def __init__(self, storage: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qa_engine", "serve", "--port", "0", "--storage", str(storage)],
            env={
                **os.environ,
                "QA_ENGINE_SERVER__RATE_LIMIT": f"{RATE}/minute",
                "QA_ENGINE_SERVER__HEAD_SECONDS": "5",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        line = next(line for line in self._process.stderr if "Serving on" in line)
        self.url = line.split()[2]
        self._reader = Thread(target=self._process.stderr.read, daemon=True)
        self._reader.start()
        while httpx.get(f"{self.url}/readyz").status_code != 200:
            pass

    @property
    def megabytes(self) -> float:
        """Memory in use, as /proc has it."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def files(self) -> int:
        """Open files."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait() == 0


@pytest.fixture
def process(tmp_path: Path, keys: KeyStore) -> Iterator[Process]:
    if not Path("/proc/self/status").exists():
        pytest.skip("the system has no /proc")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    one = Process(tmp_path)
    yield one
    one.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def slow_client(url: str, connected: Counter[str]) -> bytes:
    """Sends a byte of a head every second, until the server has enough of it."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    connected["now"] += 1
    writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
    ended = asyncio.ensure_future(reader.read())
    while not ended.done():
        writer.write(b"x")
        await asyncio.wait([ended], timeout=1)
    writer.close()
    return ended.result() if ended.exception() is None else b""


async def test_slow_clients_keep_nobody_out_and_are_left(process: Process, secret: str) -> None:
    before, files = process.megabytes, process.files
    connected: Counter[str] = Counter()
    clients = [asyncio.ensure_future(slow_client(process.url, connected)) for _ in range(SLOW_CLIENTS)]
    while connected["now"] < SLOW_CLIENTS:
        await asyncio.sleep(0.01)
    times = []
    async with httpx.AsyncClient(base_url=process.url, headers={"X-API-Key": secret}, timeout=60) as honest:
        for _ in range(RATE):
            began = time.perf_counter()
            assert (await honest.get(INFO)).status_code == 200
            times.append(time.perf_counter() - began)
    during = process.megabytes
    ends = await asyncio.gather(*clients)
    assert sum(end.startswith(b"HTTP/1.1 408") for end in ends) > SLOW_CLIENTS * 0.9
    while process.files > files + 5:
        await asyncio.sleep(0.01)
    print(
        f"{SLOW_CLIENTS} slow clients: honest p50 {sorted(times)[50] * 1000:.1f} ms, max {max(times) * 1000:.1f} ms; "
        f"memory {before:.0f} MB before, {during:.0f} with them, {process.megabytes:.0f} after"
    )
    assert process.megabytes < before + 60


async def test_requests_over_the_limit_cost_others_nothing(
    process: Process, keys: KeyStore, secret: str
) -> None:
    greedy = {"X-API-Key": keys.add("greedy", "read")}
    statuses: Counter[int] = Counter()
    async with httpx.AsyncClient(base_url=process.url, timeout=60) as client:

        async def ask(count: int, headers: dict[str, str]) -> None:
            for _ in range(count):
                statuses[(await client.get(INFO, headers=headers)).status_code] += 1

        await asyncio.gather(*(ask(50, {"X-API-Key": "qae_wrong"}) for _ in range(20)))
        assert statuses == {401: 20, 429: 980}
        before, began = process.megabytes, time.perf_counter()
        statuses.clear()
        flood = asyncio.gather(*(ask(REQUESTS // 20, greedy) for _ in range(20)))
        honest = [(await client.get(INFO, headers={"X-API-Key": secret})).status_code for _ in range(RATE)]
        assert honest == [200] * RATE
        await flood
        seconds = time.perf_counter() - began
    print(
        f"{REQUESTS} requests in {seconds:.1f} s: {dict(statuses)}; "
        f"memory {before:.0f} MB before, {process.megabytes:.0f} after"
    )
    assert statuses[429] >= REQUESTS - 2 * RATE
    assert process.megabytes < before + 30
