"""Bytes of a text file in, its text out: byte order marks, UTF-8, GB 18030, and what a file says of itself."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOST = "\ufffd"


def decoded(data: bytes, declared: str | None = None) -> tuple[str, list[str]]:
    """The text of a file, with line feeds alone between lines, and what may be wrong with it.

    Args:
        data: the bytes of the file.
        declared: the encoding that the file itself names, as the head of HTML does.
    """
    text, doubts = _decoded(data, declared)
    return text.replace("\r\n", "\n").replace("\r", "\n"), doubts


def _decoded(data: bytes, declared: str | None) -> tuple[str, list[str]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _replaced(data[len(mark) :], encoding)
    if (wide := _wide(data)) is not None:
        return _replaced(data, wide)
    for encoding in filter(None, ("utf-8", declared, "gb18030", "big5")):
        try:
            return data.decode(encoding), []
        except (UnicodeDecodeError, LookupError):
            continue
    return _mixed(data)


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of much of it is 0."""
    head = data[:4000]
    if len(head) < 4 or b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < 0.2 * len(head) / 2 or min(even, odd) > 0.02 * len(head):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _mixed(data: bytes) -> tuple[str, list[str]]:
    """A file whose lines are in different encodings, such as one that two programs wrote to."""
    lines, lost = [], 0
    for line in re.split(rb"(?<=\n)", data):
        for encoding in ("utf-8", "gb18030"):
            try:
                lines.append(line.decode(encoding))
                break
            except UnicodeDecodeError:
                continue
        else:
            lost += 1
            lines.append(line.decode("utf-8", "replace"))
    text = "".join(lines)
    doubts = [f"{lost} of its lines are in no encoding that is known"] if lost else []
    return text, doubts


def _replaced(data: bytes, encoding: str) -> tuple[str, list[str]]:
    text = data.decode(encoding, "replace")
    lost = text.count(_LOST)
    return text, [f"{lost} of its characters cannot be decoded"] if lost else []
