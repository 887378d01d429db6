"""One writer a collection: a file lock that says who holds it."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from qa_engine.errors import IndexLockedError, StorageError
from qa_engine.index.disk.atomic_file import file_mode, open_private

logger = logging.getLogger("qa_engine.index")


@contextmanager
def writer_lock(folder: Path, timeout_seconds: float = 0) -> Iterator[None]:
    """Holds the right to write to the collection in ``folder``.

    The operating system frees the lock when its owner ends, however it ends; a file left behind is not a lock.

    Raises:
        IndexLockedError: another process holds it; the message names the process, its host and the time since when.
        StorageError: the folder cannot be written.
    """
    owner_file = folder / "writer.json"
    file = folder / "writer.lock"
    lock = FileLock(file, mode=file_mode(file))
    with ExitStack() as held:
        try:
            _acquire(lock, owner_file, timeout_seconds)
            held.callback(lock.release)
            held.callback(owner_file.unlink, missing_ok=True)
            owner = {
                "process": os.getpid(),
                "host": socket.gethostname(),
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            open_private(owner_file, "w").close()
            owner_file.write_text(json.dumps(owner), encoding="utf-8")
        except Timeout:
            raise IndexLockedError(
                f"The collection in {folder} is being written by {_owner(owner_file)}: wait until it is done, stop it, "
                "or allow waiting with ingestion.lock_timeout_seconds."
            ) from None
        except OSError as error:
            raise StorageError(
                f"{folder} cannot be written ({error.strerror or error}): free permissions or space."
            ) from error
        yield


def _acquire(lock: FileLock, owner_file: Path, timeout_seconds: float) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if timeout_seconds <= 0:
            raise
        logger.info("waiting up to %g s for %s, which writes", timeout_seconds, _owner(owner_file))
        lock.acquire(timeout=timeout_seconds)


def _owner(file: Path) -> str:
    try:
        owner = json.loads(file.read_text(encoding="utf-8"))
        return f"process {owner['process']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
