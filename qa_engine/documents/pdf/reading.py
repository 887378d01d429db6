"""Reads a PDF file, or the rendition of another one: its pages, and the running text that they make.

Mostly runs in a process of its own, so it imports PyMuPDF and little of the engine besides this package.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qa_engine.documents.blocks import HEADERS_FOOTERS, FileFacts, Page, Role, on_shown_page
from qa_engine.documents.pages.annotations.attachments import clauses, not_read
from qa_engine.documents.pages.block_roles import assign_roles, body_size
from qa_engine.documents.pages.false_headings import correct_headings
from qa_engine.documents.pages.front_matter import mark_authors
from qa_engine.documents.pages.margins.running_matter import mark_headers_footers
from qa_engine.documents.pages.ocr import INSTALL, ocr_available
from qa_engine.documents.pages.page_reader import GARBLED, NO_TEXT, ReadingOptions, read_page
from qa_engine.documents.pages.parsers.labels import read_labels
from qa_engine.documents.parsed_pdf import PageReport, ParsedPdf
from qa_engine.documents.pdf.opening import DAMAGED, check_memory, error_reason, opened_pdf
from qa_engine.documents.renditions.renditions import render, rendered_format
from qa_engine.documents.renditions.typesetting import PARSER
from qa_engine.documents.text_flow.builder import build_text
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import one_line
from qa_engine.text.periods import iso_date

logger = logging.getLogger("qa_engine.documents")

PARSER_VERSION = "pages-4"
"""Part of the identity of every ingested file: another version reads the file again."""
_MAX_FACT = 200
"""Characters of the title and of the author in the metadata of a file that are read."""
_PDF_DATE = re.compile(r"\s*(?:D:)?(\d{4})(\d\d)(\d\d)")


def read_pdf(path: Path, options: ReadingOptions | None = None) -> ParsedPdf:
    """Reads a PDF file. Nothing in it is executed, nothing that it refers to is fetched.

    Raises:
        DocumentError: with the reason ``unreadable``, ``too_large``, ``not_pdf``, ``locked``, ``damaged``,
            ``empty``, ``no_text`` or ``garbled``.
    """
    settings = options or ReadingOptions()
    pages = _pages_of_source(path, settings) or read_pages(path, settings)[1]
    return assemble(path, pages, settings)


def _pages_of_source(path: Path, options: ReadingOptions) -> list[Page] | None:
    """The pages of a file that is no PDF, if its format says what stands on them; makes its rendition anew."""
    kind = rendered_format(path, options)
    return render(path, kind, options).pages if kind is not None else None


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
            trusted = any(page.confirmed_by_ocr for page in pages)
            page = _read(document, index, path, options, trusted)
            _log(path, page)
            pages.append(page)
        if not first and pages:
            pages[0].left_out += _not_read(document, path)
            pages[0].file_facts = _facts(document)
        return count, pages


def text_of_page(path: Path, number: int, options: ReadingOptions) -> tuple[str | None, list[str]]:
    """Why a page has no readable text layer, or None; and its lines, headers and footers too. Nothing is recognised.

    Args:
        path: of the file.
        number: of the page, from 1.
        options: passwords and the limit of the size.

    Raises:
        DocumentError: as `read_pdf`.
    """
    settings = replace(options, parser="fast", ocr="never")
    _, pages = read_pages(path, settings, number - 1, number)
    blocks = [block for page in pages for block in (*page.blocks, *page.turned, *page.notes)]
    texts = [*(block.text for block in blocks), *(text for page in pages for _, text in page.left_out)]
    return pages[0].unread if pages else None, texts


def read_first_pages(path: Path, options: ReadingOptions, limit: int) -> ParsedPdf | tuple[int, list[Page]]:
    """All of a file of at most ``limit`` pages, or whose format says what its pages are; of a longer one its number of pages
    and the first ``limit`` of them.

    Raises:
        DocumentError: as `read_pdf`.
    """
    if (whole := _pages_of_source(path, options)) is not None:
        return assemble(path, whole, options)
    count, pages = read_pages(path, options, 0, limit)
    return assemble(path, pages, options) if count <= limit else (count, pages)


def assemble(path: Path, pages: Sequence[Page], options: ReadingOptions) -> ParsedPdf:
    """The text of a file out of all its pages.

    Raises:
        DocumentError: no page could be read; the reason is ``damaged``, ``garbled`` or ``no_text``.
    """
    if pages and pages[0].parser == PARSER:
        return _assemble_source(path, pages, options)
    mark_headers_footers(pages)
    size = body_size(pages)
    assign_roles(pages, size)
    correct_headings(pages, size)
    mark_authors(pages)
    _drop_repeated(pages)
    for page in pages:
        page.blocks = read_labels(page.blocks) + page.turned + page.notes
        page.doubts[:0] = clauses(page.left_out)
    content = build_text(pages, size, options.max_row_chars)
    if not content.text.strip():
        raise _no_text_error(path, pages, options)
    return ParsedPdf(**vars(content), pages=[_report(page) for page in pages], facts=pages[0].file_facts)


def _assemble_source(path: Path, pages: Sequence[Page], options: ReadingOptions) -> ParsedPdf:
    """The text of a file whose blocks have their roles from its source."""
    for page in pages:
        page.doubts[:0] = clauses(page.left_out)
    content = build_text(pages, body_size(pages), options.max_row_chars)
    if not content.text.strip():
        raise DocumentError(NO_TEXT, f"{path.name} has no text.")
    return ParsedPdf(**vars(content), pages=[_report(page) for page in pages], facts=pages[0].file_facts)


def _drop_repeated(pages: Sequence[Page]) -> None:
    """Leaves out turned text that stands on several pages, such as a notice along the margin."""
    repeats = Counter(block.text for page in pages for block in page.turned)
    for page in pages:
        for block in page.turned:
            if repeats[block.text] > 1:
                page.leave_out("turned", block)
        page.turned = [block for block in page.turned if repeats[block.text] == 1]


def _read(document: Any, index: int, path: Path, options: ReadingOptions, trusted: bool) -> Page:
    """One page. One that cannot be read does not stop the others."""
    import pymupdf

    page = document[index]  # outside of the try: where the tree of pages has no end, no page can be had
    try:
        return read_page(page, index + 1, options, trusted)
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, pymupdf.mupdf.FzErrorBase) as error:
        check_memory(path, error)
        doubt = f"cannot be read ({error_reason(error)})"
        return Page(index + 1, 0.0, 0.0, "fast", doubts=[doubt], unread=DAMAGED)


def _not_read(document: Any, path: Path) -> list[tuple[str, str]]:
    """`not_read`. A damaged list of attached files does not stop the pages."""
    import pymupdf

    try:
        return not_read(document)
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, pymupdf.mupdf.FzErrorBase) as error:
        check_memory(path, error)
        logger.warning("%s: its attached files cannot be listed (%s).", path.name, error_reason(error))
        return []


def _facts(document: Any) -> FileFacts:
    """What the metadata of a file say of it, without what is no text."""
    metadata = document.metadata or {}
    title, author = (
        one_line(str(metadata.get(key) or "").replace("\0", "").encode("utf-8", "ignore").decode(), _MAX_FACT)
        for key in ("title", "author")
    )
    date = _PDF_DATE.match(str(metadata.get("creationDate") or ""))
    return FileFacts(title, author, iso_date(date[1], int(date[2]), int(date[3])) if date is not None else "")


def _log(path: Path, page: Page) -> None:
    if page.ocr:
        logger.info("%s, page %d: its text was recognised by OCR.", path.name, page.number)
    if page.unread == DAMAGED:
        logger.warning("%s, page %d %s.", path.name, page.number, page.doubts[-1])
    elif page.doubts:
        logger.info("%s, page %d: %s.", path.name, page.number, "; ".join(page.doubts))


def _no_text_error(path: Path, pages: Sequence[Page], options: ReadingOptions) -> DocumentError:
    """Why no page of a file has text, and what to do about it."""
    reasons = Counter(page.unread for page in pages if page.unread)
    many = f"{len(pages)} page{'' if len(pages) == 1 else 's'}"
    if reasons[DAMAGED] and reasons[DAMAGED] >= max(reasons.values()):
        clause = next(page.doubts[-1] for page in pages if page.unread == DAMAGED)
        return DocumentError(DAMAGED, f"{path.name} is damaged: page {clause}.")
    if not reasons and any(page.blocks for page in pages):
        return DocumentError(
            NO_TEXT, f"{path.name} has {many} with nothing but page numbers and headers: it needs OCR."
        )
    garbled = reasons[GARBLED] >= max(1, reasons[NO_TEXT])
    if options.ocr != "never" and ocr_available():
        layer = "a garbled text layer" if garbled else "no text layer"
        clause = f"with {layer}, and OCR finds no text that it is sure of"
    else:
        layer = "whose text layer is garbled" if garbled else "and no text layer"
        install = f"install the extra for OCR, {INSTALL}, and run the command again"
        way = "let documents.ocr be auto" if options.ocr == "never" else install
        clause = f"{layer}: it needs OCR; {way}"
    files = "".join(f"; {found}" for page in pages for found in clauses(page.left_out))
    return DocumentError(GARBLED if garbled else NO_TEXT, f"{path.name} has {many} {clause}{files}.")


def _report(page: Page) -> PageReport:
    for block in page.blocks:
        if block.role in HEADERS_FOOTERS or block.role is Role.FIGURE:
            page.leave_out(block.role.value, block)
    places = [
        place._replace(boxes=tuple(on_shown_page(box, page.rotation) for box in place.boxes))
        for place in page.places
    ]
    roles = Counter(block.role.value for block in page.blocks)
    return PageReport(
        page.number,
        page.label,
        page.parser,
        page.ocr,
        dict(roles),
        page.left_out,
        page.doubts,
        page.unread,
        page.suspect,
        places,
    )
