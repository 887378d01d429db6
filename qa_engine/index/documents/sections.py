"""The sections of a document with their pages: its outline."""

from __future__ import annotations

from dataclasses import dataclass

from qa_engine.documents.blocks import SECTION_MARK
from qa_engine.index.documents.queries import DocumentQueries


@dataclass
class Section:
    """A section of a document.

    Attributes:
        titles: the headings above its sentences, the outermost first.
        page: that its first sentence begins on, from 1.
        page_end: that its last sentence ends on.
    """

    titles: list[str]
    page: int
    page_end: int


def sections_of(catalog: DocumentQueries, document_id: str) -> list[Section]:
    """The sections of a document, in the order of their first sentences."""
    sections: dict[str, Section] = {}
    for sentence in catalog.sentences(document_id):
        name = sentence.metadata.get("section", "")
        page, page_end = sentence.metadata.get("page", 0), sentence.metadata.get("page_end", 0)
        if not name:
            continue
        section = sections.setdefault(name, Section(name.split(SECTION_MARK), page, page_end))
        section.page_end = max(section.page_end, page_end)
    return list(sections.values())
