"""Removes the bytes of uploaded files that no collection has any more."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from qa_engine.config import IndexConfig
from qa_engine.errors import CollectionNotFoundError, QAEngineError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.disk.atomic_file import file_mode, make_folder
from qa_engine.index.opening import collection_names, open_catalog
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.uploads import UPLOADS_FOLDER, is_upload

logger = logging.getLogger("qa_engine.ingestion")

_SHA256 = re.compile(r"([0-9a-f]{64})(\.[a-z0-9]+)?")


@contextmanager
def uploads_lock(storage: Path) -> Iterator[None]:
    """Keeps other processes and threads from storing uploaded files, or removing them, for as long as it is held.

    Raises:
        StorageError: the folder of the uploads cannot be written.
    """
    folder = storage / UPLOADS_FOLDER
    file = folder / ".lock"
    try:
        make_folder(folder)
        lock = FileLock(file, mode=file_mode(file))
        lock.acquire()
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}): free permissions or space."
        ) from error
    try:
        yield
    finally:
        lock.release()


def remove_unused_uploads(
    storage: Path, awaited: Callable[[], Collection[str]], config: IndexConfig
) -> list[str]:
    """Removes uploaded contents that no file of any collection has, and that nothing waits for.

    Nothing is removed while the catalog of a collection cannot be read: its files may have any of them.

    Args:
        storage: the folder of the collections.
        awaited: the SHA-256 of contents that are still to be ingested. It is asked once no more can be stored.
        config: says whether collections are in a search engine as well.

    Returns:
        The SHA-256 of the contents that were removed.

    Raises:
        StorageError: the folder of the uploads cannot be written.
    """
    if not (storage / UPLOADS_FOLDER).is_dir():
        return []
    with uploads_lock(storage):
        stored: dict[str, list[Path]] = {}
        for path in (storage / UPLOADS_FOLDER).iterdir():
            if match := _SHA256.fullmatch(path.name):
                stored.setdefault(match[1], []).append(path)
        unused = set(stored).difference(awaited())
        if unused:
            try:
                unused.difference_update(_ingested(storage, config))
            except QAEngineError as error:
                logger.warning("Uploaded files that may be unused are kept: %s", error)
                return []
        try:
            for sha256 in unused:
                for path in stored[sha256]:
                    path.unlink()
        except OSError as error:
            raise StorageError(
                f"{storage / UPLOADS_FOLDER} cannot be written ({error.strerror or error}): free permissions."
            ) from error
    if unused:
        logger.info("uploaded contents that no collection has removed: %d", len(unused))
    return sorted(unused)


def _ingested(storage: Path, config: IndexConfig) -> Iterator[str]:
    """What the collections have of uploaded contents."""
    return (record.sha256 for record in recorded_files(storage, config) if is_upload(record.path))


def recorded_files(storage: Path, config: IndexConfig) -> Iterator[FileRecord]:
    """The files of the collections of the storage and those of the search engine, if there is one.

    Raises:
        QAEngineError: the catalog of a collection cannot be read.
    """
    for path in storage.glob("*/catalog.sqlite"):
        with closing(Catalog(path)) as catalog:
            yield from catalog.files().values()
    if config.search_url is None:
        return
    for name in collection_names(storage, config):
        # One that is being deleted has none.
        with suppress(CollectionNotFoundError), closing(open_catalog(storage, name, config)) as catalog:
            yield from catalog.files().values()
