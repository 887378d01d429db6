"""Makes collections without files, and removes collections with all that they hold."""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qa_engine.config import Config, IndexConfig
from qa_engine.errors import InputError, QAEngineError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, collection_paths
from qa_engine.index.disk.atomic_file import make_folder
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.index.opening import collection_exists, open_catalog, require_existing
from qa_engine.index.vectors.locations import SERVER, VectorLocation, drop_location
from qa_engine.ingestion.ingest import ingest_uploads
from qa_engine.ingestion.maintenance.reembedding import vectors_under_way
from qa_engine.ingestion.writing.stored_nodes import superseded_vectors

logger = logging.getLogger("qa_engine.ingestion")

_REMOVED = ".removed"
"""The folder of the storage for collections that are being removed. It is no collection itself."""


@dataclass(frozen=True)
class CollectionSummary:
    """What a collection holds.

    Attributes:
        collection: its name.
        files: the number of its files.
        pages: the number of their pages.
        nodes: the number of their sentences, those of copies once.
        embedding: its embedding model; empty before its first file.
    """

    collection: str
    files: int
    pages: int
    nodes: int
    embedding: str


def collection_summary(storage: Path, name: str, config: IndexConfig) -> CollectionSummary:
    """What a collection holds.

    Raises:
        CollectionNotFoundError, ConfigurationError, StorageError, ServiceUnavailableError: as
            `qa_engine.index.opening.open_catalog`.
    """
    with closing(open_catalog(storage, name, config)) as catalog:
        return summary_of(catalog, name)


def summary_of(catalog: Catalog, name: str) -> CollectionSummary:
    """What the collection of an open catalog holds."""
    files = catalog.files().values()
    return CollectionSummary(
        name,
        len(files),
        sum(file.pages for file in files),
        catalog.node_count(),
        (catalog.identity or {}).get("model", ""),
    )


def create_collection(
    name: str,
    storage: Path | str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
) -> CollectionSummary:
    """Makes a collection without files, with the embedding model of the configuration.

    Args:
        name: 1 to 200 printable characters.
        storage, config: as for `qa_engine.ingest`.

    Raises:
        InputError: the name cannot be used, or a collection has it.
        ConfigurationError, StorageError: as for `qa_engine.ingest`.
    """
    settings = Config.of(config)
    root = Path(storage) if storage is not None else settings.storage
    if collection_exists(root, name, settings.index):
        raise InputError(f"There is a collection {name!r} already.")
    ingest_uploads([], root, name, settings)
    return collection_summary(root, name, settings.index)


def remove_collection(
    name: str,
    storage: Path | str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
) -> None:
    """Removes a collection with all that it holds. The files that it was made from stay where they are.

    It is gone at once for whoever opens it from then on; a removal that is cut off after that is completed by the next one.

    Args:
        name, storage, config: as for `create_collection`.

    Raises:
        CollectionNotFoundError: there is no such collection.
        ConfigurationError: it is not where the configuration says.
        IndexLockedError: another process is writing to it.
        StorageError: it cannot be removed.
        ServiceUnavailableError: it is in a search engine that does not answer.
    """
    settings = Config.of(config)
    root = Path(storage) if storage is not None else settings.storage
    if settings.index.search_url is not None:
        _remove_from_search_engine(root, name, settings)
    else:
        require_existing(root, name, settings.index)
        _put_aside(root, collection_paths(root, name))
    logger.info("collection %s removed", name)
    complete_removals(root, settings)


def complete_removals(storage: Path, config: Config) -> None:
    """Deletes what is left of collections that were removed. What cannot be deleted now is left to the next call."""
    if config.index.search_url is not None:
        try:
            _complete_in_search_engine(storage, config.index)
        except QAEngineError as error:
            logger.warning("a removed collection is not deleted yet: %s", error)
    if not (storage / _REMOVED).is_dir():
        return
    for folder in (storage / _REMOVED).iterdir():
        try:
            _drop_vectors_on_server(CollectionPaths(folder), config)
            shutil.rmtree(folder)
        except (QAEngineError, OSError) as error:
            logger.warning("a removed collection is not deleted yet: %s", error)


def _put_aside(storage: Path, paths: CollectionPaths) -> None:
    """Takes the folder of a collection away from where collections are. Its catalog may be damaged."""
    try:
        with writer_lock(paths.root):
            make_folder(storage / _REMOVED)
            paths.root.rename(storage / _REMOVED / secrets.token_hex(8))
    except OSError as error:
        raise StorageError(
            f"{paths.root} cannot be removed ({error.strerror or error}): free permissions."
        ) from error


def _remove_from_search_engine(storage: Path, name: str, config: Config) -> None:
    from qa_engine.index.search_engine.connection.client import WRITER_PATIENCE_SECONDS
    from qa_engine.index.search_engine.opening import registry_of, require_registered
    from qa_engine.index.search_engine.registry import Registry
    from qa_engine.index.search_engine.removal import begin_removal
    from qa_engine.index.search_engine.state.lease import held_lease

    require_existing(storage, name, config.index)
    registry = registry_of(config.index)
    collection = require_registered(registry, name)
    with held_lease(registry, collection, timeout_seconds=0):
        try:
            with closing(open_catalog(storage, name, config.index)) as catalog:
                location = VectorLocation.of(catalog)
                places = [*superseded_vectors(catalog), *vectors_under_way(catalog)]
        except StorageError as error:  # of one whose state is damaged, nobody knows where the vectors are
            logger.warning("the vectors of the collection %s may be left behind: %s", name, error)
            location, places = None, []
        places += [location] if location is not None else []
        patient = Registry(registry.engine.with_patience(WRITER_PATIENCE_SECONDS))
        begin_removal(patient, collection, [asdict(place) for place in places if place.store == SERVER])


def _complete_in_search_engine(storage: Path, config: IndexConfig) -> None:
    from qa_engine.index.search_engine.opening import registry_of
    from qa_engine.index.search_engine.removal import complete_removals, delete_old_replicas

    registry = registry_of(config)
    nowhere = CollectionPaths(storage)  # what is on a server needs no paths
    complete_removals(registry, lambda place: drop_location(nowhere, VectorLocation(**place), config))
    delete_old_replicas(storage, registry)


def _drop_vectors_on_server(paths: CollectionPaths, config: Config) -> None:
    if not paths.catalog.is_file():
        return
    location = None
    # A damaged one cannot say where its vectors are.
    with suppress(StorageError), closing(Catalog(paths.catalog)) as catalog:
        location = VectorLocation.of(catalog)
    if location is not None and location.store == SERVER:
        drop_location(paths, location, config.index)
