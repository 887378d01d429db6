"""Plays OpenSearch or Elasticsearch on loopback: tells which one it is, and answers what a test has it answer."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

TAGLINES = {
    "OpenSearch": "The OpenSearch Project: https://opensearch.org/",
    "Elasticsearch": "You Know, for Search",
}


@dataclass(frozen=True)
class Scripted:
    """One answer. A body that is no text is sent as JSON."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


DROP = Scripted(0, "the connection is closed without an answer")
STALL = Scripted(0, "nothing comes, and the connection stays open")
Step = Scripted | Callable[["Received"], Scripted]


@dataclass(frozen=True)
class Received:
    """A request. ``body`` is what its lines of JSON hold."""

    method: str
    path: str
    headers: Mapping[str, str]
    lines: Sequence[object]


def fails(status: int, kind: str, reason: str = "a reason", **further: object) -> Scripted:
    """The error of a search engine, with itself as its root cause."""
    error = {"type": kind, "reason": reason}
    return Scripted(status, {"error": {"root_cause": [error], **error, **further}, "status": status})


class ScriptedSearchEngine:
    """Answers ``GET /`` as the product does, and other requests with ``steps`` in turn; the last one is repeated.

    Attributes:
        requests: what came in, without ``GET /``.
        connections: how many were opened.
        stalled: set when it has begun to stall.
    """

    def __init__(
        self,
        *steps: Step,
        product: str = "OpenSearch",
        version: str = "2.19.6",
        about: Scripted | None = None,
        certificate: tuple[Path, Path] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.steps = list(steps) or [Scripted(200, {})]
        self.about = about or Scripted(200, identity(product, version))
        self.requests: list[Received] = []
        self.asked_about: list[Received] = []
        self.connections = 0
        self.stalled, self._closing = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            engine = owner

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that gives up is what tests are about."""

        self._http = Server((host, 0), Handler)
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._http.socket = context.wrap_socket(self._http.socket, True, do_handshake_on_connect=False)
        self.port = self._http.server_address[1]
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def next_step(self, received: Received) -> Scripted:
        if received.method == "GET" and received.path.endswith("/"):
            self.asked_about.append(received)
            return self.about
        with self._lock:
            self.requests.append(received)
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return step if isinstance(step, Scripted) else step(received)

    def wait_until_closed(self) -> None:
        self.stalled.set()
        self._closing.wait(60)

    def __enter__(self) -> ScriptedSearchEngine:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def identity(product: str, version: str) -> dict[str, object]:
    """What a product answers to ``GET /``."""
    distribution = {"distribution": "opensearch"} if product == "OpenSearch" else {}
    return {
        "name": "node",
        "cluster_name": "cluster",
        "version": {"number": version, **distribution},
        "tagline": TAGLINES[product],
    }


class _Handler(BaseHTTPRequestHandler):
    engine: ScriptedSearchEngine
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.engine.connections += 1

    def answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        lines = [json.loads(line) for line in self.rfile.read(length).splitlines()]
        headers = {name.lower(): value for name, value in self.headers.items()}
        step = self.engine.next_step(Received(self.command, self.path, headers, lines))
        if step is STALL:
            self.engine.wait_until_closed()
        if step is STALL or step is DROP:
            self.close_connection = True
            return
        text = isinstance(step.body, str)
        content = str(step.body).encode() if text else json.dumps(step.body).encode()
        self.send_response(step.status)
        for name, value in {
            "content-type": "text/html" if text else "application/json; charset=UTF-8",
            "content-length": str(len(content)),
            **step.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 - their names

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""
