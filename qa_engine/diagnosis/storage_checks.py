"""The disk, the permissions, and whether another process is writing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, failed, first_names, ok, warning

_MIN_FREE_BYTES = 200_000_000
"""With less, no run can be expected to end well."""
_REBUILD_FACTOR = 2
"""A rebuild keeps the old parts of a collection until the new ones are whole."""


@dataclass(frozen=True)
class Writer:
    """The process that writes to a collection, according to its lock.

    Attributes:
        at_work: whether the lock is held.
        owner: the process that holds or held the lock; empty if none is recorded.
        left_behind: whether the record is that of a process that ended without deleting it.
    """

    at_work: bool
    owner: str
    left_behind: bool = False


def check_disk_space(storage: Path, collections: Sequence[Commands]) -> Check:
    """Whether the disk of a storage has room for what a run writes."""
    free = shutil.disk_usage(storage).free
    sizes = {commands.name: folder_size(commands.root) for commands in collections}
    largest, size = max(sizes.items(), key=lambda entry: entry[1])
    message = f"{_size(free)} are free on the disk of {storage}"
    show = f"df -h {shlex.quote(str(storage))}"
    if free < _MIN_FREE_BYTES:
        return failed(f"{message}, less than {_size(_MIN_FREE_BYTES)}: free some space.", show)
    if free < _REBUILD_FACTOR * size:
        return warning(
            f"{message}, less than twice the size of the collection {largest!r} ({_size(size)}), which a rebuild "
            "may need: free some space.",
            show,
        )
    return ok(f"{message}; the largest collection, {largest!r}, has {_size(size)}.")


def check_permissions(commands: Commands) -> Check:
    """Whether the parts of a collection can be read and written."""
    root = commands.root
    wrong = []
    for path in (root, *sorted(root.iterdir() if os.access(root, os.R_OK | os.X_OK) else ())):
        needed = {"read": os.R_OK, "written": os.W_OK} | ({"entered": os.X_OK} if path.is_dir() else {})
        lacking = [name for name, mode in needed.items() if path.exists() and not os.access(path, mode)]
        if lacking:
            wrong.append(f"{path} cannot be {' or '.join(lacking)}")
    if wrong:
        return failed(f"{first_names(wrong)}.", commands.permit())
    return ok(f"{root} can be read and written.")


def check_writer(commands: Commands) -> Check:
    """Whether a process holds the right to write."""
    writer = writer_of(commands.root)
    if writer.at_work:
        return warning(f"{writer.owner} is writing to the collection: counts may lag until it is done.")
    if writer.left_behind:
        return ok(
            f"Nobody is writing. {writer.owner} ended without taking its note away, which does no harm."
        )
    return ok("Nobody is writing to the collection.")


def writer_of(root: Path) -> Writer:
    """Reads the lock of a collection without taking it from its owner."""
    owner, process, host = _recorded_owner(root / "writer.json")
    if _is_held(root / "writer.lock"):
        return Writer(True, owner or "Another process")
    # Between a look at the note and one at the lock, a writer may have ended.
    left = bool(owner) and host == socket.gethostname() and not _is_alive(process)
    return Writer(False, owner, left)


def folder_size(folder: Path) -> int:
    """The size in bytes of all files below a folder, without files that vanish meanwhile."""
    total = 0
    for current, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(current, name)).st_size  # noqa: PTH118 - many of them
            except OSError:
                continue
    return total


def _recorded_owner(file: Path) -> tuple[str, int, str]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        process, host = int(facts["process"]), str(facts["host"])
        return f"Process {process} on {host} since {facts['since']}", process, host
    except (OSError, ValueError, KeyError, TypeError):
        return "", 0, ""


def _is_held(lock: Path) -> bool:
    """Whether another process holds the lock. The test takes a shared lock and releases it at once."""
    try:
        import fcntl
    except ImportError:
        return _is_held_elsewhere(lock)
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def _is_held_elsewhere(lock: Path) -> bool:
    """Whether another process holds the lock, on systems without flock."""
    from filelock import FileLock, Timeout

    if not lock.exists():
        return False
    try:
        with FileLock(lock).acquire(timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"
