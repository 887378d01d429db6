"""A part of the lexical index: the terms and vectors of the sentences of some documents, written once, never changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.bm25.quantised_vectors import QuantisedVectors, mapped_array
from qa_engine.index.disk.atomic_file import make_folder, open_private

_DOCUMENTS = "documents.json"
_CHECKSUMS = "checksums.json"
_ARRAYS = ("keys", "starts", "rows", "counts", "lengths", "first_rows")
Rows = NDArray[np.unsignedinteger[Any]]
"""Whole numbers of the shortest type that holds them."""
_MAX_COUNT = np.iinfo(np.uint8).max
"""The largest number of occurrences that is stored; BM25 saturates long before."""


@dataclass(frozen=True)
class DocumentTerms:
    """The terms of the sentences of one document, in order."""

    document_id: str
    sentences: Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Bm25Segment:
    """The postings of some documents. Of a saved segment, the arrays are mapped into memory: opening costs next to nothing.

    Numbers are as short as the segment allows: rows of up to 65,536 sentences take two bytes instead of four.

    Attributes:
        document_ids: ids of its documents, in order.
        first_rows: (documents + 1,), the row of the first sentence of each.
        keys: (terms,), the `term_key` of each term, ascending.
        starts: (terms + 1,), where the postings of each term begin.
        rows: (postings,), the sentences that hold a term, ascending for each term.
        counts: (postings,), how often the sentence of each posting holds the term.
        lengths: (sentences,), the number of terms of each sentence.
        vectors: of the sentences; None if they are not kept here.
    """

    document_ids: list[str]
    first_rows: NDArray[np.int64]
    keys: NDArray[np.uint64]
    starts: Rows
    rows: Rows
    counts: NDArray[np.uint8]
    lengths: NDArray[np.uint32]
    vectors: QuantisedVectors | None = None

    @classmethod
    def build(cls, documents: Iterable[DocumentTerms], context_sentences: int) -> Bm25Segment:
        """The segment of some documents, which may be none and may hold empty sentences.

        The terms of ``context_sentences`` neighbours on each side count for a sentence as well.
        """
        vocabulary: dict[str, int] = {}
        document_ids: list[str] = []
        first_rows = [0]
        terms: list[int] = []
        sizes: list[int] = []
        for document in documents:
            document_ids.append(document.document_id)
            first_rows.append(first_rows[-1] + len(document.sentences))
            for sentence in document.sentences:
                sizes.append(len(sentence))
                terms.extend([vocabulary.setdefault(term, len(vocabulary)) for term in sentence])
        borders = np.array(first_rows, np.int64)
        rows = np.repeat(np.arange(len(sizes), dtype=np.int64), np.array(sizes, np.int64))
        keys = np.fromiter((term_key(term) for term in vocabulary), np.uint64, len(vocabulary))
        order = np.argsort(keys)
        position = np.empty(len(keys), np.int64)
        position[order] = np.arange(len(keys))
        packed = _with_neighbours(position[np.array(terms, np.int64)], rows, borders, context_sentences)
        packed, counts = np.unique(packed, return_counts=True)
        rows_in_all = max(1, len(sizes))
        term_numbers = packed // rows_in_all
        sentence_rows = (packed % rows_in_all).astype(_narrowest(rows_in_all - 1))
        return cls(
            document_ids,
            borders,
            keys[order],
            np.searchsorted(term_numbers, np.arange(len(keys) + 1)).astype(_narrowest(len(term_numbers))),
            sentence_rows,
            np.minimum(counts, _MAX_COUNT).astype(np.uint8),
            np.bincount(sentence_rows, counts, len(sizes)).astype(np.uint32),
        )

    def __len__(self) -> int:
        return int(self.first_rows[-1])

    def spans(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the postings of terms, given by their `term_key`, begin and end in `rows` and `counts`.

        Of a term that occurs nowhere, both arrays hold the same number.

        Raises:
            StorageError: the segment is damaged: such postings cannot be.
        """
        if not len(self.keys):
            nowhere = np.zeros(len(keys), np.int64)
            return nowhere, nowhere
        positions = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        starts = self.starts[positions].astype(np.int64)
        ends = self.starts[positions + 1].astype(np.int64)
        if (starts > ends).any() or (ends > len(self.rows)).any():
            raise StorageError("The BM25 index is damaged: run qa-engine rebuild.")
        return starts, np.where(self.keys[positions] == keys, ends, starts)

    def rows_of(self, document_ids: Container[str]) -> NDArray[np.bool_]:
        """A mask of the sentences, (sentences,), that is True for those of the documents."""
        selected = [document_id in document_ids for document_id in self.document_ids]
        return np.repeat(np.array(selected, bool), np.diff(self.first_rows))

    def node_ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The ids of the sentences in some rows."""
        documents = np.searchsorted(self.first_rows, rows, side="right") - 1
        ordinals = rows - self.first_rows[documents]
        return [
            node_id(self.document_ids[document], ordinal)
            for document, ordinal in zip(documents.tolist(), ordinals.tolist(), strict=True)
        ]

    def save(self, folder: Path, vectors: QuantisedVectors | None = None) -> None:
        """Writes the segment into a folder that does not exist; it appears complete or not at all.

        ``vectors`` are those of its sentences, in their order.
        """
        scratch = folder.with_name(f"{folder.name}.writing")
        shutil.rmtree(scratch, ignore_errors=True)
        make_folder(scratch)
        for name in _ARRAYS:
            with open_private(scratch / f"{name}.npy", "wb") as file:
                np.save(file, getattr(self, name))
        if vectors is not None:
            vectors.save(scratch)
        with open_private(scratch / _DOCUMENTS, "w", encoding="utf-8") as file:
            file.write(json.dumps(self.document_ids))
        sums = {path.name: _checksum(path) for path in sorted(scratch.iterdir())}
        with open_private(scratch / _CHECKSUMS, "w", encoding="utf-8") as file:
            file.write(json.dumps(sums))
        scratch.rename(folder)

    @classmethod
    def load(cls, folder: Path) -> Bm25Segment:
        """Opens a saved segment.

        Raises:
            OSError, ValueError: it is missing or damaged.
        """
        document_ids = json.loads((folder / _DOCUMENTS).read_text(encoding="utf-8"))
        arrays: dict[str, Any] = {name: mapped_array(folder / f"{name}.npy") for name in _ARRAYS}
        segment = cls(document_ids, **arrays, vectors=QuantisedVectors.load(folder))
        sizes = (len(segment.keys), len(segment.starts) - 1), (len(document_ids), len(segment.first_rows) - 1)
        if any(size != expected for size, expected in sizes) or (
            segment.vectors is not None and len(segment.vectors) != len(segment)
        ):
            raise ValueError(f"{folder} holds parts that do not fit together")
        return segment


def damaged_files(folder: Path) -> list[str] | None:
    """The files of a saved segment that are not as they were written; all of them are read.

    None if an earlier version wrote it, without checksums.
    """
    try:
        sums = json.loads((folder / _CHECKSUMS).read_text(encoding="utf-8"))
        return [name for name, value in sums.items() if _checksum(folder / name) != value]
    except FileNotFoundError as error:
        name = Path(error.filename).name
        return None if name == _CHECKSUMS else [name]
    except (ValueError, AttributeError):
        return [_CHECKSUMS]


def _checksum(file: Path) -> int:
    value = 0
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


@dataclass(frozen=True, eq=False)
class StoredSegment:
    """A segment in the folder of the index, and which of its documents no longer count."""

    name: str
    segment: Bm25Segment
    dead: frozenset[str] = field(default_factory=frozenset)

    @property
    def live(self) -> list[str]:
        """The documents that count."""
        return [document_id for document_id in self.segment.document_ids if document_id not in self.dead]


def node_ids_of(
    parts: Sequence[tuple[Bm25Segment, int]], borders: NDArray[np.int64], places: NDArray[np.int64]
) -> list[str]:
    """The ids of sentences of several segments that are numbered one after another.

    Args:
        parts: the segments, each with the row that it begins with.
        borders: (segments + 1,), the number of the first sentence of each, and the end.
        places: (sentences,), numbers of sentences.
    """
    ids = np.empty(len(places), object)
    numbers = np.searchsorted(borders, places, side="right") - 1
    for number in np.unique(numbers).tolist():
        (segment, first), here = parts[number], numbers == number
        ids[here] = segment.node_ids(places[here] - borders[number] + first)
    return cast(list[str], ids.tolist())


def term_key(term: str) -> int:
    """64 bits that stand for a term. Of a million terms, two share theirs with a probability of 3 in 100 million."""
    return int.from_bytes(hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _narrowest(largest: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The shortest type of whole numbers, of at least 16 bits, that holds a number."""
    return np.promote_types(np.min_scalar_type(max(0, largest)), np.uint16)


def _with_neighbours(
    terms: NDArray[np.int64], rows: NDArray[np.int64], borders: NDArray[np.int64], reach: int
) -> NDArray[np.int64]:
    """Each occurrence of a term in a sentence or a neighbour of the same document, as term · sentences + row."""
    sentences = max(1, int(borders[-1]))
    document = np.searchsorted(borders, rows, side="right") - 1
    first, last = borders[document], borders[document + 1]
    occurrences = []
    for shift in range(-reach, reach + 1):
        moved = rows + shift
        inside = (moved >= first) & (moved < last)
        occurrences.append(terms[inside] * sentences + moved[inside])
    return np.concatenate(occurrences)
