"""Moves a collection to where the configuration says: into a search engine with a Chroma server, or into the storage."""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qa_engine.config import Config, IndexConfig
from qa_engine.errors import (
    CollectionNotFoundError,
    ConfigurationError,
    IndexLockedError,
    StorageError,
)
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths, require_collection
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.index.moves import (
    Arrival,
    Departure,
    arriving_catalog,
    departed_catalog,
    put_in_place,
)
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.opening import (
    open_shared,
    recorded_address,
    registry_of,
)
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry, new_mark
from qa_engine.index.search_engine.state.replica_files import reader_replica
from qa_engine.index.search_engine.state.state_log import StateLog
from qa_engine.index.vectors.locations import VectorLocation, drop_location
from qa_engine.ingestion.maintenance.collection_move import CollectionMove
from qa_engine.ingestion.maintenance.copying import CollectionCopy, Place
from qa_engine.ingestion.report import IngestProgress

logger = logging.getLogger("qa_engine.ingestion")


@dataclass(frozen=True)
class MoveReport:
    """The outcome of a move.

    Attributes:
        collection: its name.
        place: where it is now: the folder of the storage, or the address of the search engine.
        documents: in the collection.
        nodes: sentences that were copied: none if it was there already, and fewer than all if a move that was cut off was
            completed.
        seconds: duration.
    """

    collection: str
    place: str
    documents: int
    nodes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``move --json``."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


def move_collection(
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    search_url: str | None = None,
    progress: IngestProgress | None = None,
) -> MoveReport:
    """Moves a collection to where the configuration says; nothing is read or embedded.

    With ``index.search_url``, it is moved from the storage into that search engine, and its vectors to the Chroma server of
    ``index.url``; without, from the search engine into the storage, and its vectors into its folder, or to the Chroma server
    if ``index.url`` is set. Questions are answered from the old place until the new one is whole. A move that was cut off is
    completed when it is started again. What was uploaded stays in the storage.

    Args:
        storage, collection, config, progress: as for `ingest`.
        search_url: address of the search engine that the collection is in, for a move into the storage; None for the one
            that this machine has last asked.

    Raises:
        CollectionNotFoundError: the collection is in neither place.
        ConfigurationError: each place has a collection of this name; or ``index.search_url`` is set without ``index.url``.
        IndexLockedError: another process is writing to it.
        StorageError: it is damaged, or one of the places cannot be written; it stays where it is.
        ServiceUnavailableError, AuthenticationFailedError: a service is not there, or refuses; it stays where it is.
    """
    settings = Config.of(config)
    started = time.perf_counter()
    root = Path(storage) if storage is not None else settings.storage
    name = collection if collection is not None else settings.collection
    reported = progress or IngestProgress()
    if settings.index.search_url is not None:
        documents, nodes = _IntoSearchEngine(root, name, settings, reported).run()
        place = settings.index.search_url
    else:
        documents, nodes = _IntoStorage(root, name, settings, reported).run(search_url)
        place = str(collection_paths(root, name).root)
    seconds = time.perf_counter() - started
    logger.info("move of collection %s to %s ended: %d sentences, %.1f s", name, place, nodes, seconds)
    return MoveReport(name, place, documents, nodes, seconds)


class _IntoSearchEngine(CollectionMove):
    """A move from the storage into the search engine that the configuration names."""

    def run(self) -> tuple[int, int]:
        """Moves the collection into the search engine; returns its documents, and the sentences that were copied."""
        index = self._settings.index
        if index.url is None:
            raise ConfigurationError(
                "index.search_url is set and index.url is not: vectors have to be on a Chroma server that all machines "
                "reach, name it in index.url."
            )
        registry = registry_of(index)
        copied = 0
        if registry.entry(self._name) is None and not self._paths.root.is_dir():
            open_shared(self._root, self._name, index)  # says what there is
        self._make_root()
        with writer_lock(self._paths.root, self._timeout):
            self._complete_arrival()
            entry = registry.entry(self._name)
            if self._paths.catalog.is_file():
                copied = self._depart(registry, entry)
            else:
                self._stay(registry, entry)
            self._delete_departed()
        with closing(open_shared(self._root, self._name, index)) as catalog:
            return len(catalog.live_documents()), copied

    def _depart(self, registry: Registry, entry: RegisteredCollection | None) -> int:
        """Copies the collection of the storage, has it be that of the search engine, and takes it out of the storage."""
        copied = 0
        with closing(Catalog(self._paths.catalog, create=True)) as catalog:
            departure = Departure.of(catalog)
            if entry is not None and (departure is None or departure.mark != entry.mark):
                if entry.state == "arriving":
                    registry.create(self._name, self._settings.bm25)  # says where it is moved from
                raise self._two_of_a_name(registry)
            if entry is None or entry.state == "arriving":
                copied = self._copy_out(catalog, registry, departure)
        put_in_place(self._paths.catalog, departed_catalog(self._paths))
        return copied

    def _copy_out(self, catalog: Catalog, registry: Registry, departure: Departure | None) -> int:
        source = Place(self._paths, catalog, self._with_index(_stored(self._settings.index, catalog)))
        self._settle(source)
        mark = departure.mark if departure is not None else new_mark()
        departure = Departure(mark, registry.engine.url)
        departure.record(catalog)
        origin = f"{self._paths.root.absolute()} on {socket.gethostname()}"
        found = registry.create(self._name, self._settings.bm25, mark, origin)
        with self._written(registry, found) as shared:
            target = Place(self._paths, shared, self._settings)
            copied = CollectionCopy(source, target, self._progress).run()
            replace(departure, switched=True).record(catalog)
            shared.log.collection = registry.set_state(found, "active")
        logger.info("the collection %s is in the search engine from now on", self._name)
        return copied

    def _stay(self, registry: Registry, entry: RegisteredCollection | None) -> None:
        """Nothing is in the storage: the collection is in the search engine already, or a move out of that is given up."""
        if entry is None:
            return
        if entry.state == "arriving":
            registry.create(self._name, self._settings.bm25)  # says where it is moved from
        if entry.state == "leaving":
            registry.set_state(entry, "active")
        self._discard_arriving()


class _IntoStorage(CollectionMove):
    """A move from a search engine into the storage."""

    def run(self, search_url: str | None) -> tuple[int, int]:
        """Moves the collection into the storage; returns its documents, and the sentences that were copied."""
        copied = 0
        address = search_url or recorded_address(self._paths)
        if not self._paths.root.is_dir() and address is None:
            require_collection(self._root, self._name)  # says what there is
        self._make_root()
        with writer_lock(self._paths.root, self._timeout):
            self._complete_arrival()
            if self._paths.catalog.is_file():
                self._take_back()
            if not self._paths.catalog.is_file():
                copied = self._arrive(address)
                self._complete_arrival()
            elif search_url is not None and (registry := self._registry(search_url)).find(self._name):
                raise self._two_of_a_name(registry)
        with closing(Catalog(require_collection(self._root, self._name).catalog)) as catalog:
            return len(catalog.live_documents()), copied

    @staticmethod
    def _close_to_writers(registry: Registry, found: RegisteredCollection, shared: SharedCatalog) -> None:
        """Keeps writers out of the search engine's collection; fails if one has written to it since it was copied."""
        shared.log.collection = registry.set_state(found, "leaving")
        try:
            shared.set_meta(left=secrets.token_hex(4))
        except IndexLockedError:
            registry.set_state(found, "active")
            raise

    def _take_back(self) -> None:
        """Gives up a move out of the storage that is under way. One that has switched already is completed, to go back."""
        with closing(Catalog(self._paths.catalog)) as catalog:
            departure = Departure.of(catalog)
            if departure is None:
                return
            registry = self._registry(departure.url)
            entry = registry.entry(self._name)
            if entry is None or entry.mark != departure.mark:
                Departure.forget(catalog)
                return
            if entry.state == "arriving":
                place = self._vectors_of(registry, entry)
                registry.remove(entry)
                if place is not None:
                    drop_location(self._paths, place, self._settings.index)
                self._drop_replicas()
                Departure.forget(catalog)
                return
        put_in_place(self._paths.catalog, departed_catalog(self._paths))

    def _arrive(self, address: str | None) -> int:
        """Copies the collection of the search engine, and has it be that of the storage."""
        address = address or recorded_address(self._paths)
        if address is None:
            require_collection(self._root, self._name)  # says what there is
            raise AssertionError(self._paths)
        self._delete_departed()
        registry = self._registry(address)
        found = registry.find(self._name)
        if found is None:
            open_shared(self._root, self._name, registry.engine.config)  # says what there is
            raise CollectionNotFoundError(f"The collection {self._name!r} was deleted.")
        with self._written(registry, found) as shared:
            former = VectorLocation.of(shared)
            index = registry.engine.config.model_copy(update={"url": former.url if former else None})
            source = Place(self._paths, shared, self._with_index(index))
            self._settle(source)
            arrival = Arrival(
                found.mark,
                found.indices,
                address,
                former.name if former else "",
                (former.url or "") if former else "",
            )
            with closing(self._arriving(arrival)) as catalog:
                target = Place(self._paths, catalog, self._settings)
                copied = CollectionCopy(source, target, self._progress).run()
                arrival.record(catalog)
            self._close_to_writers(registry, found, shared)
            put_in_place(arriving_catalog(self._paths), self._paths.catalog)
        logger.info("the collection %s is in the storage from now on", self._name)
        return copied

    def _arriving(self, arrival: Arrival) -> Catalog:
        """The catalog that is filled; what there is of another move, or of an earlier one, is deleted first."""
        file = arriving_catalog(self._paths)
        if file.is_file():
            try:
                catalog = Catalog(file, create=True)
            except StorageError:  # it was cut off when it was made
                catalog = None
            if catalog is not None:
                begun = Arrival.of(catalog)
                if begun is not None and begun.mark == arrival.mark:
                    return catalog
                catalog.close()
        self._discard_arriving()
        catalog = Catalog(file, create=True)
        arrival.record(catalog)
        return catalog

    def _vectors_of(self, registry: Registry, entry: RegisteredCollection) -> VectorLocation | None:
        with closing(
            SharedCatalog(reader_replica(self._paths.root, entry.mark), StateLog(registry, entry))
        ) as catalog:
            return VectorLocation.of(catalog)


def _stored(index: IndexConfig, catalog: Catalog) -> IndexConfig:
    """The settings that a collection in the storage is opened with, whose vectors are in its folder or on a server."""
    location = VectorLocation.of(catalog)
    return index.model_copy(update={"search_url": None, "url": location.url if location else None})
