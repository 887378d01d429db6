"""Connections: how long a client may take to send a request or to read an answer, and how many there are.

uvicorn waits for ever for the head and the body of a request, closes a connection with unread data in it, by which the
client may lose the answer, and lets every client hold as many connections as it likes. This protocol does not.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from qa_engine.server.admission.bodies import MAX_HEAD_BYTES
from qa_engine.server.problems import ProblemError
from qa_engine.text.control_characters import dump_json

_LEAST_BYTES_A_SECOND = 100
_CLOSING_SECONDS = 5
_MANY_CHUNKS = 2000
_TINY_CHUNK_BYTES = 64


@dataclass
class ConnectionLimits:
    """What the connections of a server keep to.

    Attributes:
        head_seconds: within which the head of a request must be there, from its first byte or from the connection on.
        body_seconds: a body of which less than 100 bytes a second came within this time is given up, and so is an answer
            of which less was read.
        most: connections at a time.
        idle: those without a request in work, the oldest first.
        receiving: those whose request is still coming, the oldest first.
    """

    head_seconds: float
    body_seconds: float
    most: int
    idle: dict[BoundedProtocol, None] = field(default_factory=dict)
    receiving: dict[BoundedProtocol, None] = field(default_factory=dict)

    def protocol(self, **options: Any) -> BoundedProtocol:
        """A protocol for a new connection, as uvicorn asks for it."""
        return BoundedProtocol(self, **options)

    def forget(self, protocol: BoundedProtocol) -> None:
        """Says that a connection waits for nothing from its client."""
        self.idle.pop(protocol, None)
        self.receiving.pop(protocol, None)

    def make_room(self) -> bool:
        """Cuts the connection that has waited longest for its client.

        Returns:
            Whether there was one: else all of them are being answered.
        """
        oldest = next(iter(self.idle or self.receiving), None)
        if oldest is not None:
            self.forget(oldest)
            oldest.transport.abort()
        return oldest is not None


class _ClosingTransport:
    """A transport that, before it closes, reads what the client still sends: else the client may lose the answer."""

    def __init__(self, transport: asyncio.Transport, protocol: BoundedProtocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self.closing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self.closing or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        if self._protocol.has_unread and self._transport.can_write_eof():
            self.closing = True
            self._transport.write_eof()
            self._transport.resume_reading()
            self._end_later()
        else:
            self._transport.close()

    def _end_later(self) -> None:
        self._protocol.loop.call_later(_CLOSING_SECONDS, self._end)

    def _end(self) -> None:
        if self._transport.get_write_buffer_size():  # the system ends it if the client reads nothing
            self._end_later()
        else:
            self._transport.abort()


class _Parser(h11.Connection):
    """Refuses a body of very many tiny chunks: each costs as much time as a large one, in which nobody else is served."""

    def __init__(self, max_head_bytes: int) -> None:
        super().__init__(h11.SERVER, max_head_bytes)
        self._chunks = self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > _MANY_CHUNKS and self._bytes < self._chunks * _TINY_CHUNK_BYTES:
                raise h11.RemoteProtocolError("the chunks of the body are too small")
        return event


class BoundedProtocol(H11Protocol):
    """A connection that keeps to limits. What it refuses, the application does not see."""

    transport: asyncio.Transport

    def __init__(self, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self.conn = _Parser(MAX_HEAD_BYTES)
        self._limits = limits
        self._least_bytes = _LEAST_BYTES_A_SECOND * limits.body_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._awaited: object = None
        self._count = 0
        self.app = partial(self._run, cast(ASGIApp, self.app))  # type: ignore[assignment]

    @property
    def has_unread(self) -> bool:
        """Whether the client may still be sending, though nothing more is to be read."""
        return self.conn.their_state in {h11.SEND_BODY, h11.ERROR}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            # For what has left our buffer, or is too small for its clock.
            milliseconds = int(self._limits.body_seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        super().connection_made(cast(asyncio.Transport, _ClosingTransport(transport, self)))
        if len(self.connections) > self._limits.most and not self._limits.make_room():
            self._refuse(ProblemError("too_many_connections", "All connections are in use."))
            return
        self._await(h11.IDLE)

    def data_received(self, data: bytes) -> None:
        if cast(_ClosingTransport, self.transport).closing:
            return
        self._count += len(data)
        super().data_received(data)
        self._await(self.conn.their_state)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        self._limits.forget(self)
        self._stop_writing_clock()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_writing_clock()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        state = self.conn.their_state
        kept = state is h11.IDLE and not self.conn.trailing_data[0]
        self._await(None if kept else state)
        if kept:
            self._limits.idle[self] = None  # uvicorn closes it after some seconds without a byte
            self._count = 0

    def shutdown(self) -> None:
        if cast(_ClosingTransport, self.transport).closing:
            self.transport.abort()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        fault = sys.exception()
        if getattr(fault, "error_status_hint", 400) == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            self._refuse(ProblemError("headers_too_large", "The header of the request is too large."))
        else:
            self._refuse(ProblemError("malformed_request", f"The request is not what HTTP allows: {fault}."))

    def _await(self, state: object) -> None:
        """Starts the clock for what the client has to send next, unless it runs already."""
        if state is self._awaited or (state is not None and self.transport.is_closing()):
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._awaited = state
        self._limits.forget(self)
        if state is h11.IDLE:
            self._limits.idle[self] = None
            self._timer = self.loop.call_later(self._limits.head_seconds, self._check_head)
        elif state is h11.SEND_BODY:
            self._limits.receiving[self] = None
            self._await_body()

    def _await_body(self) -> None:
        self._count = 0
        self._timer = self.loop.call_later(self._limits.body_seconds, self._check_body)

    def _watch_writing(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._writing = self.loop.call_later(self._limits.body_seconds, self._check_writing, unread)

    def _check_writing(self, unread: int) -> None:
        if unread - self.transport.get_write_buffer_size() < self._least_bytes:
            self.transport.abort()
        else:
            self._watch_writing()

    def _stop_writing_clock(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _check_head(self) -> None:
        if self._count:
            self._refuse(ProblemError("request_timeout", "The head of the request did not come in time."))
        else:
            self.transport.abort()

    def _check_body(self) -> None:
        waits_for_us = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if waits_for_us or self._count >= self._least_bytes:
            self._await_body()
        else:
            self._refuse(ProblemError("request_timeout", "The body of the request did not come in time."))

    def _refuse(self, problem: ProblemError) -> None:
        """Answers a request for the application, if it has not begun to, and closes the connection."""
        begun = False
        if self.cycle is not None and not self.cycle.response_complete:
            begun = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if begun:
            self.transport.abort()
            return
        body = dump_json(problem.to_dict(secrets.token_hex(8))).encode()
        status = HTTPStatus(problem.kind.status)
        fields = {
            **problem.headers,
            "Content-Type": "application/problem+json",
            "Content-Length": len(body),
            "Connection": "close",
            "X-Content-Type-Options": "nosniff",
        }
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
        self._await(None)

    async def _run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application; an answer before the end of the body says that the connection ends with it."""

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and self.conn.their_state is h11.SEND_BODY:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await app(scope, receive, send_and_close)
