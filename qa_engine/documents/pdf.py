"""A PDF file in, what was read of it out. Runs in a process of its own; imports PyMuPDF and no other part of the engine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_engine.documents.block_roles import assign_roles, body_size
from qa_engine.documents.blocks import RUNNING_MATTER, Page, Role, Span
from qa_engine.documents.headers_footers import mark_running_matter
from qa_engine.documents.pages.ocr import INSTALL, ocr_available
from qa_engine.documents.pages.page_reader import GARBLED, NO_TEXT, PageOptions, read_page
from qa_engine.documents.text_flow import Paragraph, flow
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line

PARSER_VERSION = "pages-1"
"""Part of the identity of every ingested file: another version reads the file again."""
_OUT_OF_MEMORY = re.compile(r"\b[mc]?(re)?alloc \(.*failed")
_LINEARIZED = re.compile(rb"/Linearized\b.{0,200}?/L\s+(\d+)", re.DOTALL)
_CUT_OFF = 0.05
_DAMAGED = "damaged"


@dataclass(frozen=True)
class ReadingOptions:
    """How a file is read.

    Attributes:
        pages: how its pages are.
        max_megabytes: larger files are refused.
        passwords: tried in turn on files that are locked.
        max_reading: most characters of what a row of a table says.
    """

    pages: PageOptions = field(default_factory=PageOptions)
    max_megabytes: int = 500
    passwords: tuple[str, ...] = ()
    max_reading: int = 400


@dataclass(frozen=True)
class PageReport:
    """How one page was read.

    Attributes:
        number: from 1.
        label: the number that is printed on it, or that the file gives it; None without one.
        parser: ``fast`` or ``layout``.
        ocr: whether the text was recognised from the picture of the page.
        roles: how many blocks of each role it has.
        left_out: the text of headers, footers, page numbers and figures, with the role.
        doubts: what may be wrong with the text, one clause each.
        unread: why the page gives no text though it shows something: ``no_text``, ``garbled`` or ``damaged``.
        suspect: whether the text was taken though it reads like none, for lack of OCR to tell.
    """

    number: int
    label: str | None
    parser: str
    ocr: bool = False
    roles: dict[str, int] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    unread: str | None = None
    suspect: bool = False


@dataclass(frozen=True)
class ParsedPdf:
    """What was read of one file.

    Attributes:
        text: the running text, paragraphs separated by newlines; rows of tables are in Markdown.
        spans: the place of every line of the text, or part of a line.
        paragraphs: what each paragraph is.
        sections: the path of headings of each section.
        tables: each table in Markdown.
        pages: how each page was read.
    """

    text: str
    spans: list[Span]
    paragraphs: list[Paragraph]
    sections: list[tuple[str, ...]]
    tables: list[str]
    pages: list[PageReport]


def read_pdf(path: Path, options: ReadingOptions | None = None) -> ParsedPdf:
    """Reads a PDF file. Nothing in it is executed, nothing that it refers to is fetched.

    Raises:
        DocumentError: with the reason ``unreadable``, ``too_large``, ``not_pdf``, ``locked``, ``damaged``,
            ``empty``, ``no_text`` or ``garbled``.
    """
    settings = options or ReadingOptions()
    _, pages = read_pages(path, settings)
    return assemble(path, pages, settings)


def read_pages(
    path: Path, options: ReadingOptions, first: int = 0, last: int | None = None
) -> tuple[int, list[Page]]:
    """The number of pages of a file, and the pages ``first`` to ``last`` (exclusive, from 0) read each on its own.

    Raises:
        DocumentError: as `read_pdf`.
    """
    with opened_pdf(path, options) as document:
        count = document.page_count
        pages: list[Page] = []
        for index in range(first, min(last or count, count)):
            trusted = any(page.borne_out for page in pages)
            pages.append(_read(document, index, path, options, trusted))
        return count, pages


def assemble(path: Path, pages: Sequence[Page], options: ReadingOptions) -> ParsedPdf:
    """The text of a file out of all its pages.

    Raises:
        DocumentError: no page could be read; the reason is ``damaged``, ``garbled`` or ``no_text``.
    """
    mark_running_matter(pages)
    size = body_size(pages)
    assign_roles(pages, size)
    flowing = flow(pages, size, options.max_reading)
    if not flowing.text.strip():
        raise _nothing_read(path, pages, options)
    return ParsedPdf(
        flowing.text,
        flowing.spans,
        flowing.paragraphs,
        flowing.sections,
        flowing.tables,
        [_report(page) for page in pages],
    )


def _read(document: Any, index: int, path: Path, options: ReadingOptions, trusted: bool) -> Page:
    """One page; a page that cannot be read does not take the others with it, but a tree of pages that has no end does."""
    import pymupdf

    page = document[index]
    try:
        return read_page(page, index + 1, options.pages, trusted)
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, pymupdf.mupdf.FzErrorBase) as error:
        _check_memory(path, error)
        doubt = f"cannot be read ({_reason(error)})"
        return Page(index + 1, 0.0, 0.0, "fast", doubts=[doubt], unread=_DAMAGED)


@contextmanager
def opened_pdf(path: Path, options: ReadingOptions) -> Iterator[Any]:
    """A file as an open ``pymupdf.Document`` with at least one page; what goes wrong inside becomes a `DocumentError`.

    Raises:
        DocumentError: as `read_pdf`.
    """
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    head = _check_file(path, options.max_megabytes)
    try:
        with _open(path) as document:
            _unlock(document, path, options.passwords)
            if document.page_count == 0:
                raise _no_pages(path, head)
            yield document
    except (pymupdf.FileDataError, pymupdf.EmptyFileError) as error:
        raise DocumentError(_DAMAGED, f"{path.name} is not a readable PDF: {_reason(error)}.") from error
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, pymupdf.mupdf.FzErrorBase) as error:
        _check_memory(path, error)
        raise DocumentError(_DAMAGED, f"{path.name} is damaged: {_reason(error)}.") from error


def _check_memory(path: Path, error: BaseException) -> None:
    if _OUT_OF_MEMORY.search(str(error)):
        raise DocumentError("too_large", f"{path.name} needs too much memory: {_reason(error)}.") from error


def _unlock(document: Any, path: Path, passwords: Sequence[str]) -> None:
    if not document.needs_pass or any(document.authenticate(password) for password in ("", *passwords)):
        return
    tried = f"none of the {len(passwords)} given passwords opens it" if passwords else "none was given"
    raise DocumentError(
        "locked", f"{path.name} is protected by a password, and {tried}: give it with --password."
    )


def _no_pages(path: Path, head: bytes) -> DocumentError:
    """A file of which hardly anything is left, by its own account, has lost its pages; others never had any."""
    declared = _LINEARIZED.search(head)
    size = path.stat().st_size
    if declared is not None and _CUT_OFF * int(declared[1]) > size:
        return DocumentError(
            _DAMAGED, f"{path.name} is cut off: {size:,} of its {int(declared[1]):,} bytes are there."
        )
    return DocumentError("empty", f"{path.name} has no pages.")


def _open(path: Path) -> Any:
    import pymupdf

    try:
        str(path).encode()
    except UnicodeEncodeError:  # MuPDF takes names in UTF-8 only
        return pymupdf.open(stream=path.read_bytes(), filetype="pdf")
    return pymupdf.open(path, filetype="pdf")


def _check_file(path: Path, max_megabytes: int) -> bytes:
    """The first bytes of a file that may be a PDF of bearable size."""
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
    return head


def _nothing_read(path: Path, pages: Sequence[Page], options: ReadingOptions) -> DocumentError:
    reasons = Counter(page.unread for page in pages if page.unread)
    many = f"{len(pages)} page{'' if len(pages) == 1 else 's'}"
    if reasons[_DAMAGED] and reasons[_DAMAGED] >= max(reasons.values()):
        clause = next(page.doubts[-1] for page in pages if page.unread == _DAMAGED)
        return DocumentError(_DAMAGED, f"{path.name} is damaged: page {clause}.")
    if options.pages.ocr == "never":
        way = "let documents.ocr be auto"
    elif ocr_available():
        reason = GARBLED if reasons[GARBLED] >= max(1, reasons[NO_TEXT]) else NO_TEXT
        layer = "a garbled text layer" if reason == GARBLED else "no text layer"
        return DocumentError(
            reason, f"{path.name} has {many} with {layer}, and OCR finds no text that it is sure of."
        )
    else:
        way = f"install the extra for OCR, {INSTALL}, and run the command again"
    if reasons[GARBLED] >= max(1, reasons[NO_TEXT]):
        return DocumentError(
            GARBLED, f"{path.name} has {many} whose text layer is garbled: it needs OCR; {way}."
        )
    return DocumentError(NO_TEXT, f"{path.name} has {many} and no text layer: it needs OCR; {way}.")


def _report(page: Page) -> PageReport:
    left_out = [
        (block.role.value, " ".join(line.text for line in block.lines))
        for block in page.blocks
        if block.role in RUNNING_MATTER or block.role is Role.FIGURE
    ]
    roles = Counter(block.role.value for block in page.blocks)
    return PageReport(
        page.number,
        page.label,
        page.parser,
        page.ocr,
        dict(roles),
        left_out,
        page.doubts,
        page.unread,
        page.suspect,
    )


def _reason(error: BaseException) -> str:
    return first_line(error).rstrip(".") or type(error).__name__
