"""Opens the catalogs of collections for requests, and finds files in them by their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from qa_engine.config import IndexConfig
from qa_engine.errors import InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.open_catalogs import OpenCatalogs
from qa_engine.index.records import FileRecord
from qa_engine.server.problems import ProblemError

_MAX_KNOWN = 100_000


class Catalogs:
    """The catalogs of all collections. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, storage: Path, config: IndexConfig | None = None) -> None:
        """
        Args:
            storage: the folder of the index.
            config: says where collections are; None for the storage.
        """
        self._open = OpenCatalogs(storage, config or IndexConfig())
        self._paths: dict[tuple[str, str], str] = {}

    def names(self) -> list[str]:
        """The names of all collections, sorted.

        Raises:
            ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
        """
        return self._open.names()

    def close(self) -> None:
        """Closes what is open."""
        self._open.close()

    @contextmanager
    def opened(self, collection: str) -> Iterator[Catalog]:
        """The catalog of a collection, until the block ends.

        Raises:
            ProblemError: ``not_found`` if there is no such collection; others are not named.
            ConfigurationError: there is one, and it is not where the configuration says.
            StorageError: the catalog cannot be read.
            ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
        """
        with ExitStack() as stack:
            try:
                catalog = stack.enter_context(self._open.opened(collection))
            except InputError as error:  # what cannot be a name is the name of none
                raise _not_found(collection) from error
            yield catalog

    def require(self, collection: str) -> None:
        """Raises what `opened` raises where there is no such collection."""
        try:
            self._open.require(collection)
        except InputError as error:
            raise _not_found(collection) from error

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
            QAEngineError: a catalog cannot be read, so that nobody knows.
        """
        found: set[str] = set()
        for name in self.names():
            with suppress(ProblemError), self.opened(name) as catalog:  # one that is being deleted holds none
                found.update(catalog.files_of(list(document_ids)))
        return found


def _not_found(collection: str) -> ProblemError:
    return ProblemError("not_found", f"There is no collection {collection!r}.")
