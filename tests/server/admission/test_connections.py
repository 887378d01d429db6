"""Slow, silent and broken clients lose their connection; the others get their answer."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from served import ServedApp, served

HEAD = "Host: localhost\r\nContent-Type: application/json\r\n"
GET = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
POST = f"POST /api/v1/session HTTP/1.1\r\n{HEAD}"
QUICK = {"head_seconds": 0.3, "body_seconds": 0.3}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApp]:
    """A server that waits for 0.3 seconds only."""
    with served(tmp_path_factory.mktemp("quick"), server=QUICK) as server:
        yield server


def connected(server: ServedApp) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server ends the connection, or cuts it."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    return received


def reply(server: ServedApp, *parts: str | bytes) -> tuple[int, dict[str, Any]]:
    """Status and body of the one answer to what is sent, after which the server ends the connection."""
    with closing(connected(server)) as connection:
        for part in parts:
            connection.sendall(part if isinstance(part, bytes) else part.encode())
        head, _, body = all_of(connection).partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ("GET /healthz HT", 408, "request_timeout"),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n", 408, "request_timeout"),
        (f"{POST}Content-Length: 9\r\n\r\n{{", 408, "request_timeout"),
        (f"{POST}Transfer-Encoding: chunked\r\n\r\n1", 408, "request_timeout"),
        ("\x16\x03\x01\x02", 400, "malformed_request"),
        (f"{POST}Content-Length: x\r\n\r\n", 400, "malformed_request"),
        (f"{POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed_request"),
        (f"{POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "malformed_request"),
        (f"{POST}Transfer-Encoding: chunked\r\n\r\n" + "1\r\n \r\n" * 100_000, 400, "malformed_request"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 300_000, 431, "headers_too_large"),
        (f"{GET}X: " + "a" * 33_000 + "\r\n\r\n", 431, "headers_too_large"),
        (GET.replace("healthz", "a" * 9_000) + "\r\n", 414, "address_too_long"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)  # fmt: skip
def test_a_request_that_does_not_come_is_given_up(
    quick: ServedApp, sent: str, status: int, code: str
) -> None:
    found, problem = reply(quick, sent)
    assert (found, problem["code"]) == (status, code)
    assert problem["request_id"]


def test_a_client_that_says_nothing_is_left_without_a_word(quick: ServedApp) -> None:
    with closing(connected(quick)) as connection:
        assert all_of(connection) == b""


def test_a_second_request_on_a_connection_has_the_same_time(quick: ServedApp) -> None:
    with closing(connected(quick)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea")
        received = all_of(connection)
        assert received.startswith(b"HTTP/1.1 200")
        assert b"HTTP/1.1 408" in received
    with closing(connected(quick)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /hea")
        assert b"HTTP/1.1 408" in all_of(connection)


def test_drops_of_a_head_do_not_give_more_time(quick: ServedApp) -> None:
    with closing(connected(quick)) as connection:
        connection.settimeout(0.02)
        received = b""
        while not received:
            try:
                connection.sendall(b"X")
                received = connection.recv(65_536)
            except TimeoutError:
                continue
        assert received.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_and_the_client_sees_why(
    quick: ServedApp, declared: bool
) -> None:
    size = 2 * 1024 * 1024
    if declared:
        status, problem = reply(quick, f"{POST}Content-Length: {size}\r\n\r\n", b" " * size)
    else:
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        status, problem = reply(
            quick,
            f"{POST}Transfer-Encoding: chunked\r\n\r\n",
            *([chunk] * 20),
        )
    assert (status, problem["code"]) == (413, "payload_too_large")


def test_who_waits_to_be_told_to_send_is_refused_before_a_byte_of_the_body(quick: ServedApp) -> None:
    head = f"{POST}Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n"
    status, _ = reply(quick, head)
    assert status == 413


def reading_nothing(server: ServedApp) -> socket.socket:
    """A connection with much to read, of which nothing is read, when the answer has begun."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = urlsplit(server.url)
    connection.connect((address.hostname, address.port))
    connection.sendall(b"GET /api/docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
    ours = connection.getsockname()[:2]
    while not any(one.client == ours and one.flow.write_paused for one in list(server.connections)):
        server.client.get("/healthz")
    return connection


def test_a_client_that_reads_nothing_of_its_answer_is_left(quick: ServedApp) -> None:
    with closing(reading_nothing(quick)) as connection:
        ours = connection.getsockname()[:2]
        while any(one.client == ours for one in list(quick.connections)):
            quick.client.get("/healthz")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such time")
def test_the_system_gives_up_what_is_sent_and_not_taken(quick: ServedApp) -> None:
    quick.client.get("/healthz")
    sockets = [one.transport.get_extra_info("socket") for one in list(quick.connections)]
    assert sockets
    assert {one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) for one in sockets} == {300}


def test_connections_that_wait_for_their_client_make_room_for_new_ones(tmp_path: Path) -> None:
    settings = {"max_connections": 5, "head_seconds": 600, "body_seconds": 600}
    for sent in ("", f"{POST}Content-Length: 900\r\n\r\n{{"):
        with served(tmp_path, server=settings) as server, ExitStack() as stack:
            slow = [stack.enter_context(closing(connected(server))) for _ in range(20)]
            for one in slow:
                with suppress(ConnectionError):
                    one.sendall(sent.encode())
            for _ in range(2):
                with closing(connected(server)) as connection:
                    connection.sendall(f"{GET}\r\n".encode())
                    assert all_of(connection).startswith(b"HTTP/1.1 200")
            while len(server.connections) > 5:  # those that were cut are there for a moment
                pass
            cut, _, _ = select.select(slow, [], [], 0)
            assert len(cut) >= 15


def test_a_new_connection_is_refused_while_all_are_being_answered(tmp_path: Path) -> None:
    settings = {"max_connections": 2, "body_seconds": 600}
    with served(tmp_path, server=settings) as server, ExitStack() as stack:
        stack.enter_context(closing(reading_nothing(server)))
        server.client.close()
        while len(server.connections) > 1:
            pass
        busy = stack.enter_context(closing(connected(server)))
        busy.sendall(b"GET /api/docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        while sum(one.flow.write_paused for one in list(server.connections)) != 2:
            pass
        status, problem = reply(server)
        assert (status, problem["code"]) == (503, "too_many_connections")
