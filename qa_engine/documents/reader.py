"""A LlamaIndex reader: a PDF file in, one `PdfDocument` out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document
from pydantic import Field

from qa_engine.documents.blocks import Paragraph, Span
from qa_engine.documents.files import path_text
from qa_engine.documents.pages.page_reader import OcrChoice, PageOptions, ParserChoice
from qa_engine.documents.pdf import PageReport, ParsedPdf, read_pdf
from qa_engine.documents.pdf_file import ReadingOptions


class PdfDocument(Document):
    """The running text of one PDF file, with the place on the pages and the role of everything in it.

    A file is one document, and not one a page, because sentences run over page breaks.

    Attributes:
        text: paragraphs separated by newlines; rows of tables are in Markdown.
        spans: the place of every line, or part of a line.
        paragraphs: the role and the section of every paragraph.
        sections: the path of headings of each section.
        tables: each table in Markdown.
        page_reports: how each page was read.
        pages: number of pages.
    """

    spans: list[Span] = Field(default_factory=list, exclude=True)
    paragraphs: list[Paragraph] = Field(default_factory=list, exclude=True)
    sections: list[tuple[str, ...]] = Field(default_factory=list, exclude=True)
    tables: list[str] = Field(default_factory=list, exclude=True)
    page_reports: list[PageReport] = Field(default_factory=list, exclude=True)
    pages: int = 0

    @classmethod
    def class_name(cls) -> str:
        return "PdfDocument"

    @classmethod
    def of(cls, parsed: ParsedPdf, path: Path, document_id: str | None = None) -> PdfDocument:
        """A document out of the parsed file at ``path``."""
        metadata = {"file_name": path_text(Path(path.name)), "file_path": path_text(path)}
        identity: dict[str, Any] = {"id_": document_id} if document_id else {}
        return cls(
            text=parsed.text,
            metadata=metadata,
            spans=parsed.spans,
            paragraphs=parsed.paragraphs,
            sections=parsed.sections,
            tables=parsed.tables,
            page_reports=parsed.pages,
            pages=len(parsed.pages),
            **identity,
        )


class PdfReader(BaseReader):
    """Reads a PDF file into one `PdfDocument`.

    Args:
        parser: ``fast`` (geometry), ``layout`` (PyMuPDF's layout model), or ``auto`` to choose for each page.
        ocr: ``auto`` for pages without a usable text layer (needs the extra ``ocr``), ``never`` or ``always``.
        password: for locked files.
        max_megabytes: larger files are refused.

    Example:
        >>> PdfReader().load_data(Path("handbook.pdf"))  # doctest: +SKIP
        [PdfDocument(...)]
    """

    def __init__(
        self,
        parser: ParserChoice = "auto",
        ocr: OcrChoice = "auto",
        password: str | None = None,
        max_megabytes: int = 500,
    ) -> None:
        passwords = (password,) if password is not None else ()
        self._options = ReadingOptions(PageOptions(parser, ocr), max_megabytes, passwords)

    def load_data(self, file: Path | str, extra_info: dict[str, Any] | None = None) -> list[Document]:  # type: ignore[override]
        """One document.

        Args:
            file: path of the PDF.
            extra_info: metadata to add to the document.

        Raises:
            DocumentError: the file cannot be read; ``reason`` says why.
        """
        path = Path(file)
        document = PdfDocument.of(read_pdf(path, self._options), path)
        document.metadata.update(extra_info or {})
        return [document]
