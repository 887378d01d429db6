"""Checks files that are zip archives before any reader opens them, and opens those with a password.

What is refused: archives that unpack to much more than they hold (see D. Fifield, "A better zip bomb", WOOT 2019), whose
entries share bytes, are encrypted or damaged, and XML that declares entities.
"""

from __future__ import annotations

import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from qa_engine.documents.formats import OLE_HEAD
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.errors import DocumentError
from qa_engine.extras import missing_package
from qa_engine.text.one_line import first_line

MAX_ENTRIES = 20_000
_MAX_DIRECTORY = 8_000_000
"""Bytes that the list of the entries of an archive may take."""
_MAX_RATIO = 250
"""How many times the size of the archive its content may have, if it is more than `_SMALL`. Office files reach 50."""
_SMALL = 50_000_000
_CHUNK = 1 << 20
_ENTRY_HEAD = 30
"""Bytes that stand before the content of each entry at least."""
_END = b"PK\x05\x06"
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, KeyError)
_XML = (".xml", ".rels", ".vml", ".xhtml", ".html", ".htm", ".opf", ".ncx")
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
_ENTITIES = re.compile(rb"<!DOCTYPE[^>\[]*\[|<!ENTITY", re.I)
_MAIN_TYPES = (
    ("docx", re.compile(rb"(?:wordprocessingml\.\w+|ms-word\.\w+\.macroEnabled)\.main\+xml")),
    ("xlsx", re.compile(rb"(?:spreadsheetml\.\w+|ms-excel\.\w+\.macroEnabled)\.main\+xml")),
    ("pptx", re.compile(rb"(?:presentationml\.\w+|ms-powerpoint\.\w+\.macroEnabled)\.main\+xml")),
)
_FOLDERS = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}
_NAMES = {"docx": "Word document", "xlsx": "workbook", "pptx": "presentation"}
OLE_PARTS = {".doc": ("WordDocument",), ".xls": ("Workbook", "Book"), ".ppt": ("PowerPoint Document",)}
"""By the ending, the names of the part that files of Office before 2007 have, one of them."""
_OFFICE = frozenset(_FOLDERS)


class _Limits(NamedTuple):
    unpacked: int
    setting: str


@contextmanager
def checked_archive(path: Path, name: str, options: ReadingOptions) -> Iterator[Path]:
    """The path under which the content of an archive can be read: its own, or that of a decrypted copy.

    Args:
        path: of the file.
        name: of its format, such as ``docx``.
        options: limits and passwords.

    Raises:
        DocumentError: the file is ``damaged``, ``locked``, ``too_large``, or of another format (``unsupported``).
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(OLE_HEAD))
    except OSError as error:
        raise DocumentError(
            "unreadable", f"{path.name} cannot be read: {error.strerror or error}."
        ) from error
    if head != OLE_HEAD:
        check_archive(path, name, options)
        yield path
        return
    _refuse_old_format(path, name)
    with tempfile.TemporaryDirectory(prefix="qa-engine-") as folder:
        copy = Path(folder, path.name)
        _decrypt(path, copy, options)
        check_archive(copy, name, options)
        yield copy


def check_archive(path: Path, name: str, options: ReadingOptions) -> None:
    """Checks an archive; each entry is unpacked once, into nothing.

    Archives in the archive are not unpacked. Names of entries lead nowhere, since no entry is written to a file.

    Args, Raises: as for `checked_archive`.
    """
    limit = options.max_unpacked_megabytes * 1_000_000
    limits = _Limits(limit, f"documents.max_unpacked_megabytes = {options.max_unpacked_megabytes}")
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(path, entries, limits)
            _check_format(path, name, archive)
            for entry in entries:
                _check_content(path, archive, entry, plain_doctype=name not in _OFFICE)
    except _BROKEN as error:
        message = f"{path.name} is damaged or cut off: it is no whole zip archive ({first_line(error)})."
        raise DocumentError("damaged", message) from error


def _check_directory(path: Path) -> None:
    """Looks at the end of an archive, since opening one with millions of entries takes all of the memory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + 16:
        return
    count, length = struct.unpack_from("<HI", tail, place + 10)
    if count > MAX_ENTRIES or length > _MAX_DIRECTORY:
        raise DocumentError("too_large", f"{path.name} has more than {MAX_ENTRIES:,} entries.")


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo], limits: _Limits) -> None:
    if len(entries) > MAX_ENTRIES:
        raise DocumentError("too_large", f"{path.name} has more than {MAX_ENTRIES:,} entries.")
    if any(entry.flag_bits & 1 for entry in entries):
        message = f"{path.name} has entries that are protected by a password: save it without one."
        raise DocumentError("locked", message)
    whole = sum(entry.file_size for entry in entries)
    if whole > limits.unpacked:
        message = f"{path.name} unpacks to {whole / 1e6:,.0f} MB, more than {limits.setting}."
        raise DocumentError("too_large", message)
    packed = path.stat().st_size
    if whole > _SMALL and whole > _MAX_RATIO * packed:
        clause = f"unpacks to {whole / packed:,.0f} times its size, as no document does"
        raise DocumentError("too_large", f"{path.name} {clause}: at most {_MAX_RATIO} times is read.")
    end = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < end:
            raise DocumentError("damaged", f"{path.name} is damaged: two of its entries share bytes.")
        end = entry.header_offset + _ENTRY_HEAD + entry.compress_size


def _check_format(path: Path, name: str, archive: zipfile.ZipFile) -> None:
    """Whether the content is what the ending says."""
    names = archive.namelist()
    if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise DocumentError("locked", f"{path.name} is protected by a password: save it without one.")
    if "META-INF/encryption.xml" in names and b"xmlenc#aes" in archive.read("META-INF/encryption.xml"):
        raise DocumentError("locked", f"{path.name} is encrypted by its publisher.")
    if name not in _OFFICE:
        return
    found = _office_format(archive, names)
    if found is None:
        raise DocumentError("damaged", f"{path.name} is no {_NAMES[name]}: it has none of its parts.")
    if found != name:
        message = f"{path.name} is a {_NAMES[found]} by its content: give it the ending .{found}."
        raise DocumentError("unsupported", message)


def _office_format(archive: zipfile.ZipFile, names: list[str]) -> str | None:
    types = archive.read("[Content_Types].xml") if "[Content_Types].xml" in names else b""
    for name, pattern in _MAIN_TYPES:
        if pattern.search(types):
            return name
    for name, folder in _FOLDERS.items():
        if any(one.startswith(folder) for one in names):
            return name
    return None


def _check_content(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, plain_doctype: bool) -> None:
    """Reads an entry to its end, which compares its checksum, and looks for declarations in XML."""
    pattern = _ENTITIES if plain_doctype else _DECLARATION
    is_xml = entry.filename.lower().endswith(_XML)
    with archive.open(entry) as file:
        before = b""
        while chunk := file.read(_CHUNK):
            # Without its zero bytes, XML in UTF-16 reads as ASCII.
            text = before + chunk.replace(b"\0", b"") if is_xml else b""
            if is_xml and pattern.search(text):
                message = f"{path.name} declares entities in {first_line(entry.filename)[:80]}, as no document does."
                raise DocumentError("damaged", message)
            before = text[-200:]


def _refuse_old_format(path: Path, name: str) -> None:
    """Raises an error for a file of Office before 2007 under the ending of a newer format."""
    data = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data:
        return
    for old in OLE_PARTS:
        if has_ole_part(data, old):
            message = f"{path.name} is a file of Office before 2007: give it the ending {old}, or save it as {old}x."
            raise DocumentError("unsupported", message)
    raise DocumentError("damaged", f"{path.name} is no {_NAMES.get(name, 'document')} that can be read.")


def has_ole_part(data: bytes, suffix: str) -> bool:
    """Whether a file of Office before 2007 holds a part that those with an ending have.

    Args:
        data: the bytes of the file, which begin with `OLE_HEAD`.
        suffix: the ending, such as ``.doc``.
    """
    return any(name.encode("utf-16-le") in data for name in OLE_PARTS.get(suffix, ()))


def _decrypt(path: Path, copy: Path, options: ReadingOptions) -> None:
    """Writes a file without its password.

    Raises:
        DocumentError: none of the passwords opens it, or what opens it is not installed.
    """
    given = len(options.passwords)
    clause = f"none of the {given} given passwords opens it" if given else "none was given"
    locked = DocumentError(
        "locked", f"{path.name} is protected by a password, and {clause}: give it with --password."
    )
    if not given:
        raise locked
    if (command := missing_package("office", "msoffcrypto")) is not None:
        message = f"{path.name} needs a package that is not installed (msoffcrypto): {command}."
        raise DocumentError("unsupported", message)
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

    for password in options.passwords:
        try:
            with path.open("rb") as source, copy.open("wb") as target:
                file = msoffcrypto.OfficeFile(source)
                file.load_key(password=password, verify_password=True)
                file.decrypt(target)
                return
        except (InvalidKeyError, DecryptionError):
            continue
        except (FileFormatError, ParseError, OSError, ValueError, KeyError, struct.error) as error:
            raise DocumentError("damaged", f"{path.name} is damaged: {first_line(error)}.") from error
    raise locked
