"""What the catalog knows of a file, and of its content."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from qa_engine.documents.blocks import Span

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar]
"""Scalars by key. It belongs to a file, is kept in the catalog, and can be changed without touching a vector."""
_SPANS = b"\0"
"""What packed spans begin with, and those of an earlier version, which were JSON, do not."""
_TENTHS = (1, 1, 1, 10, 10, 10, 10)
"""What the values of a span are multiplied with to be stored as whole numbers."""


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

    @property
    def file_id(self) -> str:
        """Names the file within its collection; it stays when the content changes, and does not show the path."""
        return file_id(self.path)


def file_id(path: str) -> str:
    """The id of the file that is recorded under a path: 16 hexadecimal digits."""
    return hashlib.sha256(path.encode()).hexdigest()[:16]


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


class StoredSpans(Sequence[Span]):
    """The places of the lines of a document, to a tenth of a point.

    Each is made when it is asked for: a document has ten thousand, and a citation is on three.
    """

    def __init__(self, rows: NDArray[np.int32]) -> None:
        """Takes the values of each span, with coordinates in tenths of a point."""
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Span: ...
    @overload
    def __getitem__(self, place: slice) -> list[Span]: ...
    def __getitem__(self, place: int | slice) -> Span | list[Span]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        start, end, page, *box = self._rows[place].tolist()
        return Span(start, end, page, *(value / 10 for value in box))


def pack_spans(spans: Sequence[Span]) -> bytes:
    """The places of lines, to a tenth of a point."""
    values = [(one.start, one.end, one.page, one.x0, one.y0, one.x1, one.y1) for one in spans]
    return zlib.compress(_SPANS + _in_tenths(values).T.tobytes())


def unpack_spans(packed: bytes | None) -> Sequence[Span]:
    """What `pack_spans`, also that of an earlier version, packed; none for nothing."""
    if packed is None:
        return ()
    content = zlib.decompress(packed)
    if not content.startswith(_SPANS):
        return StoredSpans(_in_tenths(json.loads(content)))
    return StoredSpans(np.frombuffer(content, "<i4", offset=len(_SPANS)).reshape(len(_TENTHS), -1).T)


def _in_tenths(values: Sequence[Sequence[float]]) -> NDArray[np.int32]:
    rows = np.array(values, np.float64).reshape(-1, len(_TENTHS))
    return np.rint(rows * _TENTHS).astype("<i4")


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
