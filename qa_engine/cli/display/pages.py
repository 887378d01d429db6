"""Shows how the pages of a PDF are read, for ``qa-engine inspect``: for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qa_engine.cli.output import print_table, results

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode

    from qa_engine.documents.blocks import Span
    from qa_engine.documents.parsed_pdf import PageReport
    from qa_engine.documents.pdf_document import PdfDocument


def page_to_dict(report: PageReport, sentences: Sequence[BaseNode], spans: Sequence[Span]) -> dict[str, Any]:
    """The documented JSON object of a page, with its sentences and their places."""
    from dataclasses import asdict

    known = asdict(report)
    del known["places"]
    return {**known, "sentences": [_sentence_to_dict(node, spans) for node in sentences]}


def _sentence_to_dict(node: BaseNode, spans: Sequence[Span]) -> dict[str, Any]:
    from llama_index.core.schema import TextNode

    from qa_engine.documents.pdf.rendering import boxes_between

    assert isinstance(node, TextNode)
    boxes = boxes_between(spans, node.start_char_idx, node.end_char_idx)
    return {
        "text": node.text,
        "role": _role(node),
        "section": _section(node),
        "page": node.metadata["page"],
        "page_end": node.metadata["page_end"],
        "boxes": [box._asdict() for box in boxes],
        **({"doubt": doubt} if (doubt := node.metadata.get("doubt")) else {}),
    }


def show_document(name: str, document: PdfDocument, sentences: Mapping[int, Sequence[BaseNode]]) -> None:
    """Prints a table of the pages of a file, with their sentences counted, and one of what was left out.

    Args:
        name: of the file.
        document: the file as it was read.
        sentences: its sentences by the page they begin on.
    """
    total = sum(len(nodes) for nodes in sentences.values())
    results().print_line(
        f"{name}: {document.pages} pages, {total} sentences, {len(document.tables)} tables, "
        f"{len(document.sections) - 1} sections"
    )
    from qa_engine.documents.parsed_pdf import left_out

    rows = (_cells(report, len(sentences.get(report.number, ()))) for report in document.page_reports)
    columns = ("page", "label", "parser", "roles", "sentences", "doubts")
    print_table(columns, rows, {"page", "sentences"})
    if skipped := left_out(document.page_reports):
        results().print("\nleft out:", style="bold")
        cells = (
            (item.role.replace("_", " "), item.text, str(item.page), str(item.pages)) for item in skipped
        )
        print_table(("what", "text", "first page", "pages"), cells, {"first page", "pages"})


def _cells(report: PageReport, sentences: int) -> tuple[str, ...]:
    roles = ", ".join(f"{count} {role.replace('_', ' ')}" for role, count in report.roles.items())
    doubts = "; ".join(report.doubts)
    return str(report.number), report.label or "", _parser(report), roles, str(sentences), doubts


def show_page(report: PageReport, sentences: Sequence[BaseNode]) -> None:
    """Prints the sentences of a page under their sections, and what was left out of the page."""
    console = results()
    label = f", printed number {report.label}" if report.label else ""
    console.print_line(f"page {report.number}{label}: {_parser(report)}", style="bold")
    for doubt in report.doubts:
        console.print_line(f"doubt: {doubt}")
    section = ""
    for node in sentences:
        if _section(node) != section:
            section = _section(node)
            console.print()
            console.print_line(section, style="bold")
        console.print(f"[{_role(node)}] {node.get_content()}")
    if report.left_out:
        console.print("\nleft out:", style="bold")
        for role, text in report.left_out:
            console.print(f"[{role}] {text}")


def _role(node: BaseNode) -> str:
    return str(node.metadata.get("role", "body"))


def _section(node: BaseNode) -> str:
    return str(node.metadata.get("section", ""))


def _parser(report: PageReport) -> str:
    if report.unread is not None:
        return f"– ({report.unread})"
    return f"{report.parser}, OCR" if report.ocr else report.parser
