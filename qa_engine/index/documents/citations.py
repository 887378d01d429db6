"""Finds what the id of a citation stands for: the cited sentences, their file, and their places on its pages."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from qa_engine.documents.blocks import Role
from qa_engine.documents.pdf.rendering import PageBox, boxes_between
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.index.documents.queries import DocumentQueries
from qa_engine.index.records import FileRecord, StoredSentence

_ID = re.compile(r"(?P<document>.+)-(?P<first>\d{1,10})(\.\.(?P<last>\d{1,10}))?")


@dataclass(frozen=True)
class CitedSentences:
    """The sentences that the id of a citation stands for.

    Attributes:
        files: the files that they are in, which all have the same content, by path.
        text: the sentences, joined as the document has them.
        page: the page that they begin on, from 1; 0 for a document without pages.
        page_end: the page that they end on.
        section: the titles above the first of them, the outermost first; empty if there are none.
        page_label: the number printed on the first page, if it is not ``page``.
        boxes: the rectangles of their lines; empty if the collection does not know them.
    """

    files: list[FileRecord]
    text: str
    page: int
    page_end: int
    section: str = ""
    page_label: str = ""
    boxes: list[PageBox] = field(default_factory=list)

    @property
    def file(self) -> FileRecord:
        """The first of the files."""
        return self.files[0]


class CitedRange(NamedTuple):
    """The document that the id of a citation names, and the numbers of its first and its last sentence, from 0."""

    document_id: str
    first: int
    last: int


def cited_range(identifier: str) -> CitedRange | None:
    """What the id of a citation, such as ``0f3a…-0000012`` or ``0f3a…-0000012..15``, says; None for any other text."""
    match = _ID.fullmatch(identifier)
    if match is None:
        return None
    first = int(match["first"])
    return CitedRange(match["document"], first, int(match["last"] or first))


def find_citation(catalog: DocumentQueries, identifier: str) -> CitedSentences | None:
    """What the id of a citation stands for, or None if the collection does not hold it, or no longer.

    Args:
        catalog: of the collection.
        identifier: the ``id`` of a citation, or the id of a passage.

    Raises:
        StorageError: the catalog cannot be read.
    """
    cited = cited_range(identifier)
    if cited is None:
        return None
    document_id, first, last = cited
    files = catalog.files_of([document_id]).get(document_id, [])
    if not files or not first <= last < files[0].nodes:
        return None
    with closing(catalog.sentence_texts()) as texts:
        sentences = list(
            texts.get([node_id(document_id, number) for number in range(first, last + 1)]).values()
        )
    if not sentences:  # a writer has just deleted them
        return None
    # What a table is about is not on the page, unless nothing else was asked for.
    sentences = [one for one in sentences if one.metadata.get("role") != Role.TABLE_SUMMARY] or sentences
    boxes = _boxes(catalog, document_id, sentences)
    first_page = int(sentences[0].metadata.get("page") or 0)
    return CitedSentences(
        files=files,
        text=join_sentences(
            [one.text for one in sentences], [one.metadata["paragraph"] for one in sentences]
        ),
        page=min((box.page for box in boxes), default=first_page),
        page_end=max((box.page for box in boxes), default=first_page),
        section=str(sentences[0].metadata.get("section", "")),
        page_label=str(sentences[0].metadata.get("page_label", "")),
        boxes=boxes,
    )


def _boxes(catalog: DocumentQueries, document_id: str, sentences: list[StoredSentence]) -> list[PageBox]:
    """The rectangles of the lines of sentences, each once."""
    spans = catalog.spans(document_id)
    boxes: dict[PageBox, None] = {}
    for sentence in sentences:
        boxes |= dict.fromkeys(boxes_between(spans, sentence.start_char_idx, sentence.end_char_idx))
    return list(boxes)
