"""The files of replicas in the folder of a collection: that of the readers, and one of each writer."""

from __future__ import annotations

import logging
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from qa_engine.errors import StorageError
from qa_engine.index.catalog import FORMAT
from qa_engine.index.collection import REPLICAS
from qa_engine.index.disk.atomic_file import file_mode, open_private
from qa_engine.index.search_engine.state.replica import REPLICA_FORMAT

logger = logging.getLogger("qa_engine.index")
_WRITER = "writer"


def reader_replica(folder: Path, mark: str) -> Path:
    """The replica that the readers of a machine share.

    Its name has the mark of the collection in it, so that a collection which was removed and one that was made again with
    its name are never in one file, and the formats, so that two versions of this package can be in use at a time.
    """
    return folder / f"replica-{mark}-{FORMAT}-{REPLICA_FORMAT}.sqlite"


def mark_of(replica: Path) -> str | None:
    """The mark of the collection that a file is a replica of; None if its name does not say so."""
    found = re.fullmatch(r"replica-([0-9a-f]{12})-\d+-\d+\.sqlite", replica.name)
    return found[1] if found is not None else None


def drop_former_replicas(folder: Path, mark: str) -> None:
    """Deletes the replicas of collections that had the same name before. Whoever has one open can read it to the end."""
    for file in folder.glob(REPLICAS):
        if mark_of(file) not in {None, mark}:
            remove_replica(file)


def remove_replica(file: Path) -> None:
    """Deletes a replica; it is made anew when it is needed."""
    for name in (file.name, f"{file.name}-journal"):
        with suppress(OSError):
            file.with_name(name).unlink(missing_ok=True)


@contextmanager
def writer_replica(folder: Path, mark: str) -> Iterator[Path]:
    """The file of a writer of its own, which begins with what the readers of this machine have, until the block ends.

    What killed writers have left is deleted.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        _drop_leftovers(folder)
        file = folder / f"{_WRITER}-{secrets.token_hex(6)}.sqlite"
        lock = _lock_of(file)
        lock.acquire(timeout=0)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}): free permissions or space."
        ) from error
    try:
        _copy(reader_replica(folder, mark), file)
    except OSError as error:
        _release(lock)
        raise StorageError(
            f"{file} cannot be written ({error.strerror or error}): free permissions or space."
        ) from error
    try:
        yield file
    finally:
        remove_replica(file)
        _release(lock)


def _drop_leftovers(folder: Path) -> None:
    """Deletes the files of writers that have ended: the operating system has freed their locks."""
    names = {found.name.partition(".")[0] for found in folder.glob(f"{_WRITER}-*.sqlite*")}
    for file in (folder / f"{name}.sqlite" for name in names):
        lock = _lock_of(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        remove_replica(file)
        _release(lock)


def _lock_of(file: Path) -> FileLock:
    name = file.with_name(f"{file.name}.lock")
    return FileLock(name, mode=file_mode(name))


def _release(lock: FileLock) -> None:
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _copy(replica: Path, file: Path) -> None:
    """What the copy lacks is read from the log, so it need not succeed."""
    if not replica.is_file():
        return
    open_private(file, "ab").close()
    try:
        with closing(sqlite3.connect(replica)) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
            ((answer, *_),) = target.execute("PRAGMA quick_check(1)").fetchall()
        if answer == "ok":
            return
    except sqlite3.Error as error:
        answer = str(error)
    logger.warning("the replica %s cannot be copied (%s), it is made anew", replica, answer)
    remove_replica(replica)
    remove_replica(file)
