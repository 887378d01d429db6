"""Finds documents by their ids, and reads them: whole ones in parts, pages, and passages with what stands around them.

All functions block, so call them in threads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa_engine.documents.blocks import Role
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.errors import QAEngineError
from qa_engine.index.documents.citations import cited_range
from qa_engine.index.documents.sections import Section, sections_of
from qa_engine.index.records import FileRecord, StoredSentence
from qa_engine.mcp.library import CitedPassage, Library, ToolError
from qa_engine.mcp.texts import pages_text
from qa_engine.text.control_characters import show_controls, show_controls_on_line
from qa_engine.text.one_line import one_line

PART_CHARS = 20_000
"""Of the text of a document that is returned at once, about."""
_AROUND = 10
"""Sentences before and behind a passage that are returned with it, within its section."""
_ID = re.compile(r"(?:(?P<collection>.+)/)?(?P<file>[0-9a-f]{16})(?:#(?P<part>[1-9][0-9]{0,5}))?", re.DOTALL)


@dataclass(frozen=True)
class Document:
    """A file of a collection."""

    collection: str
    record: FileRecord


@dataclass(frozen=True)
class DocumentPart:
    """A part of the text of a document.

    Attributes:
        text: with a line before each change of page or section.
        number: of the part, from 1.
        count: of all parts.
        first_sentence: id of its first sentence.
    """

    text: str
    number: int
    count: int
    first_sentence: str


def is_document_id(identifier: str) -> bool:
    """Whether an id is that of a document, or of a part of one."""
    return _ID.fullmatch(identifier) is not None


def find_document(library: Library, identifier: str) -> tuple[Document, int]:
    """A document by its id, and the number of the part that the id names; 1 if it names none.

    Args:
        library: whose collections are looked through.
        identifier: ``COLLECTION/FILE_ID``, or the id of the file alone.

    Raises:
        ToolError: there is none.
    """
    match = _ID.fullmatch(identifier)
    if match is not None:
        visible = library.visible()
        named = match["collection"]
        for name in visible if named is None else [one for one in visible if one == named]:
            try:
                with library.opened(name) as catalog:
                    record = catalog.file_with_id(match["file"])
            except (QAEngineError, ToolError):
                if named is not None:
                    raise
                continue
            if record is not None:
                return Document(name, record), int(match["part"] or 1)
    shown = show_controls_on_line(one_line(identifier, 100))
    raise ToolError(f"There is no document {shown!r}. list_documents shows the ids of all documents.")


def document_part(library: Library, document: Document, number: int) -> DocumentPart:
    """A part of the text of a document.

    Raises:
        ToolError: it has no such part, or no text.
    """
    with library.opened(document.collection) as catalog:
        sentences = _of_pages(catalog.sentences(document.record.document_id))
    parts = list(_parts(sentences))
    name = show_controls_on_line(document.record.file_name)
    if not parts:
        raise ToolError(
            f"{name!r} has no text that could be read; it may be a scan that was ingested without OCR."
        )
    if number > len(parts):
        raise ToolError(f"{name!r} has {len(parts)} parts, and no part {number}.")
    part = parts[number - 1]
    return DocumentPart(_text_by_section(part), number, len(parts), part[0].node_id)


def page_text(library: Library, document: Document, page: int) -> str:
    """The text of a page of a document.

    Raises:
        ToolError: it has no such page, or no text on it.
    """
    with library.opened(document.collection) as catalog:
        sentences = _of_pages(catalog.sentences_on_page(document.record.document_id, page))
    if not sentences:
        name = show_controls_on_line(document.record.file_name)
        raise ToolError(f"{name!r} has no text on page {page}; it has {document.record.pages} pages.")
    return _text_by_section(sentences)


def widened_text(library: Library, cited: CitedPassage) -> str:
    """A passage with the sentences around it in its section."""
    at = cited_range(cited.id)
    assert at is not None
    with library.opened(cited.collection) as catalog:
        sentences = catalog.sentences(cited.record.document_id)
    section = sentences[at.first].metadata.get("section", "") if at.first < len(sentences) else ""
    first, last = at.first, min(at.last, len(sentences) - 1)

    def belongs(number: int) -> bool:
        return 0 <= number < len(sentences) and sentences[number].metadata.get("section", "") == section

    while first > at.first - _AROUND and belongs(first - 1):
        first -= 1
    while last < at.last + _AROUND and belongs(last + 1):
        last += 1
    chosen = _of_pages(sentences[first : last + 1])
    text = _text_by_section(chosen) if chosen else show_controls(cited.text)
    if len(text) > 2 * PART_CHARS:  # an id of very many sentences
        text = f"{text[: 2 * PART_CHARS]}…（过长，未完）"
    return text


def outline_of(library: Library, document: Document) -> list[Section]:
    """The sections of a document."""
    with library.opened(document.collection) as catalog:
        return sections_of(catalog, document.record.document_id)


def listed(library: Library, collection: str | None, part: str | None) -> list[Document]:
    """The documents of the collections, by name.

    Args:
        library: that holds them.
        collection: only this one.
        part: only files whose names hold this, in any case.

    Raises:
        ToolError: there is no such collection.
    """
    visible = library.visible()
    if collection is not None and collection not in visible:
        known = "、".join(show_controls_on_line(name) for name in visible[:50]) or "none"
        shown = show_controls_on_line(collection)
        raise ToolError(f"There is no collection {shown!r}. The collections are: {known}.")
    found = []
    for name in visible if collection is None else [collection]:
        with library.opened(name) as catalog:
            records = sorted(catalog.files().values(), key=lambda one: (one.file_name, one.file_id))
        found += [
            Document(name, one) for one in records if (part or "").casefold() in one.file_name.casefold()
        ]
    return found


def _of_pages(sentences: Sequence[StoredSentence]) -> list[StoredSentence]:
    """What stands on pages: what a table is about does not."""
    return [one for one in sentences if one.metadata.get("role") != Role.TABLE_SUMMARY]


def _parts(sentences: Sequence[StoredSentence]) -> list[list[StoredSentence]]:
    parts: list[list[StoredSentence]] = []
    size = PART_CHARS
    for sentence in sentences:
        if size >= PART_CHARS:
            parts.append([])
            size = 0
        parts[-1].append(sentence)
        size += len(sentence.text)
    return parts


def _text_by_section(sentences: Sequence[StoredSentence]) -> str:
    """Sentences joined, with a line that names page and section wherever one of them changes."""
    pieces: list[str] = []
    begin = 0
    for end in range(1, len(sentences) + 1):
        if end < len(sentences) and _place(sentences[end]) == _place(sentences[begin]):
            continue
        page, section = _place(sentences[begin])
        head = " · ".join(
            part for part in (pages_text(page, page), one_line(show_controls(section), 200)) if part
        )
        group = sentences[begin:end]
        text = show_controls(
            join_sentences([one.text for one in group], [one.metadata.get("paragraph", 0) for one in group])
        )
        pieces.append(f"【{head}】\n{text}" if head else text)
        begin = end
    return "\n\n".join(pieces)


def _place(sentence: StoredSentence) -> tuple[int, str]:
    return sentence.metadata.get("page") or 0, sentence.metadata.get("section") or ""
