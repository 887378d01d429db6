"""What moves of a collection have in common, in either direction: what is completed, given up and deleted."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qa_engine.config import Config, IndexConfig
from qa_engine.errors import (
    ConfigurationError,
    StorageError,
)
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, collection_paths
from qa_engine.index.disk.atomic_file import make_folder
from qa_engine.index.moves import (
    Arrival,
    arriving_catalog,
    delete_parts,
    departed_catalog,
)
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.connection.client import WRITER_PATIENCE_SECONDS
from qa_engine.index.search_engine.opening import (
    registry_of,
    write_registered,
)
from qa_engine.index.search_engine.registry import FORMAT, LogBase, RegisteredCollection, Registry
from qa_engine.index.search_engine.state.replica_files import remove_replica
from qa_engine.index.vectors.locations import SERVER, VectorLocation, drop_location
from qa_engine.ingestion.maintenance.copying import Place
from qa_engine.ingestion.maintenance.reembedding import give_up_rebuild
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.publishing import publish

logger = logging.getLogger("qa_engine.ingestion")


class CollectionMove:
    """One move of one collection, in a process that has the lock of its folder while it changes something there."""

    def __init__(self, root: Path, name: str, settings: Config, progress: IngestProgress) -> None:
        self._root = root
        self._name = name
        self._paths: CollectionPaths = collection_paths(root, name)
        self._settings = settings
        self._progress = progress
        self._timeout = settings.ingestion.lock_timeout_seconds

    def _complete_arrival(self) -> None:
        """Empties the old place of a collection that is in the storage."""
        if not self._paths.catalog.is_file():
            return
        with closing(Catalog(self._paths.catalog)) as catalog:
            arrival = Arrival.of(catalog)
            if arrival is None:
                return
            registry = self._registry(arrival.url)
            former = RegisteredCollection(self._name, arrival.mark, arrival.indices, LogBase(), FORMAT)
            registry.remove(former)
            if arrival.vector_collection:
                place = VectorLocation(SERVER, arrival.vector_collection, arrival.vector_url)
                drop_location(self._paths, place, self._settings.index)
            self._drop_replicas()
            Arrival.forget(catalog)

    def _delete_departed(self) -> None:
        """Deletes what is left in the storage of a collection that is in the search engine."""
        file = departed_catalog(self._paths)
        if not file.is_file():
            return
        with closing(Catalog(file)) as catalog:
            location = VectorLocation.of(catalog)
        try:
            if location is not None and location.store == SERVER:
                drop_location(self._paths, location, self._settings.index)
            delete_parts(self._paths)
            file.unlink()
        except OSError as error:
            raise self._unwritable(error) from error

    def _discard_arriving(self) -> None:
        """Deletes what a move into the storage, which was given up, has copied."""
        file = arriving_catalog(self._paths)
        if not file.is_file():
            return
        location = None
        try:
            with closing(Catalog(file)) as catalog:
                location = VectorLocation.of(catalog)
        except StorageError as error:  # it was cut off when it was made, and nothing was stored yet
            logger.info("a catalog that was not complete is deleted: %s", error)
        try:
            if location is not None and location.store == SERVER:
                drop_location(self._paths, location, self._settings.index)
            delete_parts(self._paths)
            file.unlink()
        except OSError as error:
            raise self._unwritable(error) from error

    def _settle(self, place: Place) -> None:
        """Completes what an earlier run left in a place, so that it holds the published state and nothing else."""
        catalog = place.catalog
        if catalog.identity is None:
            raise StorageError(
                f"The collection {self._name!r} was never completed: run qa-engine ingest on its files again."
            )
        with closing(place.nodes()) as nodes:
            give_up_rebuild(catalog, nodes)
            nodes.drop_superseded()
            if isinstance(catalog, SharedCatalog) and catalog.published == catalog.changes:
                nodes.delete_unfinished()
                return
            nodes.retokenize(self._progress)
            nodes.correct_names()
            publish(catalog, place.paths, place.config.bm25, self._progress, nodes)
            nodes.delete_unfinished()

    @contextmanager
    def _written(self, registry: Registry, found: RegisteredCollection) -> Iterator[SharedCatalog]:
        settings, config = self._settings, registry.engine.config
        patient = Registry(registry.engine.with_patience(WRITER_PATIENCE_SECONDS))
        with write_registered(self._root, patient, found, config, settings.bm25, self._timeout) as shared:
            yield shared

    def _drop_replicas(self) -> None:
        for file in self._paths.replicas:
            remove_replica(file)

    def _registry(self, search_url: str) -> Registry:
        return registry_of(IndexConfig(**self._settings.index.model_dump() | {"search_url": search_url}))

    def _with_index(self, index: IndexConfig) -> Config:
        return self._settings.model_copy(update={"index": index})

    def _make_root(self) -> None:
        try:
            make_folder(self._paths.root)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._paths.root} cannot be written ({error.strerror or error}): free permissions or space, then run the "
            "same command again."
        )

    def _two_of_a_name(self, registry: Registry) -> ConfigurationError:
        return ConfigurationError(
            f"There is a collection {self._name!r} in the storage {self._root}, and another one in the search engine at "
            f"{registry.engine.url}: remove the one that is not needed, or bring its files into a collection of another "
            f"name (qa-engine ingest PATH --collection {shlex.quote(self._name + '-2')})."
        )
