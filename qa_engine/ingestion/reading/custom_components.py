"""LlamaIndex components of the caller: documents of a `BaseReader`, documents in memory, and nodes of a `NodeParser`.

All of them run in this process. What they return is brought into the form that the rest of the ingestion expects: one text
a file with the pages of its characters, and nodes with deterministic ids.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeRelationship, TextNode

from qa_engine.documents.blocks import SECTION_MARK, Span
from qa_engine.documents.parsed_pdf import PageReport, ParsedPdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.documents.sentences.node_parser import (
    METADATA_KEYS,
    PAGE_LABEL,
    SECTION,
    lines_between,
)
from qa_engine.errors import DocumentError, InputError
from qa_engine.index.records import Metadata
from qa_engine.ingestion.files.diff import DocumentSource
from qa_engine.ingestion.files.metadata import usable_metadata
from qa_engine.ingestion.files.state import document_path
from qa_engine.ingestion.reading.batches import Parsed
from qa_engine.text.one_line import first_line

FILE_NAME = "file_name"
_PAGE_KEYS = ("page", PAGE_LABEL)
_MAX_PAGE = 100_000
"""A larger number in the metadata of a document is taken for something else than a page."""
_NOT_STORED = frozenset(
    {*METADATA_KEYS, "file_path", "document_id", "doc_id", "ref_doc_id", "at", "start", "end"}
)
"""Metadata keys of a node that are set anew, or that the vector store uses itself."""


@dataclass(frozen=True)
class ParsedDocuments(ParsedPdf):
    """What a reader of the caller returned for a file, or documents in memory of one name.

    Attributes:
        metadata: what all documents of the file say alike, as far as it can be filtered by.
    """

    metadata: Metadata = field(default_factory=dict)


def parsed_documents(documents: Sequence[Document], name: str) -> ParsedPdf:
    """The documents of one file as one text.

    A document is on the page that its metadata ``page`` or ``page_label`` says; a label that is no number makes it the page
    of its place in the list, and documents without either are on page 1.

    Args:
        documents: in the order of the text.
        name: the name of the file, for the message.

    Raises:
        DocumentError: none of them has text.
    """
    if len(documents) == 1 and isinstance(documents[0], PdfDocument):
        pdf = documents[0]
        return ParsedPdf(
            pdf.text, pdf.spans, pdf.paragraphs, pdf.sections, pdf.tables, pdf.doubts, pdf.page_reports
        )
    texts = [document.get_content(metadata_mode=MetadataMode.NONE) for document in documents]
    if not any(text.strip() for text in texts):
        raise DocumentError("no_text", f"{name} has no text: its reader returned {len(documents)} documents.")
    pages = _pages(documents)
    labels = {page: _label(document) for page, document in zip(pages, documents, strict=True)}
    spans, start = [], 0
    for text, page in zip(texts, pages, strict=True):
        spans.append(Span(start, start + len(text), page, 0, 0, 0, 0))
        start += len(text) + 1
    reports = [PageReport(page, labels.get(page), "reader") for page in range(1, max(pages) + 1)]
    common = {
        key: value
        for key, value in documents[0].metadata.items()
        if all(key in document.metadata and document.metadata[key] == value for document in documents)
    }
    return ParsedDocuments("\n".join(texts), spans, [], [], [], [], reports, metadata=usable_metadata(common))


def _pages(documents: Sequence[Document]) -> list[int]:
    return [_page(document.metadata, place) for place, document in enumerate(documents, 1)]


def _page(metadata: Mapping[str, Any], place: int) -> int:
    for key in _PAGE_KEYS:
        value = str(metadata.get(key, "")).strip()
        if value.isdecimal() and 1 <= int(value) <= _MAX_PAGE:
            return int(value)
    return place if any(metadata.get(key) not in (None, "") for key in _PAGE_KEYS) else 1


def _label(document: Document) -> str | None:
    label = document.metadata.get(PAGE_LABEL)
    return str(label) if label not in (None, "") else None


class _ParserHere:
    """Parses files in this process, one after another."""

    def parse(self, paths: Sequence[Path], stopped: Callable[[], bool] = lambda: False) -> Iterator[Parsed]:
        """Each file with its text, or the reason why it has none; see `ParsingPool.parse`."""
        for path in paths:
            if stopped():
                return
            try:
                result: ParsedPdf | DocumentError = self._parsed(path)
            except DocumentError as error:
                result = error
            yield path, result

    def _parsed(self, path: Path) -> ParsedPdf:
        raise NotImplementedError


class CustomReader(_ParserHere):
    """Parses files by a reader of the caller."""

    def __init__(self, reader: BaseReader) -> None:
        """
        Args:
            reader: ``load_data(file=path)`` or ``load_data(path)`` returns the documents of one file.
        """
        self._reader = reader

    def _parsed(self, path: Path) -> ParsedPdf:
        try:
            by_keyword = "file" in inspect.signature(self._reader.load_data).parameters
            documents = self._reader.load_data(file=path) if by_keyword else self._reader.load_data(path)
            return parsed_documents(documents, path.name)
        except DocumentError:
            raise
        except Exception as error:
            reason = first_line(error)[:200].rstrip(".")
            raise DocumentError(
                "damaged",
                f"{path.name} cannot be read by {type(self._reader).__name__} ({type(error).__name__}: {reason}).",
            ) from error


class DocumentsInMemory(_ParserHere):
    """Documents that did not come from files, by their names."""

    def __init__(self, documents: Sequence[Document]) -> None:
        """
        Args:
            documents: the documents of the same ``file_name`` in their metadata, or else of the same id, are one; see
                `parsed_documents`.

        Raises:
            InputError: a document has no name.
        """
        self._documents: dict[Path, list[Document]] = {}
        for document in documents:
            name = str(document.metadata.get(FILE_NAME) or document.id_).strip()
            if not name.strip("/"):
                raise InputError("A document has neither metadata file_name nor an id: give it a name.")
            self._documents.setdefault(document_path(name), []).append(document)

    def sources(self) -> list[DocumentSource]:
        """What is compared with the catalog: for each name a digest of texts and page numbers, and the metadata."""
        return [self._source(path, documents) for path, documents in self._documents.items()]

    def _source(self, path: Path, documents: Sequence[Document]) -> DocumentSource:
        content = json.dumps(
            [
                (document.get_content(metadata_mode=MetadataMode.NONE), page, _label(document))
                for document, page in zip(documents, _pages(documents), strict=True)
            ]
        ).encode()
        try:
            parsed = self._parsed(path)
            metadata = parsed.metadata if isinstance(parsed, ParsedDocuments) else {}
        except DocumentError:  # is reported when it is read
            metadata = {}
        return DocumentSource(path, len(content), hashlib.sha256(content).hexdigest(), metadata)

    def _parsed(self, path: Path) -> ParsedPdf:
        return parsed_documents(self._documents[path], path.name)


class CustomSplitter:
    """Splits documents by a node parser of the caller, into nodes as `SentenceNodeParser` makes them."""

    def __init__(self, parser: NodeParser) -> None:
        """The nodes of the parser are stored in its order. Nodes without text are left out."""
        self._parser = parser

    def __call__(self, documents: Sequence[PdfDocument]) -> list[BaseNode]:
        """The nodes of documents, those of each document one after another."""
        return [node for document in documents for node in self._nodes(document)]

    def _nodes(self, document: PdfDocument) -> Iterator[BaseNode]:
        source = document.as_related_node_info()
        line_starts = [0, *(place + 1 for place, mark in enumerate(document.text) if mark == "\n")]
        ordinal = place = 0
        for node in self._parser.get_nodes_from_documents([document]):
            text = node.get_content(metadata_mode=MetadataMode.NONE)
            if not text.strip():
                continue
            start = node.start_char_idx if isinstance(node, TextNode) else None
            if start is None:
                start = max(document.text.find(text, place), place)
            place = start
            end = min(start + len(text), len(document.text))
            metadata = {
                key: value
                for key, value in node.metadata.items()
                if isinstance(value, str | int | float) and key not in _NOT_STORED
            }
            metadata |= _place_in_document(document, start, end, bisect_right(line_starts, start) - 1)
            yield TextNode(
                id_=node_id(document.node_id, ordinal),
                text=text,
                metadata=metadata,
                excluded_embed_metadata_keys=list(metadata),
                excluded_llm_metadata_keys=list(metadata),
                start_char_idx=start,
                end_char_idx=end,
                relationships={NodeRelationship.SOURCE: source},
            )
            ordinal += 1


def _place_in_document(document: PdfDocument, start: int, end: int, paragraph: int) -> dict[str, Any]:
    """The metadata that say where characters of a document stand."""
    place: dict[str, Any] = {FILE_NAME: document.metadata.get(FILE_NAME, ""), "paragraph": paragraph}
    if lines := lines_between(document.spans, start, end):
        page = lines[0].page
        place |= {"page": page, "page_end": lines[-1].page}
        label = document.page_reports[page - 1].label if page <= len(document.page_reports) else None
        if label is not None and label != str(page):
            place[PAGE_LABEL] = label
    if paragraph < len(document.paragraphs):
        titles = document.sections[document.paragraphs[paragraph].section]
        if titles:
            place[SECTION] = SECTION_MARK.join(titles)
    return place
