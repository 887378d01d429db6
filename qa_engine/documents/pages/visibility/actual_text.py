"""The text that a file gives for its glyphs (``/ActualText``): whether it says something else than the page shows."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from qa_engine.documents.pages.garbling import examine_text
from qa_engine.text.radicals import FOLDED

_ACTUAL_TEXT = re.compile(rb"/ActualText\s*(\((?:\\.|[^\\)])*+\)|<[\da-fA-F\s]*+>)")
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
_NO_CONTENT = re.compile(r"[\W_]+")
_LETTER = re.compile(r"\w")


def differing_glyphs(page: Any, contents: bytes, text: str, flags: int) -> tuple[Any, str] | None:
    """The text page of the glyphs themselves, where these are readable and say something else than the text given for them.

    Blanks, hyphens, ligatures, radicals, bullets and glyphs without a character are what it is meant for: there it stays.

    Args:
        page: a ``pymupdf.Page``.
        contents: what draws it.
        text: of the page, with the text given for glyphs.
        flags: with which it was read.

    Returns:
        The text page and what the page does not show; None where both say the same.
    """
    import pymupdf

    if not any(_says_something(match) for match in set(_ACTUAL_TEXT.findall(contents))):
        return None
    textpage = page.get_textpage(flags=flags | pymupdf.TEXT_IGNORE_ACTUALTEXT)
    glyphs = textpage.extractTEXT()
    given, shown = _lines(text), _lines(glyphs)
    replaced = [line for key, line in given.items() if key not in shown]
    painted = [line for key, line in shown.items() if key not in given]
    if _content(" ".join(painted)) == _content(" ".join(replaced)):
        return None
    if any(_UNREADABLE.search(line) for line in painted) or not examine_text(glyphs).readable:
        return None
    return textpage, " ".join(replaced)


def _says_something(value: bytes) -> bool:
    """Whether a string in a content stream may be other than a blank, a hyphen or a symbol. An empty one hides glyphs."""
    if value.startswith(b"<"):
        digits = b"".join(value[1:-1].split())
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    else:
        raw = value[1:-1]
    wide = raw.startswith(b"\xfe\xff")
    text = raw[2:].decode("utf-16-be", "replace") if wide else raw.decode("latin-1")
    return not text or (_LETTER.search(text) is not None and not text.isspace())


def _lines(text: str) -> dict[str, str]:
    return {_content(line): line.strip() for line in text.splitlines()}


def _content(text: str) -> str:
    return _NO_CONTENT.sub("", unicodedata.normalize("NFKC", text.translate(FOLDED)))
