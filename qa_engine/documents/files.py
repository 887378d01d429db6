"""Finds the documents among files and folders, and turns paths into text and back."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from qa_engine.documents.formats import HEAD_BYTES, PDF_SUFFIX, is_readable, suffix_of
from qa_engine.errors import DocumentError, InputError

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


def read_head(path: Path, max_megabytes: int) -> bytes:
    """The first bytes of a file that is not too large.

    Raises:
        DocumentError: it cannot be read, is empty, or is larger than ``max_megabytes``.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise DocumentError(
            "unreadable", f"{path.name} cannot be read: {error.strerror or error}."
        ) from error
    if size == 0:
        raise DocumentError("empty", f"{path.name} is an empty file.")
    if size > max_megabytes * 1_000_000:
        clause = f"more than documents.max_file_megabytes = {max_megabytes}"
        raise DocumentError("too_large", f"{path.name} has {size / 1e6:.0f} MB, {clause}.")
    return head


def read_all(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: it cannot be opened, or it is no regular file.
    """
    with open_regular(path) as file:
        return file.read()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that others may write at the same time: it is there whole or not at all, whatever ends this process.

    Raises:
        OSError: it, or the folder that it is in, cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(name).replace(path)


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


def find_documents(
    paths: Iterable[Path | str],
    allow_none: bool = False,
    others: frozenset[str] = frozenset(),
    only_pdf: bool = False,
    ocr: bool = True,
) -> list[Path]:
    """The documents among files and folders (recursive), absolute, sorted, each once.

    A path of a file counts whatever its ending; in folders, names with the ending of a known format count. Links to folders
    are followed, and a folder is visited once. Hidden files (``.name``, ``._name``) and those that Office keeps beside an
    open document (``~$name``) are left out of folders.

    Args:
        paths: files and folders.
        allow_none: whether folders without any document are no error.
        others: endings that a converter of the user reads.
        only_pdf: whether folders hold no other documents than PDF files.
        ocr: whether pictures in folders are documents, since their text is recognised.

    Raises:
        InputError: a path does not exist, a folder cannot be listed, or there is no document at all.
    """
    arguments = [Path(path) for path in paths]
    if not arguments:
        raise InputError("No path was given: name files or folders that hold them.")
    files: set[Path] = set()
    for path in arguments:
        try:
            exists, folder = path.exists(), path.is_dir()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        if not exists:
            raise InputError(f"{path} does not exist.")
        if folder:
            files.update(_walk(path, others, only_pdf, ocr))
        else:
            files.add(Path(os.path.abspath(path)))  # noqa: PTH100 - resolve() would follow links to files
    if not files and not allow_none:
        listed = ", ".join(str(path) for path in arguments)
        raise InputError(f"No documents in {listed}: nothing to ingest.")
    return sorted(files)


def _walk(folder: Path, others: frozenset[str], only_pdf: bool, ocr: bool) -> Iterable[Path]:
    """The documents in a folder and the folders in it."""

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
            counts = suffix_of(name) == PDF_SUFFIX if only_pdf else is_readable(name, others, ocr)
            if counts and not name.startswith((".", "~$")):
                yield Path(current, name)
