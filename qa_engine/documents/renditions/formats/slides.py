"""Presentations (PowerPoint since 2007): slide by slide, with titles, tables, charts, diagrams and notes."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from qa_engine.documents.blocks import Role
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Cell, Content, Element, ElementTable
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import SLIDE, typeset_pages
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line, one_line

_MAX_DEPTH = 50
"""Groups in groups that are looked into."""
_MAX_FACT = 200
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM_DATA = f"{{{_DIAGRAM}}}relIds"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_COMMENTS = "/comments"
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, KeyError, ValueError, AttributeError, TypeError, IndexError),
    *(NotImplementedError, EOFError, SyntaxError, RecursionError),
)


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The slides of a presentation, one page each; a hidden slide keeps its page, and says that it is hidden.

    Raises:
        DocumentError: it cannot be read, or has no slides.
    """
    from pptx.exc import PythonPptxError
    from pptx.package import Package
    from pptx.parts.presentation import PresentationPart

    try:
        with path.open("rb") as file:
            part = Package.open(file).main_document_part
            if not isinstance(part, PresentationPart):
                raise DocumentError("damaged", f"{path.name} is no presentation: {part.content_type}.")
            presentation = part.presentation  # pptx.Presentation refuses slide shows
            contents = [_slide(slide) for slide in presentation.slides]
            facts = presentation.core_properties
            title, author, created = facts.title, facts.author, facts.created
    except (PythonPptxError, *_BROKEN) as error:
        message = f"{path.name} is no presentation that can be read ({first_line(error)})."
        raise DocumentError("damaged", message) from error
    if not contents:
        raise DocumentError("empty", f"{path.name} has no slides.")
    first = contents[0]
    first.title, first.author = one_line(title or "", _MAX_FACT), one_line(author or "", _MAX_FACT)
    first.created = created.strftime("%Y-%m-%d") if created is not None else ""
    return typeset_pages(contents, SLIDE)


def _slide(slide: Any) -> Content:
    content = Content()
    _choose_alternatives(slide.shapes._spTree)
    title = slide.shapes.title
    name = _words(title.text_frame) if title is not None else ""
    if name:
        content.elements.append(Element(Role.HEADING, name, 1))
    others = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    for shape in _in_reading_order(others):
        content.elements += _elements(shape, content, 0)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        content.elements += [Element(Role.NOTE, text) for text, _ in _paragraphs(frame)]
    if slide.element.get("show") in {"0", "false"}:
        content.doubts.append("is a hidden slide")
    for relation in slide.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(_COMMENTS):
            content.left_out.append(("comment", "comments on the slide"))
    return content


def _choose_alternatives(tree: Any) -> None:
    """Puts shapes that newer programs show in the place of the choice between these and those of older ones."""
    for node in list(tree.iter(f"{_MC}AlternateContent")):
        choices = [*node.iter(f"{_MC}Choice"), *node.iter(f"{_MC}Fallback")]
        for shape in list(choices[0]) if choices else ():
            node.addprevious(shape)
        node.getparent().remove(node)


def _in_reading_order(shapes: Iterable[Any]) -> list[Any]:
    """From the top to the bottom, those beside each other from the left; those without a place of their own first."""
    placed = [(shape.top or 0, shape.left or 0, shape.height or 0, shape) for shape in shapes]
    ordered: list[Any] = []
    row: list[tuple[int, Any]] = []
    end = 0
    for top, left, height, shape in sorted(placed, key=lambda one: one[0]):
        if row and top >= end:
            ordered += [one for _, one in sorted(row, key=lambda one: one[0])]
            row = []
        if not row:  # what begins above the middle of the first one of a row stands beside it
            end = top + height // 2
        row.append((left, shape))
    return ordered + [one for _, one in sorted(row, key=lambda one: one[0])]


def _elements(shape: Any, content: Content, depth: int) -> Iterator[Element]:
    from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER

    if shape.is_placeholder and shape.placeholder_format.type in {
        PP_PLACEHOLDER.SLIDE_NUMBER,
        PP_PLACEHOLDER.FOOTER,
        PP_PLACEHOLDER.DATE,
        PP_PLACEHOLDER.HEADER,
    }:
        if shape.has_text_frame and (words := _words(shape.text_frame)):
            content.left_out.append(("footer", words))
    elif shape.shape_type == MSO_SHAPE_TYPE.GROUP:
        if depth < _MAX_DEPTH:
            for inner in _in_reading_order(shape.shapes):
                yield from _elements(inner, content, depth + 1)
        else:
            content.doubts.append(f"has groups in groups more than {_MAX_DEPTH} deep, which are not read")
    elif getattr(shape, "has_table", False) and shape.has_table:
        yield _table(shape.table)
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart(shape.chart, content)
    elif shape.has_text_frame:
        for text, level in _paragraphs(shape.text_frame):
            yield Element(Role.LIST, text, level) if level else Element(Role.BODY, text)
    else:
        for text in _diagram_texts(shape):
            yield Element(Role.BODY, text)


def _paragraphs(frame: Any) -> Iterator[tuple[str, int]]:
    """The paragraphs of a frame with their levels: 0 for the outermost one."""
    for paragraph in frame.paragraphs:
        # A vertical tab is a line break within a paragraph.
        if text := one_line(paragraph.text.replace("\v", " ")):
            yield text, paragraph.level


def _words(frame: Any) -> str:
    return " ".join(text for text, _ in _paragraphs(frame))


def _table(table: Any) -> Element:
    rows = []
    for row in table.rows:
        cells = []
        for cell in row.cells:
            if not cell.is_spanned:
                columns, height = (cell.span_width, cell.span_height) if cell.is_merge_origin else (1, 1)
                cells.append(Cell(_words(cell.text_frame), columns, height))
        rows.append(cells)
    return Element(Role.TABLE, table=ElementTable(rows, 1 if table.first_row and len(rows) > 1 else 0))


def _chart(chart: Any, content: Content) -> Iterator[Element]:
    """The title of a chart, and its values as a table with a row for each category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield Element(Role.CAPTION, _words(chart.chart_title.text_frame))
    try:
        plots = list(chart.plots)
        categories = [str(one) for one in plots[0].categories] if plots else []
        series = [(one.name or "", list(one.values)) for plot in plots for one in plot.series]
    except (NotImplementedError, KeyError, ValueError, AttributeError, IndexError) as error:
        content.doubts.append(f"has a chart whose values cannot be read ({first_line(error)})")
        return
    if not series or not categories:
        content.doubts.append("has a chart without categories, whose values are not read")
        return
    rows = [[Cell(""), *(Cell(name) for name, _ in series)]]
    for place, category in enumerate(categories):
        values = (values[place] if place < len(values) else None for _, values in series)
        rows.append([Cell(category), *(Cell(_number(value)) for value in values)])
    yield Element(Role.TABLE, table=ElementTable(rows, 1))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _diagram_texts(shape: Any) -> Iterator[str]:
    """The texts of a diagram (SmartArt), which stand in a part of their own."""
    from lxml import etree

    found = next(shape.element.iter(_DIAGRAM_DATA), None)
    if found is None:
        return
    relation = found.get(f"{_RELATION}dm")
    parts = shape.part.rels
    if relation not in parts or parts[relation].is_external:
        return
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    for paragraph in etree.fromstring(parts[relation].target_part.blob, parser).iter(f"{_A}p"):
        if text := one_line("".join(run.text or "" for run in paragraph.iter(f"{_A}t"))):
            yield text
