"""OpenSearch and Elasticsearch servers of their own for tests: clusters of real nodes on loopback, a process each.

By hand: ``PYTHONPATH=tests python -m search_server --version opensearch-2 --port 9200`` runs one until it is interrupted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from search_class_path import SOURCES, VERSIONS, UnavailableError, class_path

_START_SECONDS = 120
_PORTS = range(20000, 32000)
"""Below the ports that systems give to connections, so that a node that is started again finds its own free."""


class SearchNode:
    """One node: a process of Java, which ends when this process does."""

    def __init__(self, version: str, folder: Path, port: int, heap: str) -> None:
        self.port, self.transport_port = port, free_port()
        self.folder, self.name = folder, folder.name
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "server.log"
        self._version, self._heap = version, heap
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "config").mkdir(parents=True, exist_ok=True)

    def launch(self, settings: Mapping[str, str]) -> None:
        """Starts the process, and does not wait for it.

        Raises:
            UnavailableError: this machine cannot run the server.
        """
        home, jars = class_path(self._version)
        own = {
            "path.home": self.folder,
            "node.name": self.name,
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self.transport_port,
        }
        options = [
            f"-Xmx{self._heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dlog4j2.disable.jmx=true",
        ]
        options += [
            f"-Dlog4j2.configurationFile={SOURCES / 'log4j2.properties'}",
            *VERSIONS[self._version].options,
        ]
        command = [str(home / "bin" / "java"), *options, "-cp", jars, "Launcher"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(f"{key}={value}" for key, value in {**own, **settings}.items())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Whether it can be asked. It raises if the process has ended, with the end of its log."""
        if not self.running:
            raise RuntimeError(f"{self.name} of {self._version} has ended: {self.tail()}")
        try:
            return self.send("GET", "/", timeout=5)[0] == 200
        except OSError:
            return False

    def send(self, method: str, path: str, body: object = None, timeout: float = 60) -> tuple[int, Any]:
        """One request; returns the status and the answer. A list is sent as lines of JSON, as ``_bulk`` wants them.

        Raises:
            OSError: no connection, or no answer in time.
        """
        lines = body if isinstance(body, list) else [] if body is None else [body]
        data = "".join(json.dumps(line) + "\n" for line in lines)
        kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, data or None, {"content-type": kind} if data else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(f"{self.url} broke off: {error!r}") from error
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process = None

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process is not None, f"{self.name} does not run"
        self._process.send_signal(number)

    def tail(self, start: int = 0, characters: int = 4000) -> str:
        """The end of what it has logged since the byte ``start``."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")[-characters:]


class SearchCluster:
    """Nodes of one version that know each other. Each can be killed, paused and started again; all data are in ``folder``.

    Args:
        version: a key of ``VERSIONS``.
        folder: where data, logs and snapshots (``snapshots``, the ``path.repo``) are; it must not exist or be empty.
        nodes: how many.
        settings: further settings of every node.
        port: the HTTP port of the first node; a free one by default.
        heap: what each Java may use, as of ``-Xmx``.
    """

    def __init__(
        self,
        version: str,
        folder: Path,
        nodes: int = 1,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
        heap: str = "512m",
    ) -> None:
        self.version, self.folder = version, folder
        self.snapshots = folder / "snapshots"
        self.snapshots.mkdir(parents=True, exist_ok=True)
        self.nodes = [
            SearchNode(
                version, folder / f"node-{number}", port if port and number == 1 else free_port(), heap
            )
            for number in range(1, nodes + 1)
        ]
        names = ",".join(node.name for node in self.nodes)
        self._settings = {
            "cluster.name": folder.name,
            VERSIONS[version].first_nodes: names,
            "discovery.seed_hosts": ",".join(f"127.0.0.1:{node.transport_port}" for node in self.nodes),
            "path.repo": str(self.snapshots),
            "http.type": "netty4",
            "transport.type": "netty4",
            # A disk that is nearly full does not matter to tests, but to those that ask for it.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        """The address of the first node."""
        return self.nodes[0].url

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def prepare(self) -> None:
        """Fetches what the server is made of, once on a machine.

        Raises:
            UnavailableError: this machine cannot run the server.
        """
        class_path(self.version)

    def start(self) -> None:
        """Starts all nodes, and returns when they answer and know each other.

        Raises:
            UnavailableError: this machine cannot run the server.
            RuntimeError: a node has ended or does not answer in time; with the end of its log.
        """
        for node in self.nodes:
            node.launch(self._settings)
        self._wait_until_answers(self.nodes)

    def kill(self, node: int) -> None:
        """As kill -9 does to the node with this number, counted from 0."""
        self.nodes[node].kill()

    def restart(self, node: int) -> None:
        """Starts a node again with its data and at its ports, and returns when it answers and the others know it."""
        self.nodes[node].kill()
        self.nodes[node].launch(self._settings)
        self._wait_until_answers([self.nodes[node]])

    def pause(self, node: int) -> None:
        """The node accepts connections, but does nothing more until ``resume`` (SIGSTOP)."""
        self.nodes[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        self.nodes[node].send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends all nodes at once. What they have written stays."""
        for node in self.nodes:
            node.kill()

    def send(self, method: str, path: str, body: object = None, timeout: float = 60) -> Any:
        """What the first running node answers to a request; a status of 400 and above fails."""
        status, answer = self._running().send(method, path, body, timeout)
        assert status < 400, f"{method} {path}: {status} {answer}"
        return answer

    def wait_yellow(self, index: str = "", seconds: float = 60) -> None:
        """Waits until every primary shard of ``index``, or of all indices, is there."""
        self._wait_health("wait_for_status=yellow", index, seconds)

    def wait_green(self, index: str = "", seconds: float = 60) -> None:
        """Waits until every shard is there, replicas too."""
        self._wait_health("wait_for_status=green", index, seconds)

    def wait_for_nodes(self, count: int, seconds: float = 60) -> None:
        """Waits until the cluster is of that many nodes."""
        self._wait_health(f"wait_for_nodes={count}", "", seconds)

    def _wait_health(self, condition: str, index: str, seconds: float) -> None:
        path = f"/_cluster/health/{index}?{condition}&timeout={seconds:g}s&master_timeout={seconds:g}s"
        code, health = self._running().send("GET", path, timeout=seconds + 10)
        assert code == 200, f"not {condition} in {seconds:g} s: {health}"

    def _wait_until_answers(self, nodes: list[SearchNode]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        for node in nodes:
            while not node.answers():
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{node.name} did not start in {_START_SECONDS} s: {node.tail()}")
                time.sleep(0.05)
        self.wait_for_nodes(sum(node.running for node in self.nodes))

    def _running(self) -> SearchNode:
        return next(node for node in self.nodes if node.running)

    def __enter__(self) -> SearchCluster:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def free_port() -> int:
    """A port to listen on soon, and again after a restart."""
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port from {_PORTS.start} to {_PORTS.stop} is free")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="search_server", description="Runs a server until it is interrupted."
    )
    parser.add_argument("--version", choices=sorted(VERSIONS), default="opensearch-2")
    parser.add_argument("--port", type=int, help="of the first node; a free one by default")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="for data and logs; by default one that is removed at the end"
    )
    parser.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    settings = dict(setting.split("=", 1) for setting in arguments.setting)
    with tempfile.TemporaryDirectory(prefix="search-server-") as temporary:
        folder = arguments.folder or Path(temporary) / arguments.version
        try:
            with SearchCluster(
                arguments.version, folder, arguments.nodes, settings, arguments.port
            ) as cluster:
                for node in cluster.nodes:
                    print(
                        f"{node.name} of {cluster.version} answers at {node.url}; log: {node.log}", flush=True
                    )
                signal.pause()
        except UnavailableError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
