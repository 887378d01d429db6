"""The socket that the server listens on."""

from __future__ import annotations

import socket

import pytest

from qa_engine.errors import InputError
from qa_engine.server.process import listening_socket


def test_connections_send_small_pieces_at_once() -> None:
    with (
        listening_socket("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_address_that_is_taken_is_refused() -> None:
    with listening_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1:{port}.*--port"):
            listening_socket("127.0.0.1", port)
