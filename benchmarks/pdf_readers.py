"""The readers of PDF files that the PDF benchmarks compare: ours, and what a user would take instead.

A `Reading` has the text as the reader gives it, and the pieces of text that its user can work with (`units`). Ours are
the sentence nodes. A peer gives a text per page; `units` cuts it with the rule of ``reference_markdown``, which
is not the project's, in one of two ways:

- ``lines``: every line break ends a unit;
- ``joined``: line breaks are taken out (a blank in their place between Latin letters) and a blank line ends a unit.

Units of a peer end with the page, unless ``whole_file`` is set: then the pages are put one after the other first.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Before anything of ours: it brings the layout model that pymupdf4llm needs.
import pymupdf
import pypdf
from reference_markdown import cut_sentences, join_lines, paragraphs

from qa_engine.config import DocumentsConfig
from qa_engine.documents.reader import PdfReader
from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.errors import DocumentError

PARSERS = ("auto", "layout", "fast")
OURS = "qa_engine"


class UnavailableError(RuntimeError):
    """This version of the project, or this installation, has no such reader."""


@dataclass(frozen=True)
class Reading:
    """What a reader gives of a file.

    Attributes:
        pages: the text of each page of a peer; for ours one text, because sentences run over pages.
        nodes: ours: the texts of the sentence nodes; None for a peer.
        failure: the reason why there is no text.
    """

    pages: list[str] = field(default_factory=list)
    nodes: list[str] | None = None
    failure: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(self.pages)

    def units(self, way: str = "joined", *, whole_file: bool = False) -> list[str]:
        """The pieces that count as sentences of this reader; ``way`` says how a peer's lines are taken."""
        if self.nodes is not None:
            return self.nodes
        pages = ["\n".join(page.strip("\n \f") for page in self.pages)] if whole_file else self.pages
        pieces = [piece for page in pages for piece in paragraphs(page)]
        if way == "lines":
            pieces = [line for piece in pieces for line in piece.split("\n")]
        return [sentence for piece in pieces for sentence in cut_sentences(join_lines(piece))]


Reader = Callable[[Path], Reading]


def load_ours(path: Path, parser: str, ocr: str = "never", password: str | None = None) -> list[Any]:
    """The one place that knows how the project's reader is called.

    Raises:
        UnavailableError: the reader has no such parser.
        DocumentError: the file cannot be read.
    """
    known = inspect.signature(PdfReader.__init__).parameters
    wanted = {"parser": parser, "ocr": ocr, "password": password}
    if ("parser" not in known and parser != "fast") or ("ocr" not in known and ocr != "never"):
        raise UnavailableError(f"PdfReader has no parser={parser!r} with ocr={ocr!r}")
    return PdfReader(**{name: value for name, value in wanted.items() if name in known}).load_data(path)


def documents_config(parser: str, **settings: Any) -> DocumentsConfig:
    """The settings of ``parse_files`` for a parser: the other place that knows the names.

    Raises:
        UnavailableError: the settings know no parser, and another than ``fast`` is asked for.
    """
    fields = DocumentsConfig.model_fields
    if "parser" not in fields and parser != "fast":
        raise UnavailableError(f"DocumentsConfig has no parser={parser!r}")
    named = {"parser": parser, **settings}
    return DocumentsConfig(**{name: value for name, value in named.items() if name in fields})


def has_ocr() -> bool:
    """Whether the package for OCR is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def ours(parser: str, ocr: str = "never") -> Reader:
    """The project's reader and its sentence nodes."""

    def read(path: Path) -> Reading:
        try:
            documents = load_ours(path, parser, ocr)
        except DocumentError as error:
            return Reading(nodes=[], failure=error.reason)
        nodes = SentenceNodeParser().get_nodes_from_documents(documents)
        # What a table is about is made of it, and is no text of the file.
        texts = [node.text for node in nodes if node.metadata.get("role") != "table_summary"]
        return Reading([document.text for document in documents], texts)

    return read


def read_get_text(path: Path) -> Reading:
    """Plain ``page.get_text()`` of PyMuPDF."""
    with pymupdf.open(path) as document:
        return Reading([page.get_text() for page in document])


def read_pymupdf4llm(path: Path, **options: Any) -> Reading:
    """``pymupdf4llm.to_markdown`` without OCR, page by page."""
    import pymupdf4llm

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        chunks = pymupdf4llm.to_markdown(str(path), use_ocr=False, page_chunks=True, **options)
    return Reading([chunk["text"] for chunk in chunks])


def read_pymupdf4llm_without_margins(path: Path) -> Reading:
    """The same with ``header=False, footer=False``, which leave out what its model takes for running matter."""
    return read_pymupdf4llm(path, header=False, footer=False)


def read_pypdf(path: Path) -> Reading:
    """``page.extract_text()`` of pypdf."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with path.open("rb") as file:
        return Reading([page.extract_text() for page in pypdf.PdfReader(file).pages])


PEERS: dict[str, Reader] = {
    "get_text": read_get_text,
    "pymupdf4llm": read_pymupdf4llm,
    "pymupdf4llm, margins off": read_pymupdf4llm_without_margins,
    "pypdf": read_pypdf,
}


def readers(parsers: list[str], ocr: str, peers: bool = True) -> dict[str, Reader]:
    """Readers by name: ours without OCR, ours with it if ``ocr`` is ``auto`` and it is installed, then the peers."""
    chosen = {f"{OURS} {parser}": ours(parser) for parser in parsers}
    if ocr == "auto" and has_ocr():
        chosen[f"{OURS} {parsers[0]} +OCR"] = ours(parsers[0], "auto")
    return {**chosen, **PEERS} if peers else chosen


def safely(reader: Reader, path: Path) -> Reading:
    """A reading, also of a file that the reader does not survive: then with the failure.

    Raises:
        UnavailableError: there is no such reader here.
    """
    try:
        return reader(path)
    except UnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - a library may raise anything; the others are still measured
        return Reading(failure=f"{type(error).__name__}: {str(error).splitlines()[:1]}")
