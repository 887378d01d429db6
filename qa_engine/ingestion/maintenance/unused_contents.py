"""Removes renditions of files, and contents of attached files, that no collection has any more."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

from qa_engine.config import IndexConfig
from qa_engine.documents.formats import format_of
from qa_engine.documents.renditions.renditions import RENDITIONS_FOLDER, rendition_name
from qa_engine.errors import QAEngineError
from qa_engine.ingestion.files.attachments import ATTACHMENTS_FOLDER, mail_of, stored_attachment
from qa_engine.ingestion.maintenance.unused_uploads import recorded_files

logger = logging.getLogger("qa_engine.ingestion")

_KEPT_SECONDS = 86_400
"""A file that a run has just written may belong to a collection that does not know it yet."""
_OWN_NAME = re.compile(r"[0-9a-f]{64}[-.][a-z0-9.-]+|\..*\.part")


def remove_unused_contents(storage: Path, config: IndexConfig) -> int:
    """Removes what the storage keeps of files that are in no collection, of earlier ways to read a file, and what a run that
    was cut off left half written. What was written within a day stays.

    Nothing is lost by it: a rendition is made again, and an attached file taken out of its mail again, when it is needed.
    What cannot be removed is logged: the next time may do it.

    Args:
        storage: the folder of the collections.
        config: says whether collections are in a search engine as well.

    Returns:
        How many files were removed.
    """
    before = time.time() - _KEPT_SECONDS
    folders = [storage / name for name in (RENDITIONS_FOLDER, ATTACHMENTS_FOLDER)]
    removed = 0
    try:
        old = [
            path
            for folder in folders
            if folder.is_dir()
            for path in folder.iterdir()
            if _OWN_NAME.fullmatch(path.name) and path.stat().st_mtime < before
        ]
        needed = _needed(storage, config) if old else set()
        for path in old:
            if path.name not in needed:
                path.unlink(missing_ok=True)
                removed += 1
    except (OSError, QAEngineError) as error:
        logger.warning("Contents that may be unused are kept in %s: %s", storage, error)
    if removed:
        logger.info("contents that no collection has removed: %d", removed)
    return removed


def _needed(storage: Path, config: IndexConfig) -> set[str]:
    """The names of all renditions and attached files that the collections have."""
    names: set[str] = set()
    for record in recorded_files(storage, config):
        if (kind := format_of(record.file_name)) is not None:
            names.add(rendition_name(record.sha256, kind))
        if mail_of(record.path) is not None:
            names.add(stored_attachment(storage, record.sha256, record.file_name).name)
    return names
