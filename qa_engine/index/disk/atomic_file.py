"""Files that are replaced as a whole, and who may read what is written.

An index and its reports hold the texts of the documents. So folders and files are made for their user alone, whatever the
umask says; below a folder with the setgid bit, which somebody has made for a group, for this group as well.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

_PRIVATE, _FILE_BITS = 0o700, 0o660


def make_folder(path: Path) -> None:
    """Makes a folder, and those that it is in, where they are missing.

    Raises:
        OSError: it cannot be made.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(_PRIVATE)
    except FileExistsError:
        if not path.is_dir():
            raise
    _share(path)


def open_private(path: Path, mode: str, **options: Any) -> IO[Any]:
    """`open` for writing; the file may be read by its user alone, or by the group of a shared folder too.

    Raises:
        OSError: the file cannot be opened.
    """

    def opener(name: str, flags: int) -> int:
        descriptor = os.open(name, flags, file_mode(path))
        _share(path)
        return descriptor

    return open(path, mode, opener=opener, **options)


def file_mode(path: Path) -> int:
    """The permissions of a file that is made at a path."""
    return (_shared_mode(path) or _PRIVATE) & _FILE_BITS


def share_files(folder: Path) -> None:
    """Gives the group of a shared folder what another library has written into it."""
    if _shared_mode(folder):
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # it was a temporary file
                _share(path)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file, or replaces it, so that it has the old content or the new one, whenever the machine stops.

    The folder exists. Text is written in UTF-8.

    Raises:
        OSError: the file cannot be written; it is as it was.
    """
    scratch = path.with_name(f"{path.name}.writing")
    with open_private(scratch, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _share(path: Path) -> None:
    """Gives a file or a folder of this user to the group of a shared folder, which the umask may have kept out."""
    if not (shared := _shared_mode(path)):
        return
    status = path.stat()
    wanted = shared if stat.S_ISDIR(status.st_mode) else shared & _FILE_BITS
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != wanted:
        path.chmod(wanted)


def _shared_mode(path: Path) -> int:
    """The permissions of the folder that a path is in, but for those of other users, if it was made for a group; else 0."""
    try:
        mode = path.parent.stat().st_mode
    except OSError:  # whoever writes there finds out
        return 0
    return stat.S_IMODE(mode) & ~0o007 if mode & stat.S_ISGID else 0
