"""Chroma in a folder: each state of a collection that is opened has a system of Chroma to itself.

Chroma's own `PersistentClient` shares one system a folder among all clients of the process, and a system goes on
searching the index that it has loaded while another process writes. To see a new state one would have to clear Chroma's
cache of systems, which takes them away from every other user of Chroma in the process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_engine.errors import StorageError
from qa_engine.index.atomic_file import file_mode, make_folder, share_files
from qa_engine.index.vectors.runtime import runtime

if TYPE_CHECKING:
    from chromadb.api import ServerAPI
    from chromadb.api.models.Collection import Collection
    from chromadb.config import System

logger = logging.getLogger("qa_engine.index")
SENTENCES = "sentences"
"""Name of the first Chroma collection in a folder."""
_LOCK = "chroma.lock"
_TURN_SECONDS = 120
"""How long to wait for another process to end what it does with the folder, which takes seconds at most."""


def open_chroma(folder: Path, published: int, create: bool = False, name: str = SENTENCES) -> Collection:
    """The Chroma collection of a name in a folder, in a published state or a later one; with ``create``, made if need be.

    All who ask for the same state share the collection, and its system is stopped when the last of them lets go of it.

    Raises:
        StorageError: Chroma cannot open or create the collection.
    """
    folder = folder.absolute()
    with runtime.lock:
        collection = runtime.collections.get((folder, published, _file_number(folder), name))
        if collection is None:
            collection = open_unshared(folder, name, create)
            runtime.collections[folder, published, _file_number(folder), name] = collection
        return collection


def open_unshared(folder: Path, name: str, create: bool) -> Collection:
    """The Chroma collection in a folder, with a system that nobody else gets.

    Raises:
        StorageError: Chroma cannot open or create the collection.
    """
    with _opened(folder, stop=False) as (system, server):
        share_files(folder)
        collection = cosine_collection(server, name, create)
        _load(collection)
        runtime.stop_with(collection, system)
    logger.debug("opened the collection %s in the Chroma folder %s", name, folder)
    return collection


def cosine_collection(server: ServerAPI, name: str, create: bool, **database: Any) -> Collection:
    """The collection of a name, with cosine distances; with ``create``, made if need be.

    The server may be that of a folder. ``database`` is the keys ``tenant`` and ``database``, if they are not the defaults.
    """
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection

    if create:
        cosine = CreateCollectionConfiguration(hnsw={"space": "cosine"})
        model = server.get_or_create_collection(name, configuration=cosine, **database)
    else:
        model = server.get_collection(name, **database)
    return Collection(client=server, model=model, embedding_function=None)


def delete_collection(folder: Path, name: str) -> None:
    """Deletes a Chroma collection in a folder; nothing if it is gone.

    Raises:
        StorageError: Chroma cannot delete it.
    """
    with _opened(folder) as (_, server):
        if name in {collection.name for collection in server.list_collections()}:
            server.delete_collection(name)


def abandon(folder: Path) -> None:
    """Makes the next opening of the folder start a new system: after a failed write, the next write may wait for ever."""
    folder = folder.absolute()
    with runtime.lock:
        for key in [key for key in runtime.collections if key[0] == folder]:
            logger.warning("a write into the Chroma folder %s failed: it will be opened anew", folder)
            runtime.collections.pop(key, None)


@contextmanager
def chroma_turn(folder: Path) -> Iterator[None]:
    """Keeps processes that open the folder from reading what another one is just writing.

    Chroma applies its log to the vector index when it opens a folder as well as when it writes, and writes the files of the
    index in place; nothing in it keeps two processes from doing so at once.

    Raises:
        StorageError: another process did not end its turn.
    """
    from filelock import FileLock, Timeout

    file = folder.parent / _LOCK
    lock = FileLock(file, timeout=_TURN_SECONDS, mode=file_mode(file))
    try:
        lock.acquire()
    except Timeout:
        raise StorageError(
            f"Another process has been busy with the vectors in {folder} for {_TURN_SECONDS} s: end it, then try again."
        ) from None
    except OSError:  # a folder that may only be read: nobody writes to it from here
        yield
        return
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _opened(folder: Path, stop: bool = True) -> Iterator[tuple[System, ServerAPI]]:
    """A new system of Chroma, in our turn. It is stopped in the end, or if that is not wanted, after an error."""
    from chromadb.api import ServerAPI
    from chromadb.config import Settings, System
    from chromadb.telemetry.product import ProductTelemetryClient

    settings = Settings(
        chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
        is_persistent=True,
        persist_directory=str(folder.absolute()),
        anonymized_telemetry=False,
    )
    runtime.start()
    with _storage_errors(folder), chroma_turn(folder):
        make_folder(folder)
        system = System(settings)
        system.instance(ProductTelemetryClient)  # type: ignore[type-abstract]
        server = system.instance(ServerAPI)  # type: ignore[type-abstract]
        system.start()
        try:
            yield system, server
        except BaseException:
            stop = True
            raise
        finally:
            if stop:
                system.stop()


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    from chromadb.errors import ChromaError, NotFoundError

    try:
        yield
    except NotFoundError as error:
        raise StorageError(
            f"The vectors in {folder} are gone ({error}): bring the folder back, or ingest the files into a "
            "new collection."
        ) from error
    except (ChromaError, OSError, ValueError, RuntimeError) as error:
        raise StorageError(
            f"The vectors in {folder} cannot be opened ({error}): check permissions and free space, "
            "or ingest into a new collection."
        ) from error


def _load(collection: Collection) -> None:
    """Has Chroma read the vector index now, in our turn, and not at the first question."""
    first: Any = collection.get(limit=1, include=["embeddings"])["embeddings"]
    if first is not None and len(first):
        collection.query(query_embeddings=[first[0]], n_results=1, include=[])


def _file_number(folder: Path) -> int:
    """Tells Chroma's database from one that was made again in its place; 0 if there is none."""
    with suppress(OSError):
        return (folder / "chroma.sqlite3").stat().st_ino
    return 0
