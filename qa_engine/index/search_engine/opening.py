"""Opens collections of a search engine, for reading and for writing."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from qa_engine.config import Bm25Config, IndexConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, StorageError
from qa_engine.index.collection import CollectionPaths, collection_paths
from qa_engine.index.disk.atomic_file import make_folder
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.connection.client import WRITER_PATIENCE_SECONDS, search_engine
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry
from qa_engine.index.search_engine.state.lease import held_lease
from qa_engine.index.search_engine.state.replica_files import (
    drop_former_replicas,
    reader_replica,
    writer_replica,
)
from qa_engine.index.search_engine.state.state_log import StateLog

_RENEWAL_TIMEOUTS = 6
"""How often a renewal of a lease could go unanswered before the lease ends."""
SEARCH_URL = "search_url"
"""Fact of the catalog: where the collection is, for machines whose configuration does not say so."""


def registry_of(config: IndexConfig) -> Registry:
    """The registry of the configured search engine."""
    return Registry(search_engine(config))


def open_shared(storage: Path, name: str, config: IndexConfig) -> SharedCatalog:
    """The catalog of a collection, for reading; its replica in the storage of this machine is brought up to date.

    Raises:
        CollectionNotFoundError: the search engine has no such collection; the message lists those that it has.
        StorageError: the replica cannot be written.
        ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
    """
    registry = registry_of(config)
    found = require_registered(registry, name)
    folder = _folder(storage, name)
    drop_former_replicas(folder, found.mark)
    file = reader_replica(folder, found.mark)
    try:
        return SharedCatalog(file, StateLog(registry, found))
    except StorageError:
        if file.exists():
            raise
        # It was damaged, and has been deleted.
        return SharedCatalog(file, StateLog(registry, found))


def require_registered(registry: Registry, name: str) -> RegisteredCollection:
    """What the registry says of a collection.

    Raises:
        CollectionNotFoundError: the search engine has no such collection; the message lists those that it has.
    """
    found = registry.find(name)
    if found is None:
        names = registry.names()
        known = (
            f"there are: {', '.join(names)}"
            if names
            else "nor any other: ingest PDFs first (qa-engine ingest PATH)"
        )
        raise CollectionNotFoundError(
            f"There is no collection {name!r} in the search engine at {registry.engine.url}; {known}."
        )
    return found


@contextmanager
def open_for_writing(
    storage: Path, name: str, config: IndexConfig, bm25: Bm25Config, timeout_seconds: float, create: bool
) -> Iterator[SharedCatalog]:
    """The catalog of a collection for its one writer, who holds the lease until the block ends.

    Args:
        storage, name: the storage of this machine, and the collection.
        config, bm25: the settings.
        timeout_seconds: how long to wait for another writer.
        create: make the collection if there is none.

    Raises:
        IndexLockedError: another process is writing to it.
        CollectionNotFoundError, StorageError, ServiceUnavailableError, AuthenticationFailedError: as `open_shared`.
    """
    registry = Registry(search_engine(config).with_patience(WRITER_PATIENCE_SECONDS))
    found = registry.create(name, bm25) if create else require_registered(registry, name)
    _require_staying(found, registry)
    with write_registered(storage, registry, found, config, bm25, timeout_seconds) as catalog:
        _require_staying(catalog.log.collection, registry)  # it may have been moved while this writer waited
        yield catalog


@contextmanager
def write_registered(
    storage: Path,
    registry: Registry,
    found: RegisteredCollection,
    config: IndexConfig,
    bm25: Bm25Config,
    timeout_seconds: float,
) -> Iterator[SharedCatalog]:
    """As `open_for_writing`, for a collection of any state: one that is being moved, too."""
    folder = _folder(storage, found.name)
    # A renewal does not wait so long that the lease ends meanwhile: there is a next one.
    seconds = min(config.timeout_seconds, config.search_lease_seconds / _RENEWAL_TIMEOUTS)
    renewing = Registry(search_engine(config).with_patience(seconds, timeout_seconds=seconds))
    with (
        held_lease(renewing, found, timeout_seconds) as lease,
        writer_replica(folder, found.mark) as file,
        closing(SharedCatalog(file, StateLog(registry, found), bm25, lease)) as catalog,
    ):
        catalog.set_meta(name=found.name, **{SEARCH_URL: registry.engine.url})
        yield catalog


def recorded_address(paths: CollectionPaths) -> str | None:
    """The address of the search engine that a collection is in, as far as this machine knows; None if it does not."""
    for replica in paths.replicas:
        with suppress(sqlite3.Error):  # one that is damaged is of no use
            uri = f"{replica.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                for (address,) in connection.execute("SELECT value FROM meta WHERE key = ?", (SEARCH_URL,)):
                    return str(address)
    return None


def _require_staying(collection: RegisteredCollection, registry: Registry) -> None:
    if collection.state == "leaving":
        raise ConfigurationError(
            f"The collection {collection.name!r} is being moved away from the search engine at {registry.engine.url}: unset "
            "index.search_url, and complete the move where it was begun, with "
            f"qa-engine move --collection {shlex.quote(collection.name)}."
        )


def _folder(storage: Path, name: str) -> Path:
    """The folder for replicas of a collection, made if need be."""
    folder = collection_paths(storage, name).root
    try:
        make_folder(folder)
    except OSError as error:
        raise StorageError(
            f"The storage {folder} cannot be made ({error.strerror or error}): name another with --storage."
        ) from error
    return folder
