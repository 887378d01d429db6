"""What this process has opened of Chroma. Whoever uses the same thing shares it, and the last user closes it."""

from __future__ import annotations

import logging
import os
import sys
import weakref
from threading import Lock
from typing import TYPE_CHECKING, Any

from qa_engine.errors import StorageError
from qa_engine.forks import follow_forks, keep

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
        self._started = False
        self._unusable = False
        self._reset()
        follow_forks(self)

    def _reset(self) -> None:
        self.lock = Lock()
        self.collections: weakref.WeakValueDictionary[tuple[Any, ...], Collection] = (
            weakref.WeakValueDictionary()
        )
        self.servers: weakref.WeakValueDictionary[tuple[object, ...], Any] = weakref.WeakValueDictionary()

    def stop_with(self, collection: Collection, system: System) -> None:
        """Stops a system of Chroma when nobody refers to a collection any more."""
        weakref.finalize(collection, self._stop, system, os.getpid()).atexit = False

    def start(self) -> None:
        """To be called before Chroma does anything in this process.

        Raises:
            StorageError: it cannot do anything here, because it was used in the process that this one was forked from.
        """
        self.require_usable()
        self._started = True

    def require_usable(self) -> None:
        """Raises `StorageError` if Chroma would wait for ever for threads that only the parent of this process has."""
        if self._unusable:
            raise StorageError(
                "Chroma was used before this process was forked, and what it needs does not survive a fork: open the "
                "collection after the fork, and not before (with gunicorn: without preload_app, or in post_fork), start "
                "processes with the method spawn, or keep the vectors on a Chroma server (index.url)."
            )

    def _stop(self, system: System, process: int) -> None:
        if process == os.getpid():
            system.stop()
            logger.debug("closed the Chroma folder %s", system.settings.persist_directory)
        else:
            keep(system)

    def after_fork(self) -> None:
        """In a forked child, nothing of this can be used or stopped: the threads that serve it are the parent's.

        Nor can anything new be opened, in any folder: of a few hundred vectors on, Chroma computes in threads that it starts
        once a process. Clients of the host count as well.
        """
        keep(*self.collections.values(), *self.servers.values())
        clients = sys.modules.get("chromadb.api.shared_system_client")
        hosts = clients is not None and bool(clients.SharedSystemClient._identifier_to_system)
        self._unusable = self._unusable or self._started or hosts
        self._reset()


runtime = ChromaRuntime()
