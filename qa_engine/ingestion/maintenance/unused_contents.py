"""Removes renditions of files, and contents of attached files, that no collection has any more."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

from qa_engine.config import IndexConfig
from qa_engine.documents.formats import FORMATS
from qa_engine.documents.renditions.renditions import RENDITIONS_FOLDER
from qa_engine.errors import QAEngineError
from qa_engine.ingestion.files.attachments import ATTACHMENTS_FOLDER
from qa_engine.ingestion.maintenance.unused_uploads import recorded_files

logger = logging.getLogger("qa_engine.ingestion")

_KEPT_SECONDS = 86_400
"""A file that a run has just written may belong to a collection that does not know it yet."""
_RENDITION = re.compile(r"[0-9a-f]{64}-([a-z]+)-(\d+)\.pdf")
_OWN_NAME = re.compile(r"[0-9a-f]{64}[-.].+|\..*\.part")


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
        contents = {record.sha256 for record in recorded_files(storage, config)} if old else set()
        for path in old:
            if path.name[:64] not in contents or _is_superseded(path.name):
                path.unlink(missing_ok=True)
                removed += 1
    except (OSError, QAEngineError) as error:
        logger.warning("Contents that may be unused are kept in %s: %s", storage, error)
    if removed:
        logger.info("contents that no collection has removed: %d", removed)
    return removed


def _is_superseded(name: str) -> bool:
    """Whether a rendition was made by an earlier version of ours."""
    made = _RENDITION.fullmatch(name)
    return made is not None and any(made[1] == one.name and int(made[2]) != one.version for one in FORMATS)
