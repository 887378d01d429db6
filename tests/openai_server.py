"""A server with OpenAI's protocol on loopback, with scripted replies and a record of all requests."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in: path, headers with lower-case names, and the JSON body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][-1]["content"])


Reply = Callable[["_Handler", Request], None]


def chat(text: str, finish_reason: str | None = "stop", usage: tuple[int, int] | None = None) -> Reply:
    """A chat completion; as server-sent events, three characters a piece, if the request says stream.

    ``usage`` are the tokens of the prompt and of the reply, counted at the end of a stream if the request asks for that.
    """
    counts = None
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}

    def reply(handler: _Handler, request: Request) -> None:
        if request.body.get("stream"):
            told = counts if request.body.get("stream_options", {}).get("include_usage") else None
            pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
            return handler.events(pieces, finish_reason, usage=told)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        body = {"id": "c", "object": "chat.completion", "created": 0, "model": request.body["model"]}
        return handler.json(200, {**body, "choices": [choice], **({"usage": counts} if counts else {})})

    return reply


def cut_stream(pieces: Sequence[str], reset: bool = False) -> Reply:
    """Some pieces of a stream, then the connection closes: in order, or (``reset``) with a reset."""

    def reply(handler: _Handler, request: Request) -> None:
        handler.events(pieces, None, done=False, chunked=reset)

    return reply


def embeddings(size: int = 4, missing: int = 0) -> Reply:
    """A vector for each text: its number of characters, then ones; ``missing`` vectors are left out."""

    def reply(handler: _Handler, request: Request) -> None:
        texts = request.body["input"]
        vectors = [[float(len(text)), *[1.0] * (size - 1)] for text in texts][: len(texts) - missing]
        data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
        handler.json(200, {"object": "list", "data": data, "model": "m", "usage": {}})

    return reply


def error(status: int, message: str = "failed", code: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's form; ``retry_after="0.01"`` becomes a header."""

    def reply(handler: _Handler, request: Request) -> None:
        body = {"error": {"message": message, "type": "error", "code": code}}
        handler.json(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    return reply


def page(html: str = "<html><body>Welcome</body></html>", status: int = 200) -> Reply:
    """What a web server that is no model server says."""

    def reply(handler: _Handler, request: Request) -> None:
        handler.raw(status, "text/html", html.encode())

    return reply


def held(
    pieces: Sequence[str], rest: Sequence[str], release: threading.Event, left: threading.Event
) -> Reply:
    """Some pieces of a stream, and the rest when ``release`` is set; ``left`` is set if the client leaves before that."""

    def reply(handler: _Handler, request: Request) -> None:
        try:
            handler.events(pieces, None, done=False)
        except OSError:
            left.set()
            return
        while not release.wait(0.01) and not handler.server_closing.is_set():
            readable, _, _ = select.select([handler.connection], [], [], 0)
            if readable and _has_left(handler.connection):
                left.set()
                return
        with suppress(OSError):
            handler.pieces(rest, "stop")

    return reply


def _has_left(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1)
    except OSError:  # it did not even wait for what was sent
        return True


def hang(seconds: float) -> Reply:
    """No reply before the client gives up."""

    def reply(handler: _Handler, request: Request) -> None:
        handler.server_closing.wait(seconds)

    return reply


@dataclass
class OpenAIServer:
    """``replies`` are given one after the other, the last one for ever; ``asked`` is set by the first request.

    Example:
        with OpenAIServer(error(500), chat("答案[1]")) as server:
            build_llm(LlmConfig(model="m", base_url=server.url))
    """

    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests = []
        self.asked, self.closing = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            server_closing = owner.closing

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                with owner._lock:
                    owner.requests.append(request)
                    reply = owner.replies[min(len(owner.requests), len(owner.replies)) - 1]
                owner.asked.set()
                reply(self, request)

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    # The default of 5 refuses some of many connections at once.
    request_queue_size = 128


_held: list[socket.socket] = []


def closed_port() -> int:
    """A port of this machine where nobody listens, and nobody will as long as this process runs."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    _held.append(held)
    return int(held.getsockname()[1])


def free_port() -> int:
    """A port of this machine to listen on soon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Handler(BaseHTTPRequestHandler):
    server_closing: threading.Event
    protocol_version = "HTTP/1.1"
    # A client that gave up is part of some tests.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.raw(status, "application/json", json.dumps(body).encode(), headers)

    def raw(self, status: int, kind: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": kind,
            "content-length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def events(
        self,
        pieces: Sequence[str],
        finish_reason: str | None,
        done: bool = True,
        chunked: bool = False,
        usage: dict[str, int] | None = None,
    ) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.pieces(pieces, finish_reason, done, chunked, usage)

    def pieces(
        self,
        pieces: Sequence[str],
        finish_reason: str | None,
        done: bool = True,
        chunked: bool = False,
        usage: dict[str, int] | None = None,
    ) -> None:
        deltas: list[tuple[dict[str, str], str | None]] = [({"content": piece}, None) for piece in pieces]
        if done:
            deltas.append(({}, finish_reason))
        for delta, reason in deltas:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            data = f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
        if usage is not None:
            counted = {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage}
            self.wfile.write(f"data: {json.dumps(counted)}\n\n".encode())
        if done:
            self.wfile.write(b"data: [DONE]\n\n")
        self.wfile.flush()
        if chunked:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 1))
        self.close_connection = True
