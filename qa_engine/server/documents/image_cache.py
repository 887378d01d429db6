"""A folder of files that were made once, and can be made again: those that were used least recently go first."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock

from qa_engine.errors import QAEngineError
from qa_engine.index.disk.atomic_file import make_folder

logger = logging.getLogger("qa_engine.server")

_WRITING = ".writing-"
"""How the names of files begin that are not whole yet."""


class ImageCache:
    """Keeps contents by name. Thread-safe; its methods block, so call them from threads.

    The folder may be shared by processes, and anything in it may be deleted at any time.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """
        Args:
            folder: of the cache; it is made if it is missing.
            max_bytes: that all contents have together; 0 keeps none.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._total = 0
        make_folder(folder)
        for name, size in self._found():
            self._note(name, size)
        self._shrink()

    @property
    def names(self) -> list[str]:
        """The names of all contents, the least recently used first."""
        with self._lock:
            return list(self._sizes)

    def get(self, name: str) -> bytes | None:
        """The content of this name, or None."""
        path = self._folder / name
        try:
            content = path.read_bytes()
            os.utime(path)  # tells the next process in which order they were used
        except OSError:  # never made, or deleted
            return None
        with self._lock:
            self._note(name, len(content))
        return content

    def put(self, name: str, content: bytes) -> None:
        """Keeps a content, if it fits, in place of those that were used least recently.

        Raises:
            OSError: it cannot be written.
        """
        if len(content) > self._max_bytes:
            return
        with NamedTemporaryFile(dir=self._folder, prefix=_WRITING, delete=False) as file:
            try:
                file.write(content)
                file.close()
                Path(file.name).replace(self._folder / name)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        with self._lock:
            self._note(name, len(content))
            self._shrink()

    def forget(self, prefix: str) -> None:
        """Deletes all contents whose names begin in this way."""
        with self._lock:
            for name in [name for name in self._sizes if name.startswith(prefix)]:
                self._drop(name)

    def keep(self, name: str, content: bytes) -> None:
        """Puts a content, if the disk has room: a full one costs time, and nothing else."""
        try:
            self.put(name, content)
        except OSError as error:
            logger.warning("%s was not kept: %s.", name, error)

    def forget_unused(self, held: Callable[[Collection[str]], set[str]]) -> None:
        """Deletes the contents of documents that no collection holds any more; names begin with the id of a document.

        Args:
            held: those of some documents that collections hold; if it raises a `QAEngineError`, everything stays.
        """
        documents = {name.partition("-")[0] for name in self.names}
        try:
            unused = documents - held(documents)
        except QAEngineError as error:
            logger.warning("Contents of %s were not looked through: %s", self._folder.name, error)
            return
        for document_id in unused:
            self.forget(f"{document_id}-")

    def _note(self, name: str, size: int) -> None:
        self._total += size - self._sizes.pop(name, 0)
        self._sizes[name] = size

    def _shrink(self) -> None:
        while self._total > self._max_bytes:
            self._drop(next(iter(self._sizes)))

    def _drop(self, name: str) -> None:
        self._total -= self._sizes.pop(name)
        with suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)

    def _found(self) -> list[tuple[str, int]]:
        """What earlier processes left: names and sizes, by last use. Files that are not whole are deleted."""
        found = []
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # another process has deleted it
                status = entry.stat()
                if entry.name.startswith(_WRITING):
                    Path(entry).unlink()
                else:
                    found.append((status.st_mtime_ns, entry.name, status.st_size))
        return [(name, size) for _, name, size in sorted(found)]
