"""Opens a PDF file and reads its running text with places. Runs in a process of its own; imports only PyMuPDF."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_engine.documents.flow import Span, flow
from qa_engine.documents.page_lines import Line, read_page_lines
from qa_engine.documents.running_matter import find_running_matter
from qa_engine.errors import DocumentError

PARSER_VERSION = "fast-1"
"""Part of the identity of every ingested file: another version reads the file again."""
_OUT_OF_MEMORY = re.compile(r"\b[mc]?(re)?alloc \(.*failed")


@dataclass(frozen=True)
class ParsedPdf:
    """What was read of one file.

    Attributes:
        text: the running text, paragraphs separated by newlines.
        spans: the place of every line of the text.
        pages: number of pages of the file.
        pages_without_text: numbers (from 1) of pages that hold images but no text.
    """

    text: str
    spans: list[Span]
    pages: int
    pages_without_text: list[int]


def read_pdf(path: Path, max_megabytes: int = 500, password: str | None = None) -> ParsedPdf:
    """Reads a PDF file.

    Raises:
        DocumentError: with the reason ``unreadable``, ``too_large``, ``not_pdf``, ``locked``, ``damaged``,
            ``empty`` or ``no_text``.
    """
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    _check_file(path, max_megabytes)
    try:
        with _open(path) as document:
            if document.needs_pass and not document.authenticate(password or ""):
                raise DocumentError("locked", f"{path.name} is protected by a password: save it without one.")
            if document.page_count == 0:
                raise DocumentError("empty", f"{path.name} has no pages.")
            return _read_pages(document, path)
    except (pymupdf.FileDataError, pymupdf.EmptyFileError) as error:
        raise DocumentError("damaged", f"{path.name} is not a readable PDF: {_first_line(error)}.") from error
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, pymupdf.mupdf.FzErrorBase) as error:
        if _OUT_OF_MEMORY.search(str(error)):
            raise DocumentError(
                "too_large", f"{path.name} needs too much memory: {_first_line(error)}."
            ) from error
        raise DocumentError("damaged", f"{path.name} is damaged: {_first_line(error)}.") from error


def _open(path: Path) -> Any:
    import pymupdf

    try:
        str(path).encode()
    except UnicodeEncodeError:  # MuPDF takes names in UTF-8 only
        return pymupdf.open(stream=path.read_bytes(), filetype="pdf")
    return pymupdf.open(path, filetype="pdf")


def _check_file(path: Path, max_megabytes: int) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise DocumentError(
            "unreadable", f"{path.name} cannot be read: {error.strerror or error}."
        ) from error
    if size == 0:
        raise DocumentError("empty", f"{path.name} is an empty file.")
    if size > max_megabytes * 1_000_000:
        raise DocumentError(
            "too_large",
            f"{path.name} has {size / 1e6:.0f} MB, more than documents.max_file_megabytes = {max_megabytes}.",
        )
    if b"%PDF" not in head and not head.lstrip()[:1].isdigit():
        raise DocumentError("not_pdf", f"{path.name} does not begin like a PDF file.")


def _read_pages(document: Any, path: Path) -> ParsedPdf:
    pages: list[list[Line]] = []
    heights: list[float] = []
    without_text: list[int] = []
    for number, page in enumerate(document, 1):
        lines = read_page_lines(page, number)
        if not lines and page.get_images():
            without_text.append(number)
        pages.append(lines)
        heights.append(page.rect.height)
    running = find_running_matter(pages, heights)
    content = [[line for line in lines if id(line) not in running] for lines in pages]
    flowing = flow(content, heights)
    if not flowing.text.strip():
        raise DocumentError(
            "no_text",
            f"{path.name} has {len(pages)} pages and no text layer: it needs OCR before it is ingested.",
        )
    return ParsedPdf(flowing.text, flowing.spans, len(pages), without_text)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
