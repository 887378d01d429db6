"""A raw server on loopback that breaks off, stalls or drips at any point of an HTTP exchange."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType

OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"content-type: application/json\r\n"
EVENTS = OK + b"content-type: text/event-stream\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True)
class Stall:
    """Nothing more comes; the connection stays open."""


@dataclass(frozen=True)
class Drip:
    """Bytes one by one, ``pause`` seconds apart."""

    data: bytes
    pause: float = 0.05


@dataclass(frozen=True)
class Reset:
    """The connection is reset."""


Step = bytes | Stall | Drip | Reset


def completion(text: str | None, finish_reason: str | None = "stop", **further: object) -> bytes:
    """The body of a chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    body = {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        **further,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def sized(body: bytes) -> bytes:
    """A whole response with its length."""
    return JSON + b"content-length: %d\r\n\r\n" % len(body) + body


def event(content: str | None, finish_reason: str | None = None) -> bytes:
    """One server-sent event of a chat completion."""
    choice = {
        "index": 0,
        "delta": {} if content is None else {"content": content},
        "finish_reason": finish_reason,
    }
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


class FaultServer:
    """Does the same ``steps`` on every connection, after it has read the request, and then closes it.

    Attributes:
        requests: how many came in.
        asked: set when the first came in.
        stalled: set when the server has begun to stall.
        left: set when a client closes a connection on which the server stalls or drips.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.requests = 0
        self.asked, self.stalled, self.left = threading.Event(), threading.Event(), threading.Event()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def __enter__(self) -> FaultServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                if not _read_request(connection):
                    return
                self.requests += 1
                self.asked.set()
                for step in self._steps:
                    self._do(step, connection)
            except OSError:
                self.left.set()

    def _do(self, step: Step, connection: socket.socket) -> None:
        if isinstance(step, bytes):
            connection.sendall(step)
        elif isinstance(step, Reset):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif isinstance(step, Drip):
            for piece in _bytes(step.data):
                if self._gone(connection, step.pause):
                    raise OSError("the client left")
                connection.sendall(piece)
        else:
            self.stalled.set()
            while not self._gone(connection, 0.02):
                pass
            raise OSError("the client left, or the test is over")

    def _gone(self, connection: socket.socket, seconds: float) -> bool:
        """Whether the client closes the connection within some seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._closing.is_set():
                return True
            connection.settimeout(min(left, 0.1))
            try:
                if not connection.recv(1):
                    return True
            except TimeoutError:
                continue
            finally:
                connection.settimeout(None)
        return False


def _bytes(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


def _read_request(connection: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (received := connection.recv(65_536)):
            return False
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return True
