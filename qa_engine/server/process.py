"""The process of the server: the socket, the signals, and the end."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from qa_engine.cli.output import print_message
from qa_engine.config import Config
from qa_engine.config.server import ServerConfig
from qa_engine.errors import InputError
from qa_engine.server.access_log import written_access_log
from qa_engine.server.admission.connections import ConnectionLimits
from qa_engine.server.admission.hosts import is_loopback
from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.app import create_app
from qa_engine.server.database import ServerDatabase
from qa_engine.server.state import ServerState, database_path

logger = logging.getLogger("qa_engine.server")

_OTHER_FILES = 1024
"""Files that the process has open beside connections: indexes, databases, models."""
_CLOSING_SECONDS = 5
"""For answers to end by themselves after they were told to, before their connections are cut."""


class _Server(uvicorn.Server):
    """uvicorn, which tells the application of a signal at once and not when the last answer is done."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        state = getattr(self._app.state, "server", None)
        if state is not None:
            state.drain()
        # uvicorn would raise the signal again at the end: a server that was asked to stop, and did, ends with 0.
        self.force_exit = self.should_exit
        self.should_exit = True


def run(config: Config, collections: tuple[str, ...], no_auth: bool = False) -> None:
    """Serves until SIGTERM or SIGINT. Only for a process of our own: it takes over the signals.

    Args:
        config: the settings, with the storage.
        collections: those that are asked if a question names none.
        no_auth: whether everybody is let in without a key.

    Raises:
        InputError: the address cannot be listened on, or others can reach it and there is no key.
        QAEngineError: the engine or the storage could not be opened.
    """
    settings = config.server
    if not no_auth:
        require_key(config)
    allow_open_files(settings.max_connections)
    listening = listening_socket(settings.host, settings.port)
    app = create_app(
        config, collections, on_failure=lambda: setattr(server, "should_exit", True), no_auth=no_auth
    )
    server = _Server(uvicorn_config(app, settings), app)
    host, port = listening.getsockname()[:2]
    print_message(f"Serving on http://{f'[{host}]' if ':' in host else host}:{port} (API: /api/docs).")
    _quieten_uvicorn()
    with listening, written_access_log(settings.access_log):
        asyncio.run(_serve(server, app, listening))
    if failure := app.state.server.failure:
        raise failure


def _quieten_uvicorn() -> None:
    """Shows of uvicorn its own errors alone: those of the application have been told, and it would add a traceback."""
    uvicorns = logging.getLogger("uvicorn.error")
    uvicorns.setLevel(logging.ERROR)
    uvicorns.addFilter(lambda record: not record.exc_info)


def uvicorn_config(app: FastAPI, settings: ServerConfig) -> uvicorn.Config:
    """How uvicorn serves the application: it logs nothing of requests, and believes no proxy; the application does both."""
    limits = ConnectionLimits(settings.head_seconds, settings.body_seconds, settings.max_connections)
    return uvicorn.Config(
        app,
        http=limits.protocol,  # type: ignore[arg-type]  # uvicorn calls it as it would call a class
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.draining_seconds + _CLOSING_SECONDS),
        lifespan="off",
    )


def require_key(config: Config) -> None:
    """Checks that there is a key, if others than the users of this machine can reach the server.

    Raises:
        InputError: there is none.
        StorageError: the database of the server cannot be opened.
    """
    settings = config.server
    public = urlsplit(settings.public_url or "").hostname or "localhost"
    if is_loopback(settings.host) and is_loopback(public):
        return
    database = ServerDatabase(database_path(config.storage))
    try:
        if KeyStore(database).any():
            return
    finally:
        database.close()
    place = settings.public_url if is_loopback(settings.host) else settings.host
    raise InputError(
        f"Others can reach the server under {place!r}, and there is no key: make one (qa-engine keys add NAME), or let "
        "everybody in with --no-auth."
    )


def allow_open_files(connections: int) -> None:
    """Raises the number of files that this process may open, if so many connections need it and the system allows it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        logger.warning(
            "This process may open %d files, which is too few for %d connections: raise the limit (ulimit -n %d), or "
            "lower server.max_connections.",
            *(allowed, connections, needed),
        )


async def _serve(server: uvicorn.Server, app: FastAPI, listening: socket.socket) -> None:
    # uvicorn would log a traceback if what the lifespan opens cannot be opened.
    async with app.router.lifespan_context(app):
        preparing = asyncio.create_task(_settle(app.state.server))
        try:
            await server.serve(sockets=[listening])
        finally:
            preparing.cancel()


async def _settle(state: ServerState) -> None:
    """What is left to do once questions can be asked.

    Garbage collection no longer looks at what was imported and opened, which would stop all threads for a tenth of a second
    each time. The processes that draw pages start, so that the first reader need not wait for them.
    """
    await state.warmed.wait()
    gc.freeze()
    if state.ready:
        state.images.start()


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the address is not one of this machine, or is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(
            f"The server cannot listen on {host}:{port} ({error.strerror or error}): name another address with --host, "
            "or another port with --port."
        ) from None
    # asyncio does so only for sockets that were made with the number of the protocol. Without it, the body of a response
    # waits up to 40 ms for the client to acknowledge the header.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
