"""One line of JSON for each request: who asked for what, and how it ended; never a question or an answer by itself."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, WatchedFileHandler
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_engine.errors import InputError
from qa_engine.server.problems import request_id_of
from qa_engine.text.control_characters import dump_json

logger = logging.getLogger("qa_engine.access")
_CONTENT = frozenset({"question", "answer"})
_MOST_LINES = 10_000
"""Lines that wait to be written."""
_CLOSING_SECONDS = 2
_CLIENT_LEFT = 499
"""What nginx notes for a client that left before the answer."""


def note(connection: HTTPConnection, **notes: Any) -> None:
    """Notes something about a request for its line in the log, and for the metrics.

    Args:
        connection: the request.
        notes: ``stages`` (milliseconds by stage, with ``total``), ``refused``, ``tokens`` (numbers by kind), ``problem``
            (the code of the error), and ``question`` and ``answer``, which are written with ``server.log_questions`` alone.
    """
    connection.scope["state"].setdefault("notes", {}).update(notes)


class AccessLog:
    """ASGI middleware: writes a line for each request, and counts it. Paths hold names of files: their route is written."""

    def __init__(self, app: ASGIApp, log_questions: bool) -> None:
        """
        Args:
            app: the application below.
            log_questions: whether questions and answers are written too.
        """
        self._app = app
        self._log_questions = log_questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = _CLIENT_LEFT

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        except Exception:
            status = 500  # what the layer above makes of it
            raise
        finally:
            self._write(scope, status, (time.perf_counter() - began) * 1000)

    def _write(self, scope: Scope, status: int, milliseconds: float) -> None:
        route = str(getattr(scope.get("route"), "path", "other"))
        notes: dict[str, Any] = scope["state"].get("notes", {})
        scope["app"].state.server.metrics.count_request(route, scope["method"], status, notes)
        if not logger.isEnabledFor(logging.INFO):
            return
        access = scope["state"].get("access")
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": request_id_of(scope),
            "key": access.name or None if access is not None else None,
            "client": (scope.get("client") or (None,))[0],
            "method": scope["method"],
            "route": route,
            "status": status,
            "milliseconds": round(milliseconds, 1),
            **{name: value for name, value in notes.items() if self._log_questions or name not in _CONTENT},
        }
        logger.info("%s", dump_json(line))


class _LogFile(WatchedFileHandler):
    """A file that a program may move away to begin a new one. If it cannot be written, that is told once."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of logging
        if not self.told:
            self.told = True
            logging.getLogger("qa_engine.server").error(
                "the access log cannot be written: %s", sys.exception()
            )


class _InBackground(QueueHandler):
    """Has a thread write the lines, so that a slow reader or disk holds up no request. What is too much is left out."""

    def __init__(self, handler: logging.Handler) -> None:
        self._lines: Queue[logging.LogRecord | None] = Queue(_MOST_LINES)
        super().__init__(self._lines)
        self._handler = handler
        self._thread = Thread(target=self._write, name="access log", daemon=True)
        self._thread.start()

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(Full):
            self._lines.put_nowait(record)

    def close(self) -> None:
        """Waits until the lines are written, for some seconds at most."""
        with suppress(Full):
            self._lines.put(None, timeout=_CLOSING_SECONDS)
        self._thread.join(_CLOSING_SECONDS)
        if not self._thread.is_alive():
            with suppress(OSError):  # a full disk, which has been told
                self._handler.close()
        super().close()

    def _write(self) -> None:
        while (record := self._lines.get()) is not None:
            self._handler.handle(record)


@contextmanager
def written_access_log(place: str) -> Iterator[None]:
    """Writes the lines to a place until the block ends. Only for a process of our own; a host has handlers of its own.

    Args:
        place: ``stderr``, ``off``, or the path of a file.

    Raises:
        InputError: the file cannot be written.
    """
    if place == "off":
        yield
        return
    try:
        handler = (
            logging.StreamHandler()
            if place == "stderr"
            else _LogFile(Path(place), "a", "utf-8", errors="backslashreplace")
        )
    except OSError as error:
        raise InputError(
            f"The access log {place} cannot be written ({error.strerror}): name another file in server.access_log."
        ) from None
    background = _InBackground(handler)
    propagated, level = logger.propagate, logger.level
    logger.addHandler(background)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(background)
        logger.propagate = propagated
        logger.setLevel(level)
        background.close()
