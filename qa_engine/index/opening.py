"""Opens the catalogs of collections, wherever the configuration says that they are."""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qa_engine.config import Config, IndexConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, collection_paths, list_collections, require_collection
from qa_engine.index.disk.atomic_file import make_folder
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.index.moves import Arrival, Departure, arriving_catalog, departed_catalog, require_staying


def open_catalog(storage: Path, name: str, config: IndexConfig) -> Catalog:
    """The catalog of a collection, for reading.

    Args:
        storage: the storage of this machine.
        name: of the collection.
        config: says whether it is in the storage or in a search engine.

    Raises:
        CollectionNotFoundError: there is no such collection; the message lists those that exist.
        ConfigurationError: there is one, and it is not where the configuration says.
        StorageError: it cannot be read.
        ServiceUnavailableError, AuthenticationFailedError: the search engine is not there, or refuses.
    """
    if config.search_url is None:
        old_place = _still_in_search_engine(storage, name, config)
        if old_place is None:
            return Catalog(_require_stored(storage, name).catalog)
        config = old_place
    from qa_engine.index.search_engine.opening import open_shared

    try:
        return open_shared(storage, name, config)
    except CollectionNotFoundError:
        if _still_in_storage(storage, name, config):
            return Catalog(_require_stored(storage, name).catalog)
        _require_not_stored(storage, name, config)
        raise


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


def require_existing(storage: Path, name: str, config: IndexConfig) -> None:
    """Raises what `open_catalog` raises where it finds no collection, and opens nothing."""
    collection_identity(storage, name, config)


def collection_identity(storage: Path, name: str, config: IndexConfig) -> Hashable:
    """What tells a collection from one that was made anew under its name. It costs one request of a search engine.

    Raises:
        CollectionNotFoundError, ConfigurationError, ServiceUnavailableError, AuthenticationFailedError: as `open_catalog`.
    """
    if (
        config.search_url is None
        and (old_place := _still_in_search_engine(storage, name, config)) is not None
    ):
        config = old_place
    if config.search_url is None:
        file = _require_stored(storage, name).catalog
        try:
            status = file.stat()
        except FileNotFoundError:
            raise CollectionNotFoundError(f"The collection {name!r} was deleted.") from None
        return status.st_dev, status.st_ino
    from qa_engine.index.search_engine.opening import registry_of, require_registered

    try:
        return require_registered(registry_of(config), name).mark
    except CollectionNotFoundError:
        if _still_in_storage(storage, name, config):
            return collection_identity(storage, name, config.model_copy(update={"search_url": None}))
        _require_not_stored(storage, name, config)
        raise


def require_place(storage: Path, name: str, config: IndexConfig) -> None:
    """Raises `ConfigurationError` if there is a collection of this name, and it is not where the configuration says."""
    try:
        collection_identity(storage, name, config)
    except CollectionNotFoundError:
        return


def _require_stored(storage: Path, name: str) -> CollectionPaths:
    """As `require_collection`; of a collection whose copy shows that it is in a search engine, it says so."""
    try:
        return require_collection(storage, name)
    except CollectionNotFoundError as error:
        paths = collection_paths(storage, name)
        if departed_catalog(paths).is_file():
            raise ConfigurationError(
                f"The collection {name!r} was moved from the storage {storage} to a search engine: set index.search_url to "
                f"its address, and complete the move with {move_command(storage, name)}."
            ) from error
        if replicas := paths.replicas:
            raise ConfigurationError(
                f"The collection {name!r} is not in the storage {storage}: this machine knows it from a search engine, and "
                "index.search_url is not set: set it to the address of that search engine. If the collection is no longer "
                f"there, delete {replicas[0]}; to move it into this storage: {move_command(storage, name)}."
            ) from error
        raise


def _require_not_stored(storage: Path, name: str, config: IndexConfig) -> None:
    """Raises `ConfigurationError` for a collection that the storage has, and the search engine has not."""
    if collection_paths(storage, name).catalog.is_file():
        raise ConfigurationError(
            f"The collection {name!r} is in the storage {storage}, and index.search_url names the search engine at "
            f"{config.search_url}, which has no such collection: unset index.search_url, or move the collection there with "
            f"{move_command(storage, name)}."
        )


def _still_in_storage(storage: Path, name: str, config: IndexConfig) -> bool:
    """Whether a collection is just moved out of the storage, to where the configuration says."""
    file = collection_paths(storage, name).catalog
    if not file.is_file():
        return False
    with closing(Catalog(file)) as catalog:
        departure = Departure.of(catalog)
    if departure is None:
        return False
    from qa_engine.index.search_engine.opening import registry_of

    entry = registry_of(config).entry(name)
    return entry is not None and entry.mark == departure.mark


def _still_in_search_engine(storage: Path, name: str, config: IndexConfig) -> IndexConfig | None:
    """Where a collection is that is just moved into the storage; None unless one is."""
    paths = collection_paths(storage, name)
    file = arriving_catalog(paths)
    if paths.catalog.is_file() or not file.is_file():
        return None
    try:
        with closing(Catalog(file)) as catalog:
            arrival = Arrival.of(catalog)
    except StorageError:  # it is just being made
        if paths.catalog.is_file():
            return None
        raise
    return config.model_copy(update={"search_url": arrival.url}) if arrival is not None else None


def move_command(storage: Path, name: str) -> str:
    """The command that moves a collection to where the configuration says that it is to be."""
    return f"qa-engine move --collection {shlex.quote(name)} --storage {shlex.quote(str(storage))}"


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
        ConfigurationError: ``index.search_url`` is set without ``index.url``; or there is such a collection, and it is not
            where the configuration says.
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

        require_place(storage, name, config.index)
        with open_for_writing(storage, name, config.index, config.bm25, timeout, create) as shared:
            yield collection_paths(storage, name), shared
        return
    if create:
        require_place(storage, name, config.index)
        paths = collection_paths(storage, name)
        try:
            make_folder(paths.root)
        except OSError as error:
            raise StorageError(
                f"The storage {paths.root} cannot be made ({error.strerror or error}): name another with --storage."
            ) from error
    else:
        paths = _require_stored(storage, name)
    with (
        writer_lock(paths.root, timeout),
        closing(Catalog(paths.catalog, create=create)) as catalog,
    ):
        require_staying(catalog, name)
        yield paths, catalog
