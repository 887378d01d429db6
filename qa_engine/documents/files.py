"""Finds the PDF files among files and folders, and turns paths into text and back."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from qa_engine.errors import InputError

NOT_REGULAR = "it is a pipe, a socket or a device, and no regular file"
_INHERITED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""Pipes that the shell has opened, as for ``<(command)``: they end by themselves."""


def open_regular(path: Path) -> BinaryIO:
    """A file opened for reading bytes. Nothing is waited for: a named pipe without a writer would never end.

    Raises:
        OSError: it cannot be opened, or it is no regular file.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or str(path).startswith(_INHERITED):
        return path.open("rb")
    raise OSError(errno.EINVAL, NOT_REGULAR)


def path_text(path: Path | str) -> str:
    """A path, or a message with one in it, as text that can be stored: bytes that are not UTF-8 become ``\\x…``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def text_path(text: str) -> Path:
    """The path from which `path_text` made this text, if there is a file; else the text as a path."""
    if "\\x" in text and not os.path.lexists(text):
        octets = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())
        if os.path.lexists(octets):
            return Path(os.fsdecode(octets))
    return Path(text)


def find_pdfs(paths: Iterable[Path | str], allow_none: bool = False) -> list[Path]:
    """The PDF files among files and folders (recursive), absolute, sorted, each once.

    A path of a file counts whatever its suffix; in folders, names that end in ``.pdf`` count. Links to folders are followed,
    and a folder is visited once. Hidden files (``.name``, ``._name``) in folders are left out.

    Args:
        paths: files and folders.
        allow_none: whether folders without any PDF are no error.

    Raises:
        InputError: a path does not exist, a folder cannot be listed, or there is no PDF at all.
    """
    arguments = [Path(path) for path in paths]
    if not arguments:
        raise InputError("No path was given: name PDF files or folders that hold them.")
    files: set[Path] = set()
    for path in arguments:
        try:
            exists, folder = path.exists(), path.is_dir()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        if not exists:
            raise InputError(f"{path} does not exist.")
        if folder:
            files.update(_walk(path))
        else:
            files.add(Path(os.path.abspath(path)))  # noqa: PTH100 - resolve() would follow links to files
    if not files and not allow_none:
        listed = ", ".join(str(path) for path in arguments)
        raise InputError(f"No PDF files in {listed}: nothing to ingest.")
    return sorted(files)


def _walk(folder: Path) -> Iterable[Path]:
    """The PDF files in a folder and the folders in it."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be listed: {error.strerror}.") from error

    visited: set[tuple[int, int]] = set()
    root = os.path.abspath(folder)  # noqa: PTH100
    for current, folders, names in os.walk(root, followlinks=True, onerror=refuse):
        status = Path(current).stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if name.lower().endswith(".pdf") and not name.startswith("."):
                yield Path(current, name)
