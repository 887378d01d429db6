"""Has the next files read, split and given to the model while those before them are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from threading import Condition, Thread

from qa_engine.ingestion.file_groups import FileGroup, Unread

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
