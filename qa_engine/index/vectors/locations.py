"""Where the vectors of a collection are, in a folder or on a Chroma server, and how they are opened there."""

from __future__ import annotations

import re
import shlex
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_engine.config import IndexConfig
from qa_engine.errors import ConfigurationError, StorageError
from qa_engine.index.vectors.chroma_folder import SENTENCES, delete_collection, open_chroma, open_unshared

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import CollectionPaths

EMBEDDED, SERVER = "embedded", "server"
_STORE, _NAME, _URL = "vector_store", "vector_collection", "vector_url"


@dataclass(frozen=True)
class VectorLocation:
    """Where the vectors of a collection are: embedded or on a server, and the name that Chroma knows them by.

    ``url`` is the address that the server had when they were put there; the configuration says where it is now.
    """

    store: str
    name: str
    url: str | None = None

    @classmethod
    def of(cls, catalog: Catalog) -> VectorLocation | None:
        """What is recorded in the catalog; None for a collection that has no vectors yet."""
        store, name = catalog.meta(_STORE), catalog.meta(_NAME)
        return cls(store, name, catalog.meta(_URL) or None) if store and name else None

    @classmethod
    def fresh(cls, catalog: Catalog, config: IndexConfig) -> VectorLocation:
        """A new location. On a server, which many collections may share, its name is taken by no other."""
        mark = uuid.uuid4().hex[:12]
        if config.url is None:
            return cls(EMBEDDED, SENTENCES if cls.of(catalog) is None else f"{SENTENCES}-{mark}")
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", catalog.meta("name") or "").strip("-_")[:40]
        return cls(SERVER, f"qa-{readable}-{mark}" if readable else f"qa-{mark}", config.url)

    def record(self, catalog: Catalog) -> None:
        """Writes it into the catalog."""
        catalog.set_meta(**{_STORE: self.store, _NAME: self.name, _URL: self.url or ""})


def open_vectors(
    paths: CollectionPaths, catalog: Catalog, config: IndexConfig, create: bool = False
) -> Collection:
    """The vectors of a collection, in its published state or a later one; the configuration names the server, if any.

    With ``create``, a location is made where there is none yet. Vectors that were there and are gone are an error all the
    same: an empty location would look like a complete one.

    Raises:
        ConfigurationError: they are on a server and the configuration names none, or the other way round.
        ServiceUnavailableError: the server does not answer.
        AuthenticationFailedError: it refuses the token.
        StorageError: Chroma cannot open them, or there are none.
    """
    location = VectorLocation.of(catalog)
    create = create and catalog.node_count() == 0
    if location is None or (create and (location.store == SERVER) != (config.url is not None)):
        if not create:
            raise StorageError(
                f"The collection in {paths.root} was never completed: run qa-engine ingest on its files again."
            )
        location = VectorLocation.fresh(catalog, config)
        collection = open_location(paths, location, config, catalog.published, create)
        location.record(catalog)
        return collection
    _require_location(paths, catalog, location, config)
    return open_location(paths, location, config, catalog.published, create)


def open_location(
    paths: CollectionPaths,
    location: VectorLocation,
    config: IndexConfig,
    published: int | None,
    create: bool = False,
) -> Collection:
    """The vectors in a location, in a state or a later one; with ``create``, made if need be. Errors as for `open_vectors`.

    The state is None for new vectors that no reader uses yet, while those that are there stay in use: nobody shares them.
    """
    if location.store == SERVER:
        return open_on_server(config, location.name, create)
    if published is None:
        return open_unshared(paths.chroma, location.name, create)
    return open_chroma(paths.chroma, published, create, location.name)


def drop_location(paths: CollectionPaths, location: VectorLocation, config: IndexConfig) -> None:
    """Deletes the vectors in a location that nobody uses any more; nothing if they are gone.

    Raises:
        ServiceUnavailableError: they are on a server that does not answer.
        StorageError: Chroma cannot delete them.
    """
    from chromadb.errors import NotFoundError

    with suppress(NotFoundError):
        if location.store == SERVER:
            from qa_engine.index.vectors.chroma_server import chroma_server

            server = chroma_server(config.model_copy(update={"url": location.url or config.url}))
            server.delete_collection(location.name, config.tenant, config.database)
        elif paths.chroma.is_dir():
            delete_collection(paths.chroma, location.name)


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


def _require_location(
    paths: CollectionPaths, catalog: Catalog, location: VectorLocation, config: IndexConfig
) -> None:
    """Refuses a configuration that names another kind of location than the vectors are in."""
    move = f"qa-engine rebuild --vectors --collection {shlex.quote(catalog.meta('name') or paths.root.name)}"
    if location.store == EMBEDDED and config.url is not None:
        raise ConfigurationError(
            f"The vectors of the collection in {paths.root} are in that folder, but index.url = {config.url!r} names a "
            f"server: unset index.url, or move them with {move}."
        )
    if location.store == SERVER and config.url is None:
        raise ConfigurationError(
            f"The vectors of the collection in {paths.root} are on a Chroma server, but index.url is not set: set it to the "
            f"address of that server, or move them into the folder with {move}."
        )
