"""What kind of file some bytes begin, and whether that is what its name says."""

from __future__ import annotations

from qa_engine.documents.formats import FORMATS, HEAD_BYTES, OLE_HEAD, PDF_SUFFIX, format_of

_ZIP = b"PK"
_BINARY = {
    "docx": (_ZIP, OLE_HEAD),
    "xlsx": (_ZIP, OLE_HEAD),
    "pptx": (_ZIP, OLE_HEAD),
    "epub": (_ZIP,),
    "doc": (_ZIP, OLE_HEAD, b"{\\rtf"),
    "xls": (_ZIP, OLE_HEAD),
    "ppt": (_ZIP, OLE_HEAD),
    "image": (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM"),
}
"""What files of a format begin with; with a password, Office files are OLE files. Other formats are text."""
_PDF = b"%PDF-"
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive, such as a Word, Excel or PowerPoint file"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (OLE_HEAD, "an old Word, Excel or PowerPoint file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"{\\rtf", "an RTF file"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"AT&TFORM", "a DjVu file"),
)
_HTML = (b"<!doctype html", b"<html")


def is_pdf(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a PDF."""
    return _PDF in head[:HEAD_BYTES]


def is_accepted(name: str, head: bytes) -> bool:
    """Whether a file is a PDF, or of a format that is read and that its name says.

    Args:
        name: of the file, with its ending.
        head: its first bytes.
    """
    kind = format_of(name)
    if is_pdf(head):
        return True
    if kind is None:
        return False
    if kind.name in _BINARY:
        return head.startswith(_BINARY[kind.name])
    return not head.startswith(tuple(mark for mark, _ in _MARKS))


def accepted_suffixes(ocr: bool) -> list[str]:
    """The endings of all formats that are read, that of PDF files first.

    Args:
        ocr: whether pictures are among them, since their text is recognised.
    """
    kinds = (kind for kind in FORMATS if ocr or not kind.needs_ocr)
    return [PDF_SUFFIX, *(suffix for kind in kinds for suffix in kind.suffixes)]


def description(head: bytes) -> str:
    """What a file is by its first bytes, as a part of a sentence."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_HTML):
        return "an HTML page"
    if b"\0" in head:
        return "a file of an unknown type"
    try:
        head[:-3].decode()  # the last character may be cut off
    except UnicodeDecodeError:
        return "a file of an unknown type"
    return "a text file"
