"""A LlamaIndex reader: a PDF file in, one `PdfDocument` out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document

from qa_engine.documents.pages.page_reader import OcrChoice, ParserChoice, ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.pdf_document import PdfDocument


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
        self._options = ReadingOptions(parser, ocr, max_megabytes=max_megabytes, passwords=passwords)

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
