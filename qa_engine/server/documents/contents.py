"""What a file says: the sentences of a page with their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa_engine.documents.blocks import Role
from qa_engine.documents.pdf.page_text import DrawnLine
from qa_engine.documents.pdf.rendering import PageBox, boxes_between
from qa_engine.index.catalog import Catalog


@dataclass(frozen=True)
class PageSentence:
    """A sentence of a page.

    Attributes:
        id: which citations name it by.
        text: of all of it, also where it goes on over the page break.
        role: of its block, such as ``heading``; ``body`` for most.
        section: the titles above it, in one text; empty without any.
        page: that it begins on, from 1.
        page_end: that it ends on.
        doubt: why its text may not be what the page shows; empty for most.
        boxes: of its lines on this page.
    """

    id: str
    text: str
    role: str
    section: str
    page: int
    page_end: int
    doubt: str
    boxes: list[PageBox]


def sentences_of_page(
    catalog: Catalog, document_id: str, number: int
) -> tuple[str | None, list[PageSentence]]:
    """The number that is printed on a page, if it is known and another one, and the sentences of the page, in order."""
    stored = catalog.sentences_on_page(document_id, number)
    spans = catalog.spans(document_id)
    labels = (one.metadata.get("page_label") for one in stored if one.metadata["page"] == number)
    sentences = []
    for one in stored:
        role = one.metadata.get("role", Role.BODY.value)
        if role == Role.TABLE_SUMMARY:  # what a table is about is no text of the page
            continue
        boxes = boxes_between(spans, one.start_char_idx, one.end_char_idx)
        sentences.append(
            PageSentence(
                one.node_id,
                one.text,
                role,
                one.metadata.get("section", ""),
                one.metadata["page"],
                one.metadata["page_end"],
                one.metadata.get("doubt", ""),
                [box for box in boxes if box.page == number],
            )
        )
    return next((label for label in labels if label), None), sentences


def lines_of_sentences(sentences: Sequence[PageSentence]) -> list[DrawnLine]:
    """The sentences of a page as lines at their places, each divided over its lines by their widths.

    It is near enough to select them over the image of a scan, whose characters have no places of their own.
    """
    lines = []
    for sentence in sentences:
        whole = sum(box.x1 - box.x0 for box in sentence.boxes)
        start, width = 0, 0.0
        for box in sentence.boxes:
            width += box.x1 - box.x0
            end = round(len(sentence.text) * width / whole) if whole > 0 else len(sentence.text)
            if text := sentence.text[start:end].strip():
                lines.append(DrawnLine(text, box.x0, box.y0, box.x1, box.y1, 0))
            start = max(start, end)
    return lines
