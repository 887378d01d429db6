"""The command ``qa-engine`` for a shell, run in processes that start with the libraries already imported."""

from __future__ import annotations

import json
import runpy
import shlex
import socket
import socketserver
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from forked import exit_code, start_forked

NO_NETWORK = Path(__file__).parent / "no_network"
"""A folder for ``PYTHONPATH``: Python processes that find it there can connect to nothing."""
_CLIENT = Path(__file__).with_name("forked_command_client.py")
_SECONDS = 120


@contextmanager
def forked_command() -> Iterator[str]:
    """What a shell writes before the arguments of a command; there are such commands until the context ends."""
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "socket"))
        with socketserver.ThreadingUnixStreamServer(path, _Handler) as server:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            yield shlex.join([sys.executable, "-I", "-S", str(_CLIENT), path])
            server.shutdown()


class _Handler(socketserver.StreamRequestHandler):
    """Starts one command as its client is: its streams, arguments, directory and environment; sends the exit code."""

    def handle(self) -> None:
        _, streams, _, _ = socket.recv_fds(self.request, 1, 3)
        try:
            request = json.loads(self.rfile.read())
            command = partial(_main, request["arguments"])
            process = start_forked(command, Path(request["cwd"]), request["environment"], streams)
        finally:
            for stream in streams:
                socket.close(stream)
        self.wfile.write(b"%d" % exit_code(process, _SECONDS))


def _main(arguments: list[str]) -> None:
    from qa_engine.cli.app import main

    runpy.run_path(str(NO_NETWORK / "sitecustomize.py"))
    main(arguments)
