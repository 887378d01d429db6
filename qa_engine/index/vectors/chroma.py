"""Opens the Chroma collection with the vectors of one of ours: in a folder, or on a server."""

from __future__ import annotations

import os
import re
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from qa_engine.config import IndexConfig
from qa_engine.errors import (
    ConfigurationError,
    StorageError,
)

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import CollectionPaths

EMBEDDED, SERVER = "embedded", "server"
_STORE, _NAME, _URL = "vector_store", "vector_collection", "vector_url"
_SENTENCES = "sentences"
_LOCK = "chroma.lock"
_TURN_SECONDS = 120
"""How long to wait for another process to end what it does with the folder, which takes seconds at most."""
_LEFT = -1
"""Stands for the published state of a client that nobody should use any more."""
_opened: dict[Path, tuple[tuple[int, int, str], Collection]] = {}
_opening = Lock()


@dataclass(frozen=True)
class VectorPlace:
    """Where the vectors of a collection are: embedded or on a server, and the name that Chroma knows them by.

    ``url`` is the address that the server had when they were put there; the configuration says where it is now.
    """

    store: str
    name: str
    url: str | None = None

    @classmethod
    def of(cls, catalog: Catalog) -> VectorPlace | None:
        """What is recorded in the catalog; None for a collection that has no vectors yet."""
        store, name = catalog.meta(_STORE), catalog.meta(_NAME)
        return cls(store, name, catalog.meta(_URL) or None) if store and name else None

    @classmethod
    def fresh(cls, catalog: Catalog, config: IndexConfig) -> VectorPlace:
        """A new place. On a server, where many collections may meet, its name says which it is and is taken by no other."""
        mark = uuid.uuid4().hex[:12]
        if config.url is None:
            return cls(EMBEDDED, _SENTENCES if cls.of(catalog) is None else f"{_SENTENCES}-{mark}")
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", catalog.meta("name") or "").strip("-_")[:40]
        return cls(SERVER, f"qa-{readable}-{mark}" if readable else f"qa-{mark}", config.url)

    def record(self, catalog: Catalog) -> None:
        """Writes it into the catalog."""
        catalog.set_meta(**{_STORE: self.store, _NAME: self.name, _URL: self.url or ""})


def open_vectors(
    where: CollectionPaths, catalog: Catalog, config: IndexConfig, create: bool = False
) -> Collection:
    """The vectors of a collection, in its published state or a later one.

    Args:
        where: the collection is.
        catalog: of the collection.
        config: names the server, if there is one.
        create: make a place for vectors where there is none yet. Vectors that were there and are gone are an error all the
            same: an empty place would look like a complete one.

    Raises:
        ConfigurationError: they are on a server and the configuration names none, or the other way round.
        ServiceUnavailableError: the server does not answer.
        AuthenticationFailedError: it refuses the token.
        StorageError: Chroma cannot open them, or there are none.
    """
    place = VectorPlace.of(catalog)
    create = create and catalog.node_count() == 0
    if place is None or (create and (place.store == SERVER) != (config.url is not None)):
        if not create:
            raise StorageError(
                f"The collection in {where.root} was never completed: run qa-engine ingest on its files again."
            )
        place = VectorPlace.fresh(catalog, config)
        collection = open_place(where, place, config, catalog.published, create)
        place.record(catalog)
        return collection
    _require_place(where, catalog, place, config)
    return open_place(where, place, config, catalog.published, create)


def open_place(
    where: CollectionPaths, place: VectorPlace, config: IndexConfig, published: int, create: bool = False
) -> Collection:
    """The vectors in a place; see `open_vectors`."""
    if place.store == SERVER:
        return open_on_server(config, place.name, create)
    return open_chroma(where.chroma, published, create, place.name)


def collection_beside(where: CollectionPaths, place: VectorPlace, config: IndexConfig) -> Collection:
    """The vectors in a new place, made if need be, while those that are there, if any, stay in use.

    Where both are in the folder, and opened in this process, Chroma has them share a client: each sees what the other
    writes.

    Args:
        where: the collection is.
        place: for the new ones.
        config: names the server, if there is one.

    Raises:
        ServiceUnavailableError: the server does not answer.
        StorageError: Chroma cannot make them.
    """
    if place.store == SERVER:
        return open_on_server(config, place.name, create=True)
    with _storage_errors(where.chroma), chroma_turn(where.chroma):
        return _collection(_embedded_client(where.chroma), place.name, create=True)


def drop_place(where: CollectionPaths, place: VectorPlace, config: IndexConfig, published: int) -> None:
    """Deletes the vectors in a place that nobody uses any more; nothing if they are gone.

    Raises:
        ServiceUnavailableError: they are on a server that does not answer.
        StorageError: Chroma cannot delete them.
    """
    from chromadb.errors import NotFoundError

    with suppress(NotFoundError):
        if place.store == SERVER:
            from qa_engine.index.vectors.chroma_server import chroma_server

            server = chroma_server(config.model_copy(update={"url": place.url or config.url}))
            server.delete_collection(place.name, config.tenant, config.database)
        elif where.chroma.is_dir():
            with _storage_errors(where.chroma), chroma_turn(where.chroma):
                client = _embedded_client(where.chroma)
                if place.name in {collection.name for collection in client.list_collections()}:
                    client.delete_collection(place.name)


def _require_place(where: CollectionPaths, catalog: Catalog, place: VectorPlace, config: IndexConfig) -> None:
    """Refuses a configuration that names another kind of place than the vectors are in."""
    move = f"qa-engine rebuild --vectors --collection {shlex.quote(catalog.meta('name') or where.root.name)}"
    if place.store == EMBEDDED and config.url is not None:
        raise ConfigurationError(
            f"The vectors of the collection in {where.root} are in that folder, but index.url = {config.url!r} names a "
            f"server: unset index.url, or move them with {move}."
        )
    if place.store == SERVER and config.url is None:
        raise ConfigurationError(
            f"The vectors of the collection in {where.root} are on a Chroma server, but index.url is not set: set it to the "
            f"address of that server, or move them into the folder with {move}."
        )


def open_chroma(folder: Path, published: int, create: bool = False, name: str = _SENTENCES) -> Collection:
    """The Chroma collection in a folder, in the state ``published`` or a later one.

    A client goes on searching the index it has loaded while another process writes, and a second client of the same
    folder in one process shares the first one's state. So a client is shared by all as long as the published state
    is the same, and opened afresh when it is not; queries that run on the old one end undisturbed.

    Raises:
        StorageError: Chroma cannot open or create the collection.
    """
    from chromadb.api.shared_system_client import SharedSystemClient

    folder = folder.absolute()
    with _opening:
        known = _opened.get(folder)
        if known is not None and known[0] == (published, _file_number(folder), name):
            return known[1]
        with _storage_errors(folder), chroma_turn(folder):
            if known is not None:
                SharedSystemClient.clear_system_cache()
            collection = _collection(_embedded_client(folder), name, create)
            _load(collection)
        _opened[folder] = (published, _file_number(folder), name), collection
        return collection


def leave_client(folder: Path) -> None:
    """Has the next one who opens the folder get a new client: this one can no longer be trusted to write."""
    folder = folder.absolute()
    with _opening:
        if folder in _opened:
            (_, number, name), collection = _opened[folder]
            _opened[folder] = (_LEFT, number, name), collection


def open_on_server(config: IndexConfig, name: str, create: bool = False) -> Collection:
    """The Chroma collection of a name on the configured server.

    Raises:
        ConfigurationError: the settings of the server cannot be used, or it has no such tenant or database.
        ServiceUnavailableError: the server does not answer.
        AuthenticationFailedError: it refuses the token.
        StorageError: it has no such collection.
    """
    from chromadb.errors import ChromaError, InvalidArgumentError, NotFoundError

    from qa_engine.index.vectors.chroma_server import chroma_server

    server = chroma_server(config)
    try:
        return server.collection(name, create)
    except NotFoundError as error:
        raise StorageError(
            f"The Chroma server at {server.url} has no collection {name!r}, in which the vectors were: look whether "
            "index.url, index.tenant and index.database name the right place, or run qa-engine ingest on the files into a "
            "new collection."
        ) from error
    except InvalidArgumentError as error:
        raise ConfigurationError(
            f"The Chroma server at {server.url} cannot make a collection in index.tenant = {config.tenant!r}, "
            f"index.database = {config.database!r} ({error}): make the database on the server, or name one that exists."
        ) from error
    except ChromaError as error:
        raise StorageError(
            f"The Chroma server at {server.url} cannot open the collection {name!r} ({error}): look into its log, then run "
            "the same command again."
        ) from error


@contextmanager
def chroma_turn(folder: Path) -> Iterator[None]:
    """Keeps processes that open the folder from reading what another one is just writing.

    Chroma applies its log to the vector index when it opens a folder as well as when it writes, and writes the files of the
    index in place; nothing in it keeps two processes from doing so at once.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder.parent / _LOCK, timeout=_TURN_SECONDS)
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


def _embedded_client(folder: Path) -> ClientAPI:
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder.absolute()), settings=Settings(anonymized_telemetry=False))


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


def _collection(client: ClientAPI, name: str, create: bool) -> Collection:
    settings: dict[str, Any] = {"embedding_function": None}
    if create:
        return client.get_or_create_collection(name, configuration={"hnsw": {"space": "cosine"}}, **settings)
    return client.get_collection(name, **settings)


def _load(collection: Collection) -> None:
    """Has Chroma read the vector index now, in our turn, and not at the first question."""
    found: Any = collection.get(limit=1, include=["embeddings"])["embeddings"]
    if found is not None and len(found):
        collection.query(query_embeddings=[found[0]], n_results=1, include=[])


def _file_number(folder: Path) -> int:
    """Tells Chroma's database from one that was made again in its place; 0 if there is none."""
    with suppress(OSError):
        return (folder / "chroma.sqlite3").stat().st_ino
    return 0
