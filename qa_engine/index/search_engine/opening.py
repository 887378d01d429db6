"""Opens collections of a search engine, for reading and for writing."""

from __future__ import annotations

import logging
import secrets
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from qa_engine.config import Bm25Config, IndexConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, StorageError
from qa_engine.index.atomic_file import make_folder
from qa_engine.index.collection import CollectionPaths, collection_paths
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.client import WRITER_PATIENCE_SECONDS, search_engine
from qa_engine.index.search_engine.lease import held_lease
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry
from qa_engine.index.search_engine.state_log import StateLog

logger = logging.getLogger("qa_engine.index")
_WRITER = "writer-"
"""What the replicas of writers are called. One that is left over is of no use to anyone."""


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
    paths = collection_paths(storage, name)
    found = require_registered(registry, name)
    _make_root(paths)
    return SharedCatalog(paths.replica, StateLog(registry, found))


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
    if create:
        found = registry.create(name, bm25)
    else:
        open_shared(storage, name, config).close()
        at_work = registry.find(name)
        if at_work is None:
            raise CollectionNotFoundError(f"The collection {name!r} was deleted.")
        found = at_work
    _require_staying(found, registry)
    paths = collection_paths(storage, name)
    _make_root(paths)
    with held_lease(registry, found, timeout_seconds) as lease:
        file = paths.root / f"{_WRITER}{secrets.token_hex(6)}.sqlite"
        _copy(paths.replica, file)
        try:
            with closing(SharedCatalog(file, StateLog(registry, found), bm25, lease)) as catalog:
                if catalog.meta("name") is None:
                    catalog.set_meta(name=found.name)
                yield catalog
        finally:
            file.unlink(missing_ok=True)
            file.with_name(f"{file.name}-journal").unlink(missing_ok=True)


def _require_staying(collection: RegisteredCollection, registry: Registry) -> None:
    if collection.state == "leaving":
        raise ConfigurationError(
            f"The collection {collection.name!r} is being moved away from the search engine at {registry.engine.url}: unset "
            "index.search_url, and complete the move where it was begun, with "
            f"qa-engine move --collection {shlex.quote(collection.name)}."
        )


def _make_root(paths: CollectionPaths) -> None:
    try:
        make_folder(paths.root)
    except OSError as error:
        raise StorageError(
            f"The storage {paths.root} cannot be made ({error.strerror or error}): name another with --storage."
        ) from error


def _copy(replica: Path, file: Path) -> None:
    """Begins a writer's replica with what the readers of this machine have, which saves reading it from the log."""
    if not replica.is_file():
        return
    with suppress(sqlite3.Error):
        with closing(sqlite3.connect(replica)) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
        return
    file.unlink(missing_ok=True)
