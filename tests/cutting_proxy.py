"""A network between a browser and a server that a test can cut."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit


class CuttingProxy:
    """Passes connections on to a server until they are cut.

    Attributes:
        refusing: whether new connections are cut at once.
        url: its address.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: of the server.
        """
        target = urlsplit(url)
        address = target.hostname or "", target.port or 80
        self.refusing = False
        self._open: set[socket.socket] = set()
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                owner._pass_on(self.request, address)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> CuttingProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self.cut()
        self._server.server_close()

    def cut(self) -> None:
        """Ends all connections with a reset."""
        for one in list(self._open):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, near: socket.socket, address: tuple[str, int]) -> None:
        if self.refusing:
            return
        with socket.create_connection(address) as far:
            self._open |= {near, far}
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()
            self._open -= {near, far}


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
