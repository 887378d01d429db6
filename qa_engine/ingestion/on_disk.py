"""What has become of the files of a collection since they were ingested, as far as their disk tells."""

from __future__ import annotations

from typing import Literal

from qa_engine.documents.path_text import text_path
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.changes import file_digest, file_stamp, is_gone

FileState = Literal["unchanged", "changed", "gone", "unreadable"]
"""``unreadable``: something is there, and the operating system does not let us look at it."""


def file_state(record: FileRecord) -> FileState:
    """Compares a file with its record: by size and times first, by content if the times alone differ."""
    if is_gone(record.path):
        return "gone"
    path = text_path(record.path)
    try:
        stamp = file_stamp(path)
        if stamp == (record.size, record.modified_ns, record.changed_ns):
            return "unchanged"
        if stamp[0] != record.size:
            return "changed"
        return "unchanged" if file_digest(path) == record.sha256 else "changed"
    except OSError:
        return "unreadable"
