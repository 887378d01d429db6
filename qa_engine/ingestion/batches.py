"""Has the next files read, split and given to the model while those before them are stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Condition, Thread

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode

from qa_engine.documents.blocks import ParsedPdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.errors import DocumentError
from qa_engine.ingestion.files.diff import FileToRead

Unread = tuple[Path, DocumentError]
"""A file that could not be read, and why."""


@dataclass
class FileGroup:
    """Parsed files on their way into the index, until there are enough of them.

    Attributes:
        most_chars: characters of text from which on it is full.
        most_files: the same in files.
        files: each with what was read of it, and the seconds that were waited for that.
        chars: characters of text.
        nodes: their sentences, after `split`.
    """

    most_chars: int
    most_files: int
    files: list[tuple[FileToRead, ParsedPdf, float]] = field(default_factory=list)
    chars: int = 0
    nodes: Sequence[BaseNode] = ()

    def add(self, file: FileToRead, parsed: ParsedPdf, seconds: float) -> None:
        """Takes a file in."""
        self.files.append((file, parsed, seconds))
        self.chars += len(parsed.text)

    @property
    def is_full(self) -> bool:
        """Whether it should be stored."""
        return self.chars >= self.most_chars or len(self.files) >= self.most_files

    def split(self, parser: NodeParser) -> Sequence[BaseNode]:
        """Has the texts split into sentences; these are what will be stored."""
        documents = [
            PdfDocument.of(parsed, file.path, file.record.document_id) for file, parsed, _ in self.files
        ]
        self.nodes = parser.get_nodes_from_documents(documents)
        return self.nodes


def grouped(
    read: Iterable[tuple[Path, ParsedPdf | DocumentError]],
    files: Mapping[Path, FileToRead],
    most_chars: int,
    most_files: int,
) -> Iterator[FileGroup | Unread]:
    """What is read, in groups that are not split yet; files that could not be read at once.

    Args:
        read: files with what is in them.
        files: by path.
        most_chars, most_files: see `FileGroup`.
    """
    group = FileGroup(most_chars, most_files)
    started = time.perf_counter()
    for path, found in read:
        if isinstance(found, DocumentError):
            yield path, found
        else:
            group.add(files[path], found, time.perf_counter() - started)
            if group.is_full:
                yield group
                group = FileGroup(most_chars, most_files)
        started = time.perf_counter()
    if group.files:
        yield group


_MOST_GROUPS = 3
"""Groups that are split and not stored yet: one that is being stored, one in the model, and one that waits for it."""
_MOST_CHARS = 2_000_000
"""Their characters: the nodes of two books of thousands of pages would take a gigabyte."""


class _Ended:
    """Nothing more comes; with what ended the reading, if that was an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class ReadingAhead:
    """Reads groups of files in a thread of its own, a few ahead of who stores them.

    Without it, nothing is in the model while the last sentences of a group are stored and committed, if the next file is
    not read yet by then.
    """

    def __init__(self, prepare: Callable[[FileGroup], None]) -> None:
        """
        Args:
            prepare: splits a group and has it embedded; called in the thread.
        """
        self._prepare = prepare
        self._changed = Condition()
        self._groups = 0
        self._chars = 0
        self._stopped = False
        self._begun = False
        self._thread: Thread | None = None

    def stopped(self) -> bool:
        """Whether nobody waits for what is being read any more: who reads should give up."""
        return self._stopped

    def over(self, read: Iterator[FileGroup | Unread]) -> Iterator[FileGroup | Unread]:
        """What is read, in the same order, the groups prepared. A group counts as stored when the next is asked for.

        Reading begins at once.

        Args:
            read: gives the groups; runs in the thread, and ends soon once `stopped`.

        Raises:
            Exception: what the reading or the preparing raised.
        """
        found: SimpleQueue[FileGroup | Unread | _Ended] = SimpleQueue()
        self._begun = False
        # A daemon: should a file system hang, the process can end. Spans of tracing belong to what the caller does.
        self._thread = Thread(
            target=copy_context().run, args=(self._read, read, found), name="reading", daemon=True
        )
        self._thread.start()
        return self._found(found)

    def _found(self, found: SimpleQueue[FileGroup | Unread | _Ended]) -> Iterator[FileGroup | Unread]:
        while not isinstance(item := found.get(), _Ended):
            yield item
            if isinstance(item, FileGroup):
                self._count(-1, -item.chars)
        if item.error is not None:
            raise item.error

    def stop(self) -> None:
        """Ends the reading, and waits until it has ended."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            begun = self._begun
        # An interrupt may fall into the start of the thread, which cannot be joined then, and does nothing any more.
        if begun and self._thread is not None:
            self._thread.join()

    def _read(
        self, read: Iterator[FileGroup | Unread], found: SimpleQueue[FileGroup | Unread | _Ended]
    ) -> None:
        with self._changed:
            if self._stopped:
                return
            self._begun = True
        try:
            for item in read:
                if isinstance(item, FileGroup):
                    self._wait_for_room(item.chars)
                    if self._stopped:
                        break
                    self._count(1, item.chars)
                    self._prepare(item)
                found.put(item)
            found.put(_Ended())
        except BaseException as error:  # noqa: BLE001 - it belongs to who asks for the groups
            found.put(_Ended(error))

    def _wait_for_room(self, chars: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stopped
                    or not self._groups
                    or (self._groups < _MOST_GROUPS and self._chars + chars <= _MOST_CHARS)
                )
            )

    def _count(self, groups: int, chars: int) -> None:
        with self._changed:
            self._groups += groups
            self._chars += chars
            self._changed.notify_all()
