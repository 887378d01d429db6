"""Opens the catalogs of collections, wherever the configuration says that they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qa_engine.config import Config, IndexConfig
from qa_engine.errors import ConfigurationError, StorageError
from qa_engine.index.atomic_file import make_folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, collection_paths, list_collections, require_collection
from qa_engine.index.writer_lock import writer_lock


def open_catalog(storage: Path, name: str, config: IndexConfig) -> Catalog:
    """The catalog of a collection, for reading.

    Args:
        storage: the storage of this machine.
        name: of the collection.
        config: says whether it is in the storage or in a search engine.

    Raises:
        CollectionNotFoundError: there is no such collection; the message lists those that exist.
        StorageError: it cannot be read.
        ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
    """
    if config.search_url is None:
        return Catalog(require_collection(storage, name).catalog)
    from qa_engine.index.search_engine.opening import open_shared

    return open_shared(storage, name, config)


def collection_names(storage: Path, config: IndexConfig) -> list[str]:
    """The names of all collections, sorted. Raises as `open_catalog` does."""
    if config.search_url is None:
        return list_collections(storage)
    from qa_engine.index.search_engine.opening import registry_of

    return registry_of(config).names()


def collection_exists(storage: Path, name: str, config: IndexConfig) -> bool:
    """Whether there is a collection of this name. Raises as `open_catalog` does, and `InputError` for what is no name."""
    paths = collection_paths(storage, name)
    if config.search_url is None:
        return paths.catalog.is_file()
    from qa_engine.index.search_engine.opening import registry_of

    return registry_of(config).find(name) is not None


@contextmanager
def writable_catalog(
    storage: Path, name: str, config: Config, create: bool
) -> Iterator[tuple[CollectionPaths, Catalog]]:
    """The paths and the catalog of a collection for its one writer, who has the right to write until the block ends.

    Args:
        storage, name: the storage of this machine, and the collection.
        config: the settings.
        create: make the collection if there is none.

    Raises:
        CollectionNotFoundError: there is no such collection, and none is to be made.
        StorageError: it cannot be written.
        IndexLockedError: another process is writing to it.
        ConfigurationError: ``index.search_url`` is set without ``index.url``.
        ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
    """
    timeout = config.ingestion.lock_timeout_seconds
    if config.index.search_url is not None:
        if config.index.url is None:
            raise ConfigurationError(
                "index.search_url is set and index.url is not: vectors have to be on a Chroma server that all machines "
                "reach, name it in index.url."
            )
        from qa_engine.index.search_engine.opening import open_for_writing

        with open_for_writing(storage, name, config.index, config.bm25, timeout, create) as shared:
            yield collection_paths(storage, name), shared
        return
    if create:
        paths = collection_paths(storage, name)
        try:
            make_folder(paths.root)
        except OSError as error:
            raise StorageError(
                f"The storage {paths.root} cannot be made ({error.strerror or error}): name another with --storage."
            ) from error
    else:
        paths = require_collection(storage, name)
    with (
        writer_lock(paths.root, timeout),
        closing(Catalog(paths.catalog, create=create)) as catalog,
    ):
        yield paths, catalog
