"""A file on its way into the storage: a temporary file with a running digest, renamed when it is whole."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qa_engine.documents.content_types import accepted_suffixes, description, is_accepted
from qa_engine.documents.formats import HEAD_BYTES, format_of
from qa_engine.errors import StorageError
from qa_engine.index.disk.atomic_file import make_folder, open_private
from qa_engine.ingestion.files.uploads import stored_upload
from qa_engine.server.problems import ProblemError


class IncomingFile:
    """Bytes that are being received. Its methods block; discard it at the end, whatever has become of it."""

    def __init__(self, folder: Path, name: str) -> None:
        """
        Args:
            folder: for the temporary file, on the file system of the storage; made if it is missing.
            name: the name under which the file will be known.

        Raises:
            StorageError: the storage cannot be written.
        """
        self.name = name
        self.size = 0
        self._digest = hashlib.sha256()
        self._head = b""
        self._path = folder / secrets.token_hex(16)
        with self._writing():
            make_folder(folder)
            self._file = open_private(self._path, "wb")

    def write(self, data: bytes) -> None:
        """Adds bytes.

        Raises:
            ProblemError: ``unsupported_type``; they are not those of a PDF, or of the format that the name says.
            StorageError: the storage is full, or cannot be written.
        """
        if not data:
            return
        checked = len(self._head) >= HEAD_BYTES
        if not checked:
            self._head = (self._head + data)[:HEAD_BYTES]
        self.size += len(data)
        self._digest.update(data)
        with self._writing():
            self._file.write(data)
        if not checked and len(self._head) >= HEAD_BYTES:
            self._require_known()

    def finish(self) -> None:
        """Brings all bytes to the disk; nothing more is added.

        Raises:
            ProblemError: ``invalid_request`` if there are none; ``unsupported_type`` as for `write`.
            StorageError: as for `write`.
        """
        if not self.size:
            raise ProblemError("invalid_request", f"{self.name} is empty.", "Send the bytes of a file.")
        self._require_known()
        with self._writing():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes so far."""
        return self._digest.digest()

    @property
    def sha256(self) -> str:
        """The same in hexadecimal."""
        return self._digest.hexdigest()

    def store(self, storage: Path) -> None:
        """Puts the finished file among the uploads of a storage.

        Hold `uploads_lock` meanwhile, and until something says that the content is awaited.

        Raises:
            StorageError: as for `write`.
        """
        target = stored_upload(storage, self.sha256, self.name)
        with self._writing():
            self._path.replace(target)
            _sync_folder(target.parent)

    def discard(self) -> None:
        """Removes the temporary file, if it is still there."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _require_known(self) -> None:
        if not is_accepted(self.name, self._head):
            clause = "no PDF" if format_of(self.name) is None else "not what its name says"
            raise ProblemError(
                "unsupported_type",
                f"{self.name} is {description(self._head)}, and {clause}.",
                f"Send PDF files, or files with one of these endings: {', '.join(accepted_suffixes(ocr=True)[1:])}.",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{self.name} cannot be stored ({error.strerror or error}): free some space."
            ) from error


def _sync_folder(folder: Path) -> None:
    """Has the entries of a folder on the disk, where that can be asked for."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
