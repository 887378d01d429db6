"""Cheap vectors on Ray workers, with which tests can slow a worker down, kill it, or kill the process that parses."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from hash_embedding import HashEmbedding

from qa_engine.documents.processes import parsing_pool

_read_first_pages = parsing_pool.read_first_pages


class WorkerEmbedding(HashEmbedding):
    """Takes ``seconds`` a text. A text with the word ``lethal`` ends the worker; a file ``killer.pdf`` its parser."""

    seconds: float = 0.0

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        parsing_pool.read_first_pages = read_first_or_die  # type: ignore[assignment]

    def _vector(self, text: str) -> list[float]:
        if "lethal" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds)
        return super()._vector(text)


def read_first_or_die(path: Path, options: Any, limit: int) -> Any:
    """Reads a file, unless it is the one."""
    if path.name == "killer.pdf":
        os.kill(os.getpid(), signal.SIGKILL)
    return _read_first_pages(path, options, limit)
