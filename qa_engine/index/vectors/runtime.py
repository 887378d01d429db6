"""What this process has opened of Chroma. Whoever uses the same thing shares it, and the last user closes it."""

from __future__ import annotations

import logging
import os
import weakref
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection
    from chromadb.config import System

logger = logging.getLogger("qa_engine.index")


class ChromaRuntime:
    """The Chroma collections and servers that are open in this process.

    It refers to them weakly: a collection in a folder is stopped when the last vector store lets go of it, and with it
    go its threads and files. Nothing here is shared with other users of Chroma in the process.

    Attributes:
        lock: held while something is opened.
        collections: in folders, by folder, published state, number of the database file, and name.
        servers: the clients of Chroma servers, by their settings.
    """

    def __init__(self) -> None:
        self._inherited: list[object] = []
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _reset(self) -> None:
        self.lock = Lock()
        self.collections: weakref.WeakValueDictionary[tuple[Any, ...], Collection] = (
            weakref.WeakValueDictionary()
        )
        self.servers: weakref.WeakValueDictionary[tuple[object, ...], Any] = weakref.WeakValueDictionary()

    def stop_with(self, collection: Collection, system: System) -> None:
        """Stops a system of Chroma when nobody refers to a collection any more."""
        weakref.finalize(collection, self._stop, system, os.getpid()).atexit = False

    def _stop(self, system: System, process: int) -> None:
        if process == os.getpid():
            system.stop()
            logger.debug("closed the Chroma folder %s", system.settings.persist_directory)
        else:
            self._inherited.append(system)

    def _forget(self) -> None:
        """In a forked child, nothing of this can be used or stopped: the threads that serve it are the parent's."""
        self._inherited += [*self.collections.values(), *self.servers.values()]
        self._reset()


runtime = ChromaRuntime()
