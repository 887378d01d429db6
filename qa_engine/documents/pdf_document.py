"""The LlamaIndex document that stands for a PDF file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llama_index.core.schema import Document
from pydantic import Field

from qa_engine.documents.blocks import Doubt, Paragraph, Span
from qa_engine.documents.files import path_text
from qa_engine.documents.parsed_pdf import PageReport, ParsedPdf


class PdfDocument(Document):
    """The running text of one PDF file, with the place on the pages and the role of everything in it.

    A file is one document, and not one a page, because sentences run over page breaks.

    Attributes:
        text, spans, paragraphs, sections, tables, doubts: as of a `RunningText`.
        page_reports: how each page was read.
        pages: number of pages.
    """

    spans: list[Span] = Field(default_factory=list, exclude=True)
    paragraphs: list[Paragraph] = Field(default_factory=list, exclude=True)
    sections: list[tuple[str, ...]] = Field(default_factory=list, exclude=True)
    tables: list[str] = Field(default_factory=list, exclude=True)
    doubts: list[Doubt] = Field(default_factory=list, exclude=True)
    page_reports: list[PageReport] = Field(default_factory=list, exclude=True)
    pages: int = 0

    @classmethod
    def class_name(cls) -> str:
        return "PdfDocument"

    @classmethod
    def of(cls, parsed: ParsedPdf, path: Path, document_id: str | None = None) -> PdfDocument:
        """A document out of the parsed file at ``path``."""
        content: dict[str, Any] = {"id_": document_id} if document_id else {}
        return cls(
            text=parsed.text,
            metadata={"file_name": path_text(Path(path.name)), "file_path": path_text(path)},
            spans=parsed.spans,
            paragraphs=parsed.paragraphs,
            sections=parsed.sections,
            tables=parsed.tables,
            doubts=parsed.doubts,
            page_reports=parsed.pages,
            pages=len(parsed.pages),
            **content,
        )
