"""A Chroma server of its own for tests, and a proxy before it that does what reverse proxies do, or fail to do."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from openai_server import free_port

URL_VARIABLE = "QA_ENGINE_INDEX__URL"


class ChromaProcess:
    """``chroma run`` on loopback, quiet, with its data in a folder. It can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        command = Path(sys.executable).with_name("chroma")
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    command,
                    "run",
                    "--path",
                    self._folder / "data",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(self.port),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"chroma run did not start: {(self._folder / 'server.log').read_text()}")

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def __enter__(self) -> ChromaProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()


Reply = Callable[[Any], None]


def says(status: int, body: str, kind: str = "text/html", **headers: str) -> Reply:
    """The same answer to everything."""

    def reply(handler: _Handler) -> None:
        handler.answer(status, body.encode(), {"content-type": kind, **headers})

    return reply


def hangs(handler: _Handler) -> None:
    """No answer before the client gives up."""
    handler.closing.wait(30)


class Proxy:
    """Stands before a server, or in its place.

    Args:
        target: port that requests are passed on to, in case ``reply`` is None.
        reply: what is done instead.
        header: name and value that a request must have, or else the answer is 401.
        certificate: files of certificate and key, for TLS.
    """

    def __init__(
        self,
        target: int | None = None,
        reply: Reply | None = None,
        header: tuple[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.headers: list[dict[str, str]] = []
        self.target, self.reply, self.header = target, reply, header
        self.closing = threading.Event()
        owner = self

        class Handler(_Handler):
            proxy = owner
            closing = owner.closing

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._http.socket = context.wrap_socket(self._http.socket, True, do_handshake_on_connect=False)
        self.url = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    closing: threading.Event
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.proxy.headers.append(headers)
        wanted = self.proxy.header
        if wanted is not None and headers.get(wanted[0].lower()) != wanted[1]:
            self.answer(
                401, b"<html><h1>401 Authorization Required</h1></html>", {"content-type": "text/html"}
            )
        elif self.proxy.reply is not None:
            self.proxy.reply(self)
        else:
            assert self.proxy.target is not None
            connection = http.client.HTTPConnection("127.0.0.1", self.proxy.target, timeout=30)
            passed: dict[str, str] = {}
            passed.update((name, headers[name]) for name in ("accept", "content-type") if name in headers)
            connection.request(self.command, self.path, body or None, passed)
            answer = connection.getresponse()
            told = ("content-type", "x-elastic-product")
            self.answer(
                answer.status,
                answer.read(),
                {name: value for name, value in answer.getheaders() if name.lower() in told},
            )
            connection.close()

    do_HEAD = do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the names are http.server's

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A private authority and a certificate for 127.0.0.1 that it signed: the authority's file, certificate, key."""
    openssl = shutil.which("openssl")
    assert openssl is not None
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    authority = "-keyout ca.key -out ca.pem -days 2 -subj /CN=Authority -addext keyUsage=critical,keyCertSign"
    request = "-keyout server.key -out server.csr -subj /CN=127.0.0.1"
    signed_by = "-CA ca.pem -CAkey ca.key -CAcreateserial"
    for arguments in (
        ["req", "-x509", *curve, *authority.split()],
        ["req", *curve, *request.split()],
        ["x509", "-req", *f"-in server.csr -out server.pem -days 2 -extfile extensions {signed_by}".split()],
    ):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"
