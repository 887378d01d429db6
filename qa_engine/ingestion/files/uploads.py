"""Files that were uploaded: the storage keeps their bytes by content, and the catalog knows them by the name of the client.

The name of the client is never a part of a path, so it cannot lead out of the storage. Several files, in any collection,
share the bytes of one content.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qa_engine.documents.formats import format_of
from qa_engine.index.records import Metadata

UPLOAD_ROOT = "upload:"
"""First part of the path under which an uploaded file is recorded: ``upload:/NAME``."""
UPLOADS_FOLDER = "uploads"
"""The folder of the storage that holds the bytes of uploaded files."""


@dataclass(frozen=True)
class UploadedFile:
    """A file whose bytes are in the storage.

    Attributes:
        name: the name that the client gave, without slashes.
        sha256: of its content, in hexadecimal; see `stored_upload`.
        metadata: scalars by key; None keeps what the file of this name had before.
    """

    name: str
    sha256: str
    metadata: Metadata | None = None


def upload_path(name: str) -> Path:
    """The path under which an uploaded file is recorded.

    Example:
        >>> upload_path("年报.pdf").as_posix()
        'upload:/年报.pdf'
    """
    return Path(UPLOAD_ROOT, name)


def is_upload(path: str | Path) -> bool:
    """Whether a recorded path is that of an uploaded file, or of one that is attached to it."""
    return str(path).startswith(UPLOAD_ROOT)


def stored_upload(storage: Path, sha256: str, name: str) -> Path:
    """Where the storage keeps an uploaded content, by the name of its file.

    The same bytes may be files of different formats, so what is no PDF is kept with the ending of its format.
    """
    kind = format_of(name)
    return storage / UPLOADS_FOLDER / (sha256 if kind is None else f"{sha256}{kind.suffixes[0]}")
