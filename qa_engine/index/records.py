"""What the catalog knows of a file, and of its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Span
from qa_engine.index.user_metadata import Metadata, Scalar


@dataclass(frozen=True)
class FileRecord:
    """A file as it was ingested.

    ``document_id`` names its content as it was read: files of the same content share a document. ``pipeline`` identifies
    parser, splitter and embedding; ``awaits_ocr`` is the number of pages that OCR could read and that were left out for
    lack of it. ``listed`` is what a table of metadata says about the file, ``sidecar`` what the file beside it says.
    """

    path: str
    file_name: str
    size: int
    modified_ns: int
    changed_ns: int
    sha256: str
    pipeline: str
    document_id: str
    ingested_at: str = ""
    listed: Metadata = field(default_factory=dict)
    sidecar: Metadata = field(default_factory=dict)
    nodes: int = 0
    pages: int = 0
    chinese_nodes: int = 0
    awaits_ocr: int = 0

    @property
    def metadata(self) -> dict[str, Scalar]:
        """What is noted about the file; its sidecar has the last word."""
        return {**self.listed, **self.sidecar}


@dataclass(frozen=True)
class DocumentRecord:
    """The content of one or several files, as it was read and stored."""

    document_id: str
    state: str
    nodes: int
    pages: int
    chinese_nodes: int
    awaits_ocr: int


class StoredSentence(NamedTuple):
    """What is stored of a sentence, by the names that a node has. Making a node of it takes ten times as long."""

    node_id: str
    text: str
    metadata: dict[str, Any]
    start_char_idx: int | None
    end_char_idx: int | None


@dataclass(frozen=True)
class DocumentParts:
    """What the catalog keeps of the content of a document, besides numbers."""

    spans: Sequence[Span]
    terms: Sequence[Sequence[str]]
    tables: Sequence[str] = ()
    sections: Sequence[str] = ()
    sentences: Sequence[StoredSentence] = ()
