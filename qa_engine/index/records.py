"""What the catalog knows of a file, and of its content."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Span

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar]
"""Scalars by key. It belongs to a file, is kept in the catalog, and can be changed without touching a vector."""


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


def pack_spans(spans: Sequence[Span]) -> bytes:
    """The places of lines, to a tenth of a point."""
    rows = [
        [span.start, span.end, span.page, *(round(x, 1) for x in (span.x0, span.y0, span.x1, span.y1))]
        for span in spans
    ]
    return zlib.compress(json.dumps(rows).encode())


def unpack_spans(packed: bytes | None) -> list[Span]:
    """What `pack_spans` packed; none for nothing."""
    return [Span(*values) for values in json.loads(zlib.decompress(packed))] if packed is not None else []


def pack_texts(texts: Sequence[str]) -> bytes | None:
    """Some texts, or nothing for none."""
    return zlib.compress(json.dumps(list(texts), ensure_ascii=False).encode()) if texts else None


def unpack_texts(packed: bytes | None) -> list[str]:
    """What `pack_texts` packed."""
    texts: list[str] = json.loads(zlib.decompress(packed)) if packed is not None else []
    return texts


def pack_terms(sentences: Sequence[Sequence[str]]) -> bytes:
    """The terms of sentences, which hold no blanks."""
    return zlib.compress("\n".join(" ".join(sentence) for sentence in sentences).encode(), 1)


def unpack_terms(packed: bytes) -> list[list[str]]:
    """What `pack_terms` packed."""
    return [line.split() for line in zlib.decompress(packed).decode().split("\n")]
