"""Changes what is noted about a file of a collection, without reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qa_engine.config import Config
from qa_engine.errors import InputError
from qa_engine.index.files.metadata import checked_metadata, normal
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.writing.session import write_session


def change_metadata(
    path: str,
    changes: Mapping[str, Any],
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
) -> FileRecord:
    """Changes metadata of one file, as JSON Merge Patch does. Readers see it at once, and no vector is touched.

    Args:
        path: the path that the file is recorded under, such as ``upload:/年报.pdf``.
        changes: a text, number or truth value sets its key, None removes it; other keys stay.
        storage, collection, config: as for `qa_engine.ingest`.

    Returns:
        The record of the file as it is now.

    Raises:
        InputError: there is no such file, a key or value cannot be used, or the sidecar of the file has the key.
        CollectionNotFoundError: there is no such collection.
        IndexLockedError: another process is writing to it.
        StorageError: the catalog cannot be written.
    """
    try:
        set_now = checked_metadata({key: value for key, value in changes.items() if value is not None})
    except ValueError as error:
        raise InputError(f"The metadata cannot be used, {error}.") from None
    removed = {normal(key).strip() for key, value in changes.items() if value is None}
    with write_session(Config.of(config), storage, collection, create=False) as session:
        record = session.catalog.files().get(path)
        if record is None:
            raise InputError(f"The collection {session.name!r} has no file {path!r}.")
        if beside := sorted((removed | set_now.keys()) & record.sidecar.keys()):
            raise InputError(
                f"{', '.join(beside)} of {record.file_name} is in the file of metadata beside it: change it there."
            )
        kept = {key: value for key, value in record.listed.items() if key not in removed}
        record = replace(record, listed={**kept, **set_now})
        session.catalog.touch(record)
        return record
