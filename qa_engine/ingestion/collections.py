"""Makes collections without files, and removes collections with all that they hold."""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_engine.config import Config
from qa_engine.errors import InputError, QAEngineError, StorageError
from qa_engine.index.atomic_file import make_folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, collection_paths, require_collection
from qa_engine.index.vectors.locations import SERVER, VectorLocation, drop_location
from qa_engine.index.writer_lock import writer_lock
from qa_engine.ingestion.ingest import ingest_uploads

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


def collection_summary(storage: Path, name: str) -> CollectionSummary:
    """What a collection holds.

    Raises:
        CollectionNotFoundError: there is no such collection.
        StorageError: its catalog cannot be read.
    """
    with closing(Catalog(require_collection(storage, name).catalog)) as catalog:
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
    if collection_paths(root, name).catalog.exists():
        raise InputError(f"There is a collection {name!r} already.")
    ingest_uploads([], root, name, settings)
    return collection_summary(root, name)


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
        IndexLockedError: another process is writing to it.
        StorageError: it cannot be removed.
    """
    settings = Config.of(config)
    root = Path(storage) if storage is not None else settings.storage
    paths = require_collection(root, name)
    try:
        with writer_lock(paths.root):
            make_folder(root / _REMOVED)
            paths.root.rename(root / _REMOVED / secrets.token_hex(8))
    except OSError as error:
        raise StorageError(
            f"{paths.root} cannot be removed ({error.strerror or error}): free permissions."
        ) from error
    logger.info("collection %s removed", name)
    complete_removals(root, settings)


def complete_removals(storage: Path, config: Config) -> None:
    """Deletes what is left of collections that were removed. What cannot be deleted now is left to the next call."""
    if not (storage / _REMOVED).is_dir():
        return
    for folder in (storage / _REMOVED).iterdir():
        try:
            _drop_vectors_on_server(CollectionPaths(folder), config)
            shutil.rmtree(folder)
        except (QAEngineError, OSError) as error:
            logger.warning("a removed collection is not deleted yet: %s", error)


def _drop_vectors_on_server(paths: CollectionPaths, config: Config) -> None:
    if not paths.catalog.is_file():
        return
    try:
        with closing(Catalog(paths.catalog)) as catalog:
            location = VectorLocation.of(catalog)
    except StorageError:  # a damaged one cannot say where its vectors are
        return
    if location is not None and location.store == SERVER:
        drop_location(paths, location, config.index)
