"""Rows of sentences as Chroma stores them. One machine may make them, and another one store them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

import numpy as np
from llama_index.core.schema import BaseNode, MetadataMode
from numpy.typing import NDArray

from qa_engine.index.vectors.chroma_rows import row_metadata


@dataclass(frozen=True)
class SentenceRows:
    """Rows of sentences.

    Attributes:
        ids, texts: of the sentences.
        vectors: array of shape (sentences, dimensions), float32.
        metadatas: what Chroma stores besides.
    """

    ids: list[str]
    texts: list[str]
    vectors: NDArray[np.float32]
    metadatas: list[dict[str, Any]]

    @classmethod
    def of(
        cls, nodes: Sequence[BaseNode], vectors: NDArray[np.float32], numbers: Mapping[str, int | None]
    ) -> SentenceRows:
        """The rows of nodes, with the numbers of their documents by the ids of these; see `RowFence`."""
        return cls(
            [node.node_id for node in nodes],
            [node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes],
            vectors,
            [row_metadata(node, numbers.get(node.ref_doc_id or "")) for node in nodes],
        )

    @classmethod
    def joined(cls, parts: Sequence[SentenceRows]) -> SentenceRows:
        """The rows of several parts, one after another; there has to be one part at least."""
        return cls(
            [one for part in parts for one in part.ids],
            [one for part in parts for one in part.texts],
            np.concatenate([part.vectors for part in parts]),
            [one for part in parts for one in part.metadatas],
        )

    def __len__(self) -> int:
        return len(self.ids)

    def request(self, start: int, rows: int, size: int | None) -> SentenceRows:
        """The rows from one on that a request takes: so many at most, and of so many bytes, unless a single row has more."""
        part = self._between(start, start + rows)
        if size is None:
            return part
        fitting = sum(1 for _ in takewhile(lambda total: total <= size, accumulate(part.request_sizes())))
        return part._between(0, max(1, fitting))

    def _between(self, start: int, end: int) -> SentenceRows:
        rows = slice(start, end)
        return SentenceRows(self.ids[rows], self.texts[rows], self.vectors[rows], self.metadatas[rows])

    def request_sizes(self) -> Iterator[int]:
        """About what each row takes on its way to a server: text and metadata in JSON, and the vector in Base64."""
        vector_bytes = self.vectors.shape[1] * 16 // 3
        for text, metadata in zip(self.texts, self.metadatas, strict=True):
            yield len(text.encode("utf-8", "replace")) + len(str(metadata)) * 2 + vector_bytes + 300
