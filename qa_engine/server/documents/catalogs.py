"""Opens the catalogs of collections for requests, and finds files in them by their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from qa_engine.errors import InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths, list_collections
from qa_engine.index.records import FileRecord
from qa_engine.server.problems import ProblemError

_MAX_KNOWN = 100_000


class Catalogs:
    """The catalogs in a storage. Thread-safe; its methods block, so call them from threads.

    A catalog is opened for each request, which takes less than a millisecond: none is in the way of a collection that is
    deleted or made anew.
    """

    def __init__(self, storage: Path) -> None:
        """
        Args:
            storage: the folder of the index.
        """
        self._storage = storage
        self._paths: dict[tuple[str, str], str] = {}

    @contextmanager
    def opened(self, collection: str) -> Iterator[Catalog]:
        """The catalog of a collection, until the block ends.

        Raises:
            ProblemError: ``not_found`` if there is no such collection; others are not named.
            StorageError: the catalog cannot be read.
        """
        with closing(Catalog(self.require(collection))) as catalog:
            yield catalog

    def require(self, collection: str) -> Path:
        """The file of the catalog of a collection.

        Raises:
            ProblemError: ``not_found`` if there is no such collection; others are not named.
        """
        try:
            path = collection_paths(self._storage, collection).catalog
        except InputError:  # what cannot be a name is the name of none
            path = None
        if path is None or not path.is_file():
            raise ProblemError("not_found", f"There is no collection {collection!r}.")
        return path

    def file(self, catalog: Catalog, collection: str, file_id: str) -> FileRecord:
        """A file of an open catalog.

        Args:
            catalog: of the collection.
            collection: its name.
            file_id: see `FileRecord.file_id`.

        Raises:
            ProblemError: ``not_found`` if the collection holds no such file.
        """
        # Looking for an id takes a look at every path, which a page full of images should not pay for each of them.
        known = self._paths.get((collection, file_id))
        record = catalog.file_at(known) if known is not None else None
        if record is None:
            record = catalog.file_with_id(file_id)
        if record is None:
            raise ProblemError("not_found", f"The collection {collection!r} has no file {file_id!r}.")
        if len(self._paths) >= _MAX_KNOWN:
            self._paths.clear()
        self._paths[collection, file_id] = record.path
        return record

    def held(self, document_ids: Collection[str]) -> set[str]:
        """Those of some documents that files of any collection have.

        Raises:
            StorageError: a catalog cannot be read, so that nobody knows.
        """
        found: set[str] = set()
        for name in list_collections(self._storage):
            with suppress(ProblemError), self.opened(name) as catalog:  # one that is being deleted holds none
                found.update(catalog.files_of(list(document_ids)))
        return found
