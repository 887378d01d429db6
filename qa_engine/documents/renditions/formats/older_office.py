"""Files of older and of free office programs: LibreOffice converts them, and they are read as what they become."""

from __future__ import annotations

from pathlib import Path

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.conversion import converted
from qa_engine.documents.renditions.formats.sheets.reading import read_sheets
from qa_engine.documents.renditions.formats.slides import read as read_presentation
from qa_engine.documents.renditions.formats.word.reading import read as read_word
from qa_engine.documents.renditions.rendition import Rendition


def read_text(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a text document (``.doc``, ``.odt``, ``.rtf``, ``.wps``), by way of Word's format.

    Raises:
        DocumentError: LibreOffice is missing or cannot read it.
    """
    with converted(path, ".docx", options) as document:
        return read_word(document, options)


def read_workbook(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a workbook (``.xls``, ``.ods``, ``.et``), by way of Excel's format.

    Raises:
        DocumentError: LibreOffice is missing or cannot read it.
    """
    with converted(path, ".xlsx", options) as workbook:
        return read_sheets(workbook, options)


def read_slides(path: Path, options: ReadingOptions) -> Rendition:
    """The slides of a presentation (``.ppt``, ``.odp``, ``.dps``), one page each, by way of PowerPoint's format.

    Not by way of PDF: where a font is missing, its text is lost there.

    Raises:
        DocumentError: LibreOffice is missing or cannot read it.
    """
    with converted(path, ".pptx", options) as slides:
        return read_presentation(slides, options)
