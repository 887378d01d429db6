"""Files that are attached to mails: the storage keeps their bytes by content, and the catalog knows them below their mail.

A file ``报告.pdf`` attached to ``/mails/a.eml`` is recorded as ``/mails/a.eml/报告.pdf``. What a mail has attached is noted
in the catalog with the content of the mail, so that an unchanged mail is not read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from qa_engine.documents.files import path_text, read_all, text_path, write_whole
from qa_engine.documents.formats import format_of, is_readable
from qa_engine.errors import DocumentError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord

ATTACHMENTS_FOLDER = "attachments"
"""The folder of the storage that holds the bytes of attached files."""
MAX_DEPTH = 5
"""Mails that are attached to mails that are attached …: what lies deeper is not read."""
_MAIL = "eml"
_NOTED = "attachments"
"""Prefix of the facts of the catalog with names and SHA-256 of what is attached to the mail of a content."""


@dataclass(frozen=True)
class AttachedFile:
    """A file that is attached to a mail of the collection.

    Attributes:
        path: that it is recorded under: the one of the mail, then its name.
        sha256: of its content, in hexadecimal.
        mail: the record of the mail.
    """

    path: Path
    sha256: str
    mail: FileRecord


def is_mail(name: PurePath | str) -> bool:
    """Whether files may be attached to a file of this name."""
    kind = format_of(name)
    return kind is not None and kind.name == _MAIL


def mail_of(path: str | Path) -> Path | None:
    """The recorded path of the mail that a recorded file is attached to; None for other files.

    Example:
        >>> mail_of("upload:/信.eml/报告.pdf").as_posix(), mail_of("/mails/a.eml")
        ('upload:/信.eml', None)
    """
    mail = Path(path).parent
    return mail if is_mail(mail) and not text_path(str(mail)).is_dir() else None


def outermost_mail(path: str | Path) -> Path:
    """The recorded path of the mail that a file came in, in whatever depth; its own for other files."""
    mail = mail_of(path)
    return Path(path) if mail is None else outermost_mail(mail)


def stored_attachment(storage: Path, sha256: str, name: str) -> Path:
    """Where the storage keeps the content of an attached file, by its name."""
    kind = format_of(name)
    return storage / ATTACHMENTS_FOLDER / f"{sha256}{'.pdf' if kind is None else kind.suffixes[0]}"


def attached_files(
    catalog: Catalog, mail: FileRecord, content: Path, storage: Path, ocr: bool
) -> list[AttachedFile]:
    """The documents that are attached to a mail of the collection; their bytes are in the storage afterwards.

    Args:
        catalog: of the collection; what is attached to the content of the mail is noted in it.
        mail: its record.
        content: where the bytes of the mail are.
        storage: the folder that the collection is in.
        ocr: whether attached pictures are documents.

    Raises:
        DocumentError: the mail can no longer be read.
        StorageError: the storage cannot be written.
    """
    key = f"{_NOTED} {mail.document_id}"
    noted = catalog.meta(key)
    names: list[tuple[str, str]] = [(name, sha256) for name, sha256 in json.loads(noted or "[]")]
    if noted is None or not all(stored_attachment(storage, sha256, name).exists() for name, sha256 in names):
        names = list(_store_attachments(mail, content, storage, ocr))
        catalog.set_meta(**{key: json.dumps(names, ensure_ascii=False)})
    return [AttachedFile(Path(mail.path, name), sha256, mail) for name, sha256 in names]


def _store_attachments(
    mail: FileRecord, content: Path, storage: Path, ocr: bool
) -> Iterator[tuple[str, str]]:
    """Stores what is attached to a mail, and yields name and SHA-256 of each file.

    A process with limits has read the mail before, so that reading it does no harm to this one.
    """
    from qa_engine.documents.renditions.formats.mail.message import parse_mail

    try:
        data = read_all(content)
    except OSError as error:
        message = f"{mail.file_name} cannot be read: {error.strerror or error}."
        raise DocumentError("unreadable", message) from error
    if hashlib.sha256(data).hexdigest() != mail.sha256:
        raise DocumentError("changed", f"{mail.file_name} changed while it was read: run again.")
    for one in parse_mail(data, mail.file_name).attachments:
        if is_readable(one.name, ocr=ocr):
            sha256 = hashlib.sha256(one.content).hexdigest()
            _store(stored_attachment(storage, sha256, one.name), one.content)
            yield one.name, sha256


def _store(target: Path, content: bytes) -> None:
    """Writes a file, whole or not at all."""
    if target.exists():
        return
    try:
        write_whole(target, content)
    except OSError as error:
        raise StorageError(
            f"{target.parent} cannot be written ({error.strerror or error}): free permissions or space."
        ) from error


def superseded_attachments(
    catalog: Catalog, mails: Iterable[FileRecord], attached: Iterable[AttachedFile]
) -> list[FileRecord]:
    """Recorded files that were attached to an earlier version of one of the mails.

    Args:
        catalog: of the collection.
        mails: whose attachments are known.
        attached: all of them, of mails that are attached too.
    """
    present = {path_text(file.path) for file in attached}
    paths = {mail.path for mail in mails}
    return [
        record
        for path, record in catalog.files().items()
        if path not in present and path not in paths and _came_in(path, paths)
    ]


def attached_to(mails: Iterable[FileRecord], records: Mapping[str, FileRecord]) -> list[FileRecord]:
    """The recorded files that are attached to some mails, in whatever depth, and are none of these.

    Args:
        mails: some of the records; those of other files do no harm.
        records: all of the collection, by path.
    """
    paths = {record.path for record in mails}
    return [record for path, record in records.items() if path not in paths and _came_in(path, paths)]


def _came_in(path: str, mails: Collection[str]) -> bool:
    """Whether a file is attached to one of some mails, or to a mail that is."""
    mail = mail_of(path)
    while mail is not None and path_text(mail) not in mails:
        mail = mail_of(mail)
    return mail is not None
