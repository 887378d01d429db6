"""Opens PDF files: checks them first, tries passwords, and says what is wrong with those that do not open."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_engine.documents.files import read_head
from qa_engine.documents.formats import PDF_HEAD
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.renditions import rendered_format, rendition_pdf
from qa_engine.errors import DocumentError
from qa_engine.models.runtime.onnx_runtime import telemetry_disabled
from qa_engine.text.one_line import first_line

logger = logging.getLogger("qa_engine.documents")

DAMAGED = "damaged"
_OUT_OF_MEMORY = re.compile(r"\b[mc]?(re)?alloc \(.*failed")
"""The message of MuPDF when memory is lacking."""
_LINEARIZED = re.compile(rb"/Linearized\b.{0,200}?/L\s+(\d+)", re.DOTALL)
"""The length that a file made for the web states."""
_CUT_OFF = 0.05
"""A file that holds less than this share of its length was cut off."""


@contextmanager
def opened_pdf(path: Path, options: ReadingOptions) -> Iterator[Any]:
    """A file, or its rendition, as an open ``pymupdf.Document`` with at least one page; errors inside the block become a
    `DocumentError`.

    Raises:
        DocumentError: with the reason ``unreadable``, ``too_large``, ``not_pdf``, ``locked``, ``damaged`` or ``empty``.
    """
    with telemetry_disabled():  # PyMuPDF brings a layout model, which is run by ONNX Runtime
        import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    kind = rendered_format(path, options)
    pdf = rendition_pdf(path, kind, options) if kind is not None else None
    head = pdf or _check_file(path, options.max_megabytes)
    try:
        with _open(path, pdf) as document:
            _unlock(document, path, options.passwords)
            if document.page_count == 0:
                raise _no_pages(path, head)
            yield document
    except (pymupdf.FileDataError, pymupdf.EmptyFileError) as error:
        raise DocumentError(DAMAGED, f"{path.name} is not a readable PDF: {error_reason(error)}.") from error
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, pymupdf.mupdf.FzErrorBase) as error:
        check_memory(path, error)
        raise DocumentError(DAMAGED, f"{path.name} is damaged: {error_reason(error)}.") from error


def check_memory(path: Path, error: BaseException) -> None:
    """Raises a `DocumentError` with the reason ``too_large`` if an error of MuPDF says that memory was lacking."""
    if _OUT_OF_MEMORY.search(str(error)):
        message = f"{path.name} needs too much memory: {error_reason(error)}."
        raise DocumentError("too_large", message) from error


def _unlock(document: Any, path: Path, passwords: Sequence[str]) -> None:
    if not document.needs_pass:
        return
    logger.info("%s is locked: %d passwords are tried.", path.name, len(passwords))
    if any(document.authenticate(password) for password in ("", *passwords)):
        return
    clause = f"none of the {len(passwords)} given passwords opens it" if passwords else "none was given"
    message = f"{path.name} is protected by a password, and {clause}: give it with --password."
    raise DocumentError("locked", message)


def _no_pages(path: Path, head: bytes) -> DocumentError:
    """Whether the pages of a file were lost, because it is much shorter than it states, or it never had any."""
    linearized = _LINEARIZED.search(head)
    size, whole = path.stat().st_size, int(linearized[1]) if linearized is not None else 0
    if _CUT_OFF * whole > size:
        return DocumentError(DAMAGED, f"{path.name} is cut off: {size:,} of its {whole:,} bytes are there.")
    return DocumentError("empty", f"{path.name} has no pages.")


def _open(path: Path, pdf: bytes | None) -> Any:
    import pymupdf

    if pdf is not None:
        return pymupdf.open(stream=pdf, filetype="pdf")
    try:
        str(path).encode()
    except UnicodeEncodeError:  # MuPDF takes names in UTF-8 only
        return pymupdf.open(stream=path.read_bytes(), filetype="pdf")
    return pymupdf.open(path, filetype="pdf")


def _check_file(path: Path, max_megabytes: int) -> bytes:
    """The first bytes of a file, if it may be a PDF and is not too large."""
    head = read_head(path, max_megabytes)
    if PDF_HEAD not in head and not head.lstrip()[:1].isdigit():
        raise DocumentError("not_pdf", f"{path.name} does not begin like a PDF file.")
    return head


def error_reason(error: BaseException) -> str:
    """The first line of the message of an error, or its class."""
    return first_line(error).rstrip(".") or type(error).__name__
