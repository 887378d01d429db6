"""The LlamaIndex side of reading: a file in, one `PdfDocument` out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document
from pydantic import Field

from qa_engine.documents.flow import Span
from qa_engine.documents.pdf import ParsedPdf, read_pdf


def path_text(path: Path | str) -> str:
    """A path, or a message that names one, as text that any store takes, also if the name is not valid UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class PdfDocument(Document):
    """The running text of one PDF file, with the place of each of its lines.

    Sentences run over page breaks, so a file is one document and not one a page.
    """

    spans: list[Span] = Field(default_factory=list, exclude=True)
    pages: int = 0

    @classmethod
    def class_name(cls) -> str:
        return "PdfDocument"

    @classmethod
    def of(cls, parsed: ParsedPdf, path: Path, document_id: str | None = None) -> PdfDocument:
        """A document from what was read of the file at ``path``."""
        metadata = {"file_name": path_text(Path(path.name)), "file_path": path_text(path)}
        identity: dict[str, Any] = {"id_": document_id} if document_id else {}
        return cls(text=parsed.text, metadata=metadata, spans=parsed.spans, pages=parsed.pages, **identity)


class PdfReader(BaseReader):
    """Reads a PDF file into one `PdfDocument`.

    Example:
        >>> PdfReader().load_data(Path("handbook.pdf"))  # doctest: +SKIP
        [PdfDocument(...)]
    """

    def __init__(self, max_megabytes: int = 500, password: str | None = None) -> None:
        self._max_megabytes = max_megabytes
        self._password = password

    def load_data(self, file: Path | str, extra_info: dict[str, Any] | None = None) -> list[Document]:  # type: ignore[override]
        """One document.

        Args:
            file: path of the PDF.
            extra_info: metadata to add to the document.

        Raises:
            DocumentError: the file cannot be read; ``reason`` says why.
        """
        path = Path(file)
        document = PdfDocument.of(read_pdf(path, self._max_megabytes, self._password), path)
        document.metadata.update(extra_info or {})
        return [document]
