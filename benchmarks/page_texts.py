"""The text of each page, as all peers get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pymupdf

# Gold answers have no ligatures: leaving them in would count against the peers.
_FLAGS = pymupdf.TEXTFLAGS_TEXT & ~pymupdf.TEXT_PRESERVE_LIGATURES


@dataclass(frozen=True)
class Page:
    """The plain text of a page of a PDF."""

    text: str
    file: str
    number: int


def page_texts(files: Sequence[Path]) -> list[Page]:
    """One text a page, as the stock PDF readers of the frameworks make them."""
    pages = []
    for file in files:
        with pymupdf.open(file) as pdf:
            pages += [
                Page(p.get_text(flags=_FLAGS), file.name, number) for number, p in enumerate(pdf, start=1)
            ]
    return pages
