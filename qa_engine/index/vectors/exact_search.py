"""The sentences whose vectors are nearest to that of a question, found by comparing all of them.

Chroma searches a graph, which finds about 96 of the nearest 100. What it has not yet written into its files it adds to the
graph whenever these are opened, in an order that differs from one process to the next: so the same question had other
passages from run to run. And to search a few documents it walks through all others, for 15 to 60 ms where this takes one.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from qa_engine.index.bm25.index import Bm25Index
from qa_engine.index.bm25.segment import Bm25Segment, node_ids_of

_MOST = 100_000
"""Of more sentences, the graph is faster: the vectors of so many are 39 MB, which takes some 8 ms."""


class NearSentence(NamedTuple):
    """A sentence and the cosine of its vector with that of the question."""

    node_id: str
    cosine: float


def nearest(
    index: Bm25Index, vector: Sequence[float], count: int, documents: Container[str] | None = None
) -> list[NearSentence] | None:
    """The sentences with the nearest vectors, best first.

    Args:
        index: the segments with the vectors.
        vector: of the question.
        count: most sentences to return.
        documents: those to search; None for all that count.

    Returns:
        None if there are too many sentences to compare, or not all of their vectors are there.
    """
    parts = list(_parts(index, documents))
    borders = np.cumsum([0, *(end - first for _, first, end in parts)])
    query = np.asarray(vector, np.float32)
    query = query / (np.linalg.norm(query) or 1)
    scores = [np.zeros(0, np.float32)]
    for segment, first, end in parts if borders[-1] <= _MOST else ():
        if segment.vectors is None or segment.vectors.codes.shape[1] != len(query):
            return None
        scores.append(segment.vectors.rows(first, end).cosines(query))
    cosines = np.concatenate(scores)
    if len(cosines) < borders[-1]:
        return None
    best = np.arange(len(cosines))
    if count < len(best):
        best = np.argpartition(-cosines, count)[:count]
    best = best[np.lexsort((best, -cosines[best]))]
    ids = node_ids_of([(segment, first) for segment, first, _ in parts], borders, best)
    return [NearSentence(*one) for one in zip(ids, cosines[best].tolist(), strict=True)]


def _parts(index: Bm25Index, documents: Container[str] | None) -> Iterator[tuple[Bm25Segment, int, int]]:
    """The segments with the first row and the end of what is to be compared of them."""
    for stored in index.segments:
        segment = stored.segment
        if documents is None and not stored.dead:
            if len(segment):
                yield segment, 0, len(segment)
            continue
        rows = segment.first_rows.tolist()
        for name, first, end in zip(segment.document_ids, rows, rows[1:], strict=False):
            if end > first and name not in stored.dead and (documents is None or name in documents):
                yield segment, first, end
