"""Catalogs for many short looks, such as the requests of a server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from qa_engine.config import IndexConfig
from qa_engine.errors import CollectionNotFoundError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.opening import collection_names, open_catalog, require_existing
from qa_engine.index.search_engine.catalog import SharedCatalog

_MOST = 64


class OpenCatalogs:
    """The catalogs of the collections that a configuration reaches. Thread-safe.

    A catalog in the storage is opened for each look, which takes less than a millisecond: none is in the way of a collection
    that is deleted or made anew. One in a search engine stays open, and is brought up to date for each look by one request.
    """

    def __init__(self, storage: Path, config: IndexConfig) -> None:
        """
        Args:
            storage: of this machine.
            config: says where collections are.
        """
        self._storage = storage
        self._config = config
        self._kept: OrderedDict[Path, Catalog] = OrderedDict()
        self._lock = Lock()

    def names(self) -> list[str]:
        """The names of all collections, sorted. Raises as `collection_names`."""
        return collection_names(self._storage, self._config)

    def require(self, collection: str) -> None:
        """Raises what `opened` raises where there is no such collection."""
        require_existing(self._storage, collection, self._config)

    @contextmanager
    def opened(self, collection: str) -> Iterator[Catalog]:
        """The catalog of a collection as it is now, until the block ends. Raises as `open_catalog`, and `InputError`."""
        if self._config.search_url is None:
            with closing(open_catalog(self._storage, collection, self._config)) as catalog:
                yield catalog
            return
        yield self._current(collection)

    def _current(self, collection: str) -> Catalog:
        place = collection_paths(self._storage, collection).root
        with self._lock:
            kept = self._kept.get(place)
        if kept is not None:
            try:
                kept.synchronise()
                return kept
            except CollectionNotFoundError:  # it was deleted, and may have been made again
                self._drop(place, kept)
        opened = open_catalog(self._storage, collection, self._config)
        if not isinstance(opened, SharedCatalog):  # it is just being moved away
            return opened
        with self._lock:
            self._kept[place] = opened
            self._kept.move_to_end(place)
            while len(self._kept) > _MOST:
                # Whoever still looks into it holds it: it is closed when nobody does.
                self._kept.popitem(last=False)
        return opened

    def _drop(self, place: Path, catalog: Catalog) -> None:
        with self._lock:
            if self._kept.get(place) is catalog:
                del self._kept[place]

    def close(self) -> None:
        """Closes what is open."""
        with self._lock:
            kept = list(self._kept.values())
            self._kept.clear()
        for catalog in kept:
            catalog.close()
