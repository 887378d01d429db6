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
from qa_engine.index.disk.atomic_file import file_mode, make_folder, open_private, share_files
from qa_engine.index.vectors.hnsw_files import find_hnsw_fault
from qa_engine.index.vectors.hnsw_rollback import keep_files, roll_back
from qa_engine.index.vectors.runtime import runtime

if TYPE_CHECKING:
    from chromadb.api import ServerAPI
    from chromadb.api.models.Collection import Collection
    from chromadb.config import System

logger = logging.getLogger("qa_engine.index")
SENTENCES = "sentences"
"""Name of the first Chroma collection in a folder."""
_LOCK = "chroma.lock"
_MARK = "chroma.turn"
"""A file that is there during a turn, and after one that was cut off."""
_KEPT = "chroma.kept"
"""The folder with what `keep_files` copies."""
_TURN_SECONDS = 120
"""How long to wait for another process to end what it does with the folder, which takes seconds at most."""


class DamagedIndexError(StorageError):
    """The files of the vector index are damaged; Chroma would find too little in them, or end the process."""


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
    with _opened(folder, stop=False, name=name) as (system, server):
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
def chroma_turn(folder: Path) -> Iterator[bool]:
    """Keeps processes that open the folder from reading what another one is just writing.

    Chroma applies its log to the vector index when it opens a folder as well as when it writes, and writes the files of the
    index in place; nothing in it keeps two processes from doing so at once.

    Yields:
        Whether the process of an earlier turn was killed, and the index was not looked at since.

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
        yield False
        return
    mark = folder.parent / _MARK
    interrupted = mark.exists()
    try:
        if not interrupted:
            with suppress(OSError):
                open_private(mark, "wb").close()
        yield interrupted
    finally:
        if not interrupted:
            mark.unlink(missing_ok=True)
        lock.release()


@contextmanager
def writing_turn(folder: Path) -> Iterator[None]:
    """`chroma_turn` for a write to a collection that is open: what Chroma may overwrite is kept."""
    with chroma_turn(folder) as interrupted:
        if not interrupted:
            keep_files(folder.absolute(), folder.parent / _KEPT)
        yield


def look_through(folder: Path, name: str) -> None:
    """Reads all files of the vector index of a collection before Chroma does, which does not doubt what it reads.

    Raises:
        StorageError: they are damaged, or another process did not end its turn.
    """
    with chroma_turn(folder) as interrupted:
        _require_sound(folder.absolute(), name, interrupted, thorough=True)


def _require_sound(folder: Path, name: str, interrupted: bool, thorough: bool) -> None:
    """Refuses a damaged vector index; one that was half written is brought back to what it was before."""
    fault = find_hnsw_fault(folder, name, thorough)
    if fault and interrupted and roll_back(folder, folder.parent / _KEPT):
        fault = find_hnsw_fault(folder, name, thorough=True)
    if fault:
        raise DamagedIndexError(
            f"The vectors in {folder} are damaged ({fault}): qa-engine doctor prints the command that makes them anew."
        )


@contextmanager
def _opened(folder: Path, stop: bool = True, name: str | None = None) -> Iterator[tuple[System, ServerAPI]]:
    """A new system of Chroma, in our turn. It is stopped in the end, or if that is not wanted, after an error.

    The files of the collection ``name``, if it is given, are looked at before Chroma reads them.
    """
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
    with _storage_errors(folder), chroma_turn(folder) as interrupted:
        make_folder(folder)
        if name is not None:
            _require_sound(folder.absolute(), name, interrupted, thorough=interrupted)
            keep_files(folder.absolute(), folder.parent / _KEPT)
        system = System(settings)
        system.instance(ProductTelemetryClient)  # type: ignore[type-abstract]
        server = system.instance(ServerAPI)  # type: ignore[type-abstract]
        system.start()
        try:
            yield system, server
            if name is not None:
                (folder.parent / _MARK).unlink(missing_ok=True)
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
