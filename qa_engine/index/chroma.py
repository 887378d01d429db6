"""Opens the Chroma collection with the vectors of one of ours: in a folder, or on a server."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qa_engine.config import IndexConfig
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    QAEngineError,
    ServiceUnavailableError,
    StorageError,
)

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import CollectionPaths

EMBEDDED, SERVER = "embedded", "server"
_STORE, _NAME = "vector_store", "vector_collection"
_SENTENCES = "sentences"
_LOCK = "chroma.lock"
_TURN_SECONDS = 120
"""How long to wait for another process to end what it does with the folder, which takes seconds at most."""
_opened: dict[Path, tuple[tuple[int, int, str], Collection]] = {}
_clients: dict[tuple[str, ...], ClientAPI] = {}
_opening = Lock()


@dataclass(frozen=True)
class VectorPlace:
    """Where the vectors of a collection are: embedded or on a server, and the name that Chroma knows them by."""

    store: str
    name: str

    @classmethod
    def of(cls, catalog: Catalog) -> VectorPlace | None:
        """What is recorded in the catalog; None for a collection that has no vectors yet."""
        store, name = catalog.meta(_STORE), catalog.meta(_NAME)
        return cls(store, name) if store and name else None

    @classmethod
    def fresh(cls, catalog: Catalog, config: IndexConfig) -> VectorPlace:
        """A new place. On a server, where many collections may meet, its name says which it is and is taken by no other."""
        mark = uuid.uuid4().hex[:12]
        if config.url is None:
            return cls(EMBEDDED, _SENTENCES if cls.of(catalog) is None else f"{_SENTENCES}-{mark}")
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", catalog.meta("name") or "").strip("-_")[:40]
        return cls(SERVER, f"qa-{readable}-{mark}" if readable else f"qa-{mark}")

    def record(self, catalog: Catalog) -> None:
        """Writes it into the catalog."""
        catalog.set_meta(**{_STORE: self.store, _NAME: self.name})


def open_vectors(
    where: CollectionPaths, catalog: Catalog, config: IndexConfig, create: bool = False
) -> Collection:
    """The vectors of a collection, in its published state or a later one.

    Raises:
        ConfigurationError: they are on a server and the configuration names none, or the other way round.
        ServiceUnavailableError: the server does not answer.
        StorageError: Chroma cannot open them, or there are none.
    """
    place = VectorPlace.of(catalog)
    if place is None:
        if not create:
            raise StorageError(
                f"The collection in {where.root} was never completed: run qa-engine ingest on its files again."
            )
        place = VectorPlace.fresh(catalog, config)
        collection = open_place(where, place, config, catalog.published, create=True)
        place.record(catalog)
        return collection
    return open_place(where, place, config, catalog.published, create)


def open_place(
    where: CollectionPaths, place: VectorPlace, config: IndexConfig, published: int, create: bool = False
) -> Collection:
    """The vectors in a place; see `open_vectors`."""
    name = catalog_name = where.root.name
    if place.store == EMBEDDED and config.url is not None:
        raise ConfigurationError(
            f"The vectors of the collection in {where.root} are in that folder, but index.url = {config.url!r} names a "
            f"server: unset index.url, or move them with qa-engine rebuild --vectors --collection {name}."
        )
    if place.store == SERVER and config.url is None:
        raise ConfigurationError(
            f"The vectors of the collection in {where.root} are on a Chroma server: set index.url, or move them into the "
            f"folder with qa-engine rebuild --vectors --collection {catalog_name}."
        )
    if place.store == SERVER:
        return open_on_server(config, place.name, create)
    return open_chroma(where.chroma, published, create, place.name)


def open_chroma(folder: Path, published: int, create: bool = False, name: str = _SENTENCES) -> Collection:
    """The Chroma collection in a folder, in the state ``published`` or a later one.

    A client goes on searching the index it has loaded while another process writes, and a second client of the same
    folder in one process shares the first one's state. So a client is shared by all as long as the published state
    is the same, and opened afresh when it is not; queries that run on the old one end undisturbed.

    Raises:
        StorageError: Chroma cannot open or create the collection.
    """
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings
    from chromadb.errors import ChromaError

    folder = folder.absolute()
    with _opening:
        known = _opened.get(folder)
        if known is not None and known[0] == (published, _file_number(folder), name):
            return known[1]
        try:
            with chroma_turn(folder):
                if known is not None:
                    SharedSystemClient.clear_system_cache()
                client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
                collection = _collection(client, name, create)
                _load(collection)
        except (ChromaError, OSError, ValueError, RuntimeError) as error:
            raise StorageError(
                f"The vectors in {folder} cannot be opened ({error}): check permissions and free space, "
                "or ingest into a new collection."
            ) from error
        _opened[folder] = (published, _file_number(folder), name), collection
        return collection


def open_on_server(config: IndexConfig, name: str, create: bool = False) -> Collection:
    """The Chroma collection of a name on the configured server.

    Raises:
        ServiceUnavailableError: the server does not answer.
        AuthenticationFailedError: it refuses the token.
        StorageError: it has no such collection.
    """
    from chromadb.errors import NotFoundError

    with server_errors(config):
        client = server_client(config)
        try:
            return _collection(client, name, create)
        except NotFoundError as error:
            raise StorageError(
                f"The Chroma server at {config.url} has no collection {name!r}, in which the vectors were: look whether "
                "index.url names the right one, or run qa-engine ingest on the files into a new collection."
            ) from error


def server_client(config: IndexConfig) -> ClientAPI:
    """The client of the configured server, one a process."""
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    import httpx
    from chromadb.config import Settings

    assert config.url is not None
    token = config.token.get_secret_value() if config.token else ""
    verify = str(config.ca_file) if config.ca_file else None
    key = (config.url, token, config.token_header, config.tenant, config.database, verify or "")
    with _opening:
        if key not in _clients:
            parts = urlsplit(config.url)
            secure = parts.scheme == "https"
            bearer = config.token_header.lower() == "authorization"
            client = chromadb.HttpClient(
                host=parts.hostname or "",
                port=parts.port or (443 if secure else 80),
                ssl=secure,
                headers={config.token_header: f"Bearer {token}" if bearer else token} if token else None,
                settings=Settings(anonymized_telemetry=False, chroma_server_ssl_verify=verify),
                tenant=config.tenant,
                database=config.database,
            )
            # Chroma's own client waits for ever.
            client._server._session.timeout = httpx.Timeout(config.timeout_seconds)  # type: ignore[attr-defined]
            _clients[key] = client
        return _clients[key]


@contextmanager
def server_errors(config: IndexConfig) -> Iterator[None]:
    """What goes wrong on the way to the server, as errors that say what to do."""
    import httpx
    from chromadb.errors import ChromaAuthError, ChromaError

    try:
        yield
    except QAEngineError:
        raise
    except ChromaAuthError as error:
        raise AuthenticationFailedError(
            f"The Chroma server at {config.url} refused the token ({error}): correct index.token and index.token_header."
        ) from error
    except httpx.HTTPStatusError as error:
        if error.response.status_code in {401, 403}:
            raise AuthenticationFailedError(
                f"The Chroma server at {config.url} refused the token ({error.response.status_code}): correct index.token "
                "and index.token_header."
            ) from error
        raise _unreachable(config, error) from error
    except (httpx.HTTPError, ValueError, OSError, ChromaError) as error:
        raise _unreachable(config, error) from error


def _unreachable(config: IndexConfig, error: Exception) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        f"The Chroma server at {config.url} does not answer as it should ({type(error).__name__}: "
        f"{str(error).strip() or 'no details'}): check index.url and the server, then run the same command again."
    )


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
