"""The parent's side of the process that works for jobs."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.spawn import get_executable
from threading import Lock
from typing import Any

from qa_engine.documents.processes.worker import write_message
from qa_engine.server.jobs.child import NumberedTask, StopRequest

CHILD_MODULE = "qa_engine.server.jobs.child"


_LAST = frozenset({"ended", "locked", "failed"})
"""The message behind which nothing more comes of a task."""


class ChildProcess:
    """A process that does tasks, one after the other. It ends when this process ends."""

    def __init__(self, module: str = CHILD_MODULE) -> None:
        """
        Args:
            module: the module whose ``main`` it runs.

        Raises:
            OSError: it cannot be started.
        """
        # The modules come from where this process has them; ``python -m`` would look into the working directory first.
        start = f"import sys; sys.path[:] = sys.argv[1:]; from {module} import main; main()"
        interpreter = [os.fsdecode(get_executable()), "-X", f"utf8={sys.flags.utf8_mode}"]
        self._lock = Lock()
        self._process = subprocess.Popen(
            [*interpreter, "-c", start, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._number = 0

    def perform(self, task: NumberedTask) -> Iterator[dict[str, Any]]:
        """Gives it a task, and returns what it tells about it: up to ``ended``, ``locked`` or ``failed``, or to its end."""
        with self._lock:
            self._number += 1
            self._send(replace(task, number=self._number))
        return self._messages()

    def _messages(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                return  # it ended in the middle
            message = json.loads(line)
            yield message
            if message["event"] in _LAST:
                return

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Asks for the end of its task at the next page."""
        with self._lock:
            self._send(StopRequest(self._number))

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def close(self) -> None:
        """Ends it if it still runs, and closes the pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def _send(self, request: NumberedTask | StopRequest) -> None:
        assert self._process.stdin is not None
        # If it has ended already, whoever reads its messages finds out.
        with suppress(OSError, ValueError):
            write_message(self._process.stdin, pickle.dumps(request))
