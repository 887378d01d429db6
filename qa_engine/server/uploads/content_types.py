"""What kind of file some bytes begin, whatever its name says."""

from __future__ import annotations

HEAD_BYTES = 1024
"""The mark of a PDF stands within so many bytes."""
_PDF = b"%PDF-"
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive, such as a Word, Excel or PowerPoint file"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word, Excel or PowerPoint file"),
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
