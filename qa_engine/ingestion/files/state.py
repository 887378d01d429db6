"""The state of a recorded file on the disk: where it is, its stamp and its content."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Literal

from qa_engine.documents.files import NOT_REGULAR, text_path
from qa_engine.errors import DocumentError
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.attachments import mail_of, outermost_mail, stored_attachment
from qa_engine.ingestion.files.uploads import is_upload, stored_upload

FileState = Literal["unchanged", "changed", "gone", "elsewhere", "unreadable"]
"""``elsewhere``: nothing is there on this machine, and other machines write to the collection as well; ``unreadable``:
something is there, and the operating system refuses to read it."""

DOCUMENT_ROOT = "document:"
"""First part of the path of a document that did not come from a file: ``document:/NAME``."""


def document_path(name: str) -> Path:
    """The path under which a document that did not come from a file is recorded.

    Example:
        >>> document_path("wiki/年假").as_posix()
        'document:/wiki/年假'
    """
    return Path(DOCUMENT_ROOT, name.lstrip("/"))


def is_document(path: str | Path) -> bool:
    """Whether a recorded path is that of a document that did not come from a file."""
    return str(path).startswith(DOCUMENT_ROOT)


def content_path(record: FileRecord, storage: Path) -> Path:
    """Where the bytes of a recorded file are, or were: at its path; those of an upload or an attachment in the storage.

    Args:
        record: of a file; a document that did not come from a file has no bytes.
        storage: the folder that its collection is in.
    """
    if mail_of(record.path) is not None:
        return stored_attachment(storage, record.sha256, record.file_name)
    if is_upload(record.path):
        return stored_upload(storage, record.sha256, record.file_name)
    return text_path(record.path)


def is_in_storage(path: str | Path) -> bool:
    """Whether the storage keeps the bytes of a recorded file: it was uploaded, or is attached to a mail."""
    return is_upload(path) or mail_of(path) is not None


def is_gone(record: FileRecord, storage: Path) -> bool:
    """Whether nothing is any more where the bytes of a file were, or the mail that it is attached to.

    Documents without a file are never gone, and what is attached to an upload is not gone before that.
    """
    mail = outermost_mail(record.path)
    if str(mail) != record.path:
        return not is_upload(mail) and not os.path.lexists(text_path(str(mail)))
    return not is_document(record.path) and not os.path.lexists(content_path(record, storage))


def file_stamp(path: Path) -> tuple[int, int, int]:
    """Size in bytes, and the times in ns of the last change of the content and of the inode.

    Raises:
        OSError: nothing is there, or it is not a regular file, which could take for ever to read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, NOT_REGULAR)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def file_digest(path: Path) -> str:
    """SHA-256 of the content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unreadable(path: Path, error: OSError) -> DocumentError:
    """The error of a file that the operating system refuses to read."""
    return DocumentError("unreadable", f"{path.name} cannot be read: {error.strerror or error}.")


def stamp_of(record: FileRecord) -> tuple[int, int, int]:
    """The `file_stamp` that a file had when its record was made."""
    return record.size, record.modified_ns, record.changed_ns


def changed_since(path: Path, record: FileRecord) -> DocumentError | None:
    """Why the text that was read of a file may not be that of its record, which was made before; None if it is."""
    try:
        if is_document(record.path) or _has_content(path, record):
            return None
    except OSError as error:
        return unreadable(path, error)
    return DocumentError("changed", f"{path.name} changed while it was read: run again.")


def file_state(record: FileRecord, storage: Path, shared: bool = False) -> FileState:
    """Compares a file with its record: by size and times first, by content if only the times differ.

    Args:
        record: of the file.
        storage: the folder that its collection is in.
        shared: whether the collection has files of other machines.
    """
    if is_gone(record, storage):
        return "elsewhere" if shared else "gone"
    try:
        same = is_document(record.path) or _has_content(content_path(record, storage), record)
    except FileNotFoundError:
        return "changed"  # of an attached file that is to be taken out of its mail again
    except OSError:
        return "unreadable"
    return "unchanged" if same else "changed"


def _has_content(path: Path, record: FileRecord) -> bool:
    stamp = file_stamp(path)
    if stamp == stamp_of(record):
        return True
    return stamp[0] == record.size and file_digest(path) == record.sha256
