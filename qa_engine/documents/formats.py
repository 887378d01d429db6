"""The formats of files: which there are, by which endings they are known, and what reads each."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What files of Office before 2007 begin with, and those with a password."""
PDF_HEAD = b"%PDF"
HEAD_BYTES = 1024
"""How much of the beginning of a file tells whether it is a PDF."""
_READERS = "qa_engine.documents.renditions.formats"


class FileFormat(NamedTuple):
    """A format of files that are no PDF.

    Attributes:
        name: of the format, as in ``docx``.
        suffixes: the endings of its files, in small letters.
        reader: module and function, with a colon between them, that makes a `Rendition` of a path and `ReadingOptions`.
        version: to be raised when its files are read otherwise: they are then read again by the next run.
        packages: names under which packages of the extra ``office`` are imported that it needs.
        zipped: whether its files are zip archives, which are checked before they are read.
        needs_ocr: whether its files have no text of their own: in folders they count if text is recognised.
        converter: the name of the converter of the user that reads it; empty for ours.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    version: int = 1
    packages: tuple[str, ...] = ()
    zipped: bool = False
    needs_ocr: bool = False
    converter: str = ""


FORMATS = (
    FileFormat("txt", (".txt", ".text", ".log"), f"{_READERS}.plain_text:read"),
    FileFormat("html", (".html", ".htm", ".xhtml"), f"{_READERS}.html:read"),
    FileFormat("docx", (".docx", ".docm"), f"{_READERS}.word.reading:read", zipped=True),
    FileFormat(
        "xlsx",
        (".xlsx", ".xlsm"),
        f"{_READERS}.sheets.reading:read_sheets",
        version=2,
        packages=("openpyxl", "defusedxml"),
        zipped=True,
    ),
    FileFormat("csv", (".csv", ".tsv"), f"{_READERS}.sheets.reading:read_table", version=2),
    FileFormat(
        "pptx", (".pptx", ".pptm", ".ppsx"), f"{_READERS}.slides:read", packages=("pptx",), zipped=True
    ),
    FileFormat("doc", (".doc", ".odt", ".rtf", ".wps"), f"{_READERS}.older_office:read_text"),
    FileFormat(
        "xls",
        (".xls", ".ods", ".et"),
        f"{_READERS}.older_office:read_workbook",
        packages=("openpyxl", "defusedxml"),
    ),
    FileFormat("ppt", (".ppt", ".odp", ".dps"), f"{_READERS}.older_office:read_slides", packages=("pptx",)),
    FileFormat("epub", (".epub",), f"{_READERS}.epub:read", zipped=True),
    FileFormat(
        "image",
        (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"),
        f"{_READERS}.pictures:read",
        needs_ocr=True,
    ),
    FileFormat("eml", (".eml",), f"{_READERS}.mail.reading:read"),
    FileFormat("md", (".md", ".markdown"), f"{_READERS}.markdown:read"),
)
_BY_SUFFIX = {suffix: one for one in FORMATS for suffix in one.suffixes}
PDF_SUFFIX = ".pdf"


def suffix_of(name: PurePath | str) -> str:
    """The ending of the name of a file in small letters, with its dot; empty without one."""
    return PurePath(name).suffix.lower()


def format_of(name: PurePath | str) -> FileFormat | None:
    """The format that the name of a file says; None for a PDF, and for an ending that is not known."""
    return _BY_SUFFIX.get(suffix_of(name))


def is_readable(name: PurePath | str, others: frozenset[str] = frozenset(), ocr: bool = True) -> bool:
    """Whether the name of a file is that of a document.

    Args:
        name: with its ending.
        others: endings that a converter of the user reads.
        ocr: whether pictures are documents, since their text is recognised.
    """
    suffix = suffix_of(name)
    kind = _BY_SUFFIX.get(suffix)
    return suffix == PDF_SUFFIX or suffix in others or (kind is not None and (ocr or not kind.needs_ocr))
