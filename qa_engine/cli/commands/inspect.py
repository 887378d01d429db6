"""``qa-engine inspect``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import (
    ConfigOption,
    JsonOption,
    OcrOption,
    ParserOption,
    PasswordOption,
    load_config,
    with_reading_options,
)
from qa_engine.cli.output import print_error, print_json

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode

    from qa_engine.config import DocumentsConfig
    from qa_engine.documents.pdf_document import PdfDocument


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PDF.", show_default=False)],
    page: Annotated[
        int | None,
        typer.Option(
            "--page", min=1, metavar="N", help="Show the sentences of this page, and what was left out of it."
        ),
    ] = None,
    parser: ParserOption = None,
    ocr: OcrOption = None,
    password: PasswordOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how each page of a PDF is read.

    Shows parser, roles, sentences and doubts. Nothing is stored.
    """
    settings = with_reading_options(load_config(config), parser, ocr, password)
    from qa_engine.cli.display.pages import page_to_dict, show_document, show_page
    from qa_engine.errors import DocumentError, InputError

    if not file.exists():
        raise InputError(f"{file} does not exist.")
    try:
        document = _read(file, settings.documents)
    except DocumentError as error:
        if json:
            print_json({"file": str(file), "reason": error.reason, "message": str(error), "pages": []})
        else:
            print_error(f"{error} ({error.reason})")
        raise typer.Exit(1) from error
    if page is not None and page > document.pages:
        raise InputError(f"{file} has {document.pages} pages, there is no page {page}.")
    sentences = _sentences_by_page(document, settings.documents.max_sentence_chars)
    reports = [report for report in document.page_reports if page in {None, report.number}]
    if json:
        pages = [page_to_dict(report, sentences[report.number], document.spans) for report in reports]
        print_json({"file": str(file), "pages": pages, "tables": document.tables})
    elif page is not None:
        show_page(reports[0], sentences[page])
    else:
        show_document(file.name, document, sentences)


def _read(file: Path, config: DocumentsConfig) -> PdfDocument:
    """Reads the file in a process of its own, as an ingest run does."""
    from qa_engine.documents.pdf_document import PdfDocument
    from qa_engine.documents.processes.parsing_pool import parse_files
    from qa_engine.errors import DocumentError

    ((_, parsed),) = parse_files([file], config)
    if isinstance(parsed, DocumentError):
        raise parsed
    return PdfDocument.of(parsed, file)


def _sentences_by_page(document: PdfDocument, max_chars: int) -> dict[int, list[BaseNode]]:
    """The sentences of a document by the page they begin on."""
    from qa_engine.documents.blocks import Role
    from qa_engine.documents.sentences.node_parser import SentenceNodeParser

    pages: dict[int, list[BaseNode]] = defaultdict(list)
    for node in SentenceNodeParser(max_sentence_chars=max_chars).get_nodes_from_documents([document]):
        if node.metadata.get("role") != Role.TABLE_SUMMARY:  # it is made of the table, and on no page
            pages[node.metadata["page"]].append(node)
    return pages
