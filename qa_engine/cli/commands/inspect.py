"""``qa-engine inspect``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa_engine.cli.options import (
    ConfigOption,
    JsonOption,
    OcrOption,
    ParserOption,
    PasswordOption,
    load_config,
    with_reading,
)
from qa_engine.cli.output import print_json, results, say_error

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode

    from qa_engine.config import DocumentsConfig
    from qa_engine.documents.blocks import PageReport, Span
    from qa_engine.documents.pdf_document import PdfDocument


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PDF.", show_default=False)],
    page: Annotated[
        int | None,
        typer.Option(
            "--page", min=1, metavar="N", help="Show the sentences of one page and what was left out."
        ),
    ] = None,
    parser: ParserOption = None,
    ocr: OcrOption = None,
    password: PasswordOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how each page of a PDF is read: parser, roles, sentences and doubts. Nothing is stored."""
    settings = with_reading(load_config(config), parser, ocr, password)
    from qa_engine.errors import DocumentError, InputError

    if not file.exists():
        raise InputError(f"{file} does not exist.")
    try:
        document = _read(file, settings.documents)
    except DocumentError as error:
        if json:
            print_json({"file": str(file), "reason": error.reason, "message": str(error), "pages": []})
        else:
            say_error(f"{error} ({error.reason})")
        raise typer.Exit(1) from error
    if page is not None and page > document.pages:
        raise InputError(f"{file} has {document.pages} pages, there is no page {page}.")
    sentences = _by_page(document, settings.documents.max_sentence_chars)
    reports = [report for report in document.page_reports if page in {None, report.number}]
    if json:
        pages = [_page_to_dict(report, sentences[report.number], document.spans) for report in reports]
        print_json({"file": str(file), "pages": pages, "tables": document.tables})
    elif page is not None:
        _show_page(reports[0], sentences[page])
    else:
        _show_file(file, document, sentences)


def _read(file: Path, config: DocumentsConfig) -> PdfDocument:
    """Reads the file in a process of its own, as an ingest run does."""
    from qa_engine.documents.parsing_pool import parse_files
    from qa_engine.documents.pdf_document import PdfDocument
    from qa_engine.errors import DocumentError

    ((_, parsed),) = parse_files([file], config)
    if isinstance(parsed, DocumentError):
        raise parsed
    return PdfDocument.of(parsed, file)


def _by_page(document: PdfDocument, max_chars: int) -> dict[int, list[BaseNode]]:
    """The sentences of a document by the page they begin on."""
    from qa_engine.documents.sentences.node_parser import SentenceNodeParser

    found: dict[int, list[BaseNode]] = defaultdict(list)
    for node in SentenceNodeParser(max_sentence_chars=max_chars).get_nodes_from_documents([document]):
        found[node.metadata["page"]].append(node)
    return found


def _page_to_dict(report: PageReport, sentences: list[BaseNode], spans: list[Span]) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(report), "sentences": [_sentence_to_dict(node, spans) for node in sentences]}


def _sentence_to_dict(node: BaseNode, spans: list[Span]) -> dict[str, Any]:
    from llama_index.core.schema import TextNode

    from qa_engine.documents.sentences.node_parser import lines_between

    assert isinstance(node, TextNode)
    start, end = node.start_char_idx or 0, node.end_char_idx or 0
    boxes = [
        {"page": span.page, "x0": span.x0, "y0": span.y0, "x1": span.x1, "y1": span.y1}
        for span in lines_between(spans, start, end)
    ]
    metadata = node.metadata
    return {
        "text": node.text,
        "role": metadata.get("role", "body"),
        "section": metadata.get("section", ""),
        "page": metadata["page"],
        "page_end": metadata["page_end"],
        "boxes": boxes,
    }


def _show_file(file: Path, document: PdfDocument, sentences: dict[int, list[BaseNode]]) -> None:
    from rich.table import Table

    console = results()
    total = sum(len(nodes) for nodes in sentences.values())
    console.print(
        f"{file.name}: {document.pages} pages, {total} sentences, {len(document.tables)} tables, "
        f"{len(document.sections) - 1} sections",
        markup=False,
    )
    table = Table()
    for name in ("page", "label", "parser", "roles", "sentences", "doubts"):
        table.add_column(name, justify="right" if name in {"page", "sentences"} else "left")
    for report in document.page_reports:
        roles = ", ".join(f"{count} {role.replace('_', ' ')}" for role, count in report.roles.items())
        table.add_row(
            str(report.number),
            report.label or "",
            _parser(report),
            roles,
            str(len(sentences[report.number])),
            "; ".join(report.doubts),
        )
    console.print(table, markup=False)


def _show_page(report: PageReport, sentences: list[BaseNode]) -> None:
    console = results()
    label = f", printed number {report.label}" if report.label else ""
    console.print(f"page {report.number}{label}: {_parser(report)}", style="bold", markup=False)
    for doubt in report.doubts:
        console.print(f"doubt: {doubt}", markup=False)
    section = ""
    for node in sentences:
        if node.metadata.get("section", "") != section:
            section = node.metadata.get("section", "")
            console.print(f"\n{section}", style="bold", markup=False)
        role = node.metadata.get("role", "body")
        console.print(f"[{role}] {node.get_content()}", markup=False)
    if report.left_out:
        console.print("\nleft out:", style="bold")
        for role, text in report.left_out:
            console.print(f"[{role}] {text}", markup=False)


def _parser(report: PageReport) -> str:
    if report.unread is not None:
        return f"– ({report.unread})"
    return f"{report.parser}, OCR" if report.ocr else report.parser
