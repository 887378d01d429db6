"""The process of the server: the socket, the signals, and the end."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from qa_engine.cli.output import print_message
from qa_engine.config import Config
from qa_engine.errors import InputError
from qa_engine.server.app import create_app

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
            state.draining = True
        super().handle_exit(sig, frame)


def run(config: Config, collections: tuple[str, ...]) -> None:
    """Serves until SIGTERM or SIGINT. Only for a process of our own: it takes over the signals.

    Args:
        config: the settings, with the storage.
        collections: those that are asked if a question names none.

    Raises:
        InputError: the address cannot be listened on.
        QAEngineError: the engine or the storage could not be opened.
    """
    settings = config.server
    listening = listening_socket(settings.host, settings.port)
    app = create_app(config, collections, on_failure=lambda: server.handle_exit(signal.SIGTERM, None))
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=int(settings.draining_seconds + _CLOSING_SECONDS),
            lifespan="off",
        ),
        app,
    )
    host, port = listening.getsockname()[:2]
    print_message(f"Serving on http://{f'[{host}]' if ':' in host else host}:{port} (API: /api/docs).")
    with listening:
        asyncio.run(_serve(server, app, listening))
    if failure := app.state.server.failure:
        raise failure


async def _serve(server: uvicorn.Server, app: FastAPI, listening: socket.socket) -> None:
    # uvicorn would log a traceback if what the lifespan opens cannot be opened.
    async with app.router.lifespan_context(app):
        await server.serve(sockets=[listening])


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the address is not one of this machine, or is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(
            f"The server cannot listen on {host}:{port} ({error.strerror or error}): name another address with --host, "
            "or another port with --port."
        ) from None
