"""The server of this package on loopback, in a thread of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from qa_engine.config import Config
from qa_engine.server.app import create_app
from qa_engine.server.process import listening_socket, uvicorn_config


class ServedApp:
    """An application that is being served.

    Attributes:
        app: it; ``app.state.server`` holds what its routes share.
        url: its address.
        client: an HTTP client of it.
        connections: the connections that are open.
    """

    def __init__(self, app: FastAPI, url: str, server: uvicorn.Server) -> None:
        self.app = app
        self.connections = server.server_state.connections
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60)


@contextmanager
def served(storage: Path, *collections: str, no_auth: bool = False, **settings: Any) -> Iterator[ServedApp]:
    """Serves a storage on a free port until the block ends.

    Args:
        storage: folder of the index.
        collections: those that are asked if a question names none.
        no_auth: whether everybody is let in without a key.
        no_auth: whether everybody is let in without a key.
        settings: sections of the configuration.
    """
    config = Config(storage=storage, **settings)
    app = create_app(config, collections, no_auth=no_auth)
    listening = listening_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn_config(app, config.server))

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            await server.serve(sockets=[listening])

    thread = Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    one = ServedApp(app, f"http://127.0.0.1:{listening.getsockname()[1]}", server)
    try:
        # The socket listens already: the first request waits until it is answered.
        one.client.get("/healthz").raise_for_status()
        yield one
    finally:
        one.client.close()
        server.should_exit = True
        thread.join()
        listening.close()
