"""The lexical index of a collection: BM25 over segments, each written once, so that a new file costs what it holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qa_engine.errors import StorageError
from qa_engine.index.bm25.segment import StoredSegment, node_ids_of, term_key

Spans = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""For each segment, where the postings of each term begin and end; see `Bm25Segment.spans`."""


@dataclass(frozen=True)
class Bm25Hit:
    """A sentence and its BM25 score, above 0."""

    node_id: str
    score: float


@dataclass(frozen=True)
class TermGroup:
    """Terms that count as one: what each of them counts, 0 to 1, and how often the question has the group."""

    weights: Mapping[str, float]
    times: int = 1


@dataclass(frozen=True, eq=False)
class GroupStatistics:
    """Where the terms of a group occur in an index.

    Attributes:
        times: how often the question has the group.
        weights: (terms,), what each of them counts, 0 to 1.
        spans: where they occur.
        frequency: the number of sentences that hold the group, each counted as what its terms count, and as 1 at most.
        rarity: what the group counts as a term, by this number.
        matches: those of its terms that occur.
    """

    times: int
    weights: NDArray[np.float64]
    spans: Spans
    frequency: float
    rarity: float
    matches: frozenset[str]


@dataclass(frozen=True, eq=False)
class TermStatistics:
    """Where the terms of a question occur in an index, and how often.

    Attributes:
        terms: the distinct terms of the question.
        times: (terms,), how often the question has each of them.
        spans: where they occur.
        frequencies: (terms,), the number of sentences that hold each of them.
        groups: further terms, each a group of several that count as one.
    """

    terms: list[str]
    times: NDArray[np.int64]
    spans: Spans
    frequencies: NDArray[np.int64]
    groups: tuple[GroupStatistics, ...] = ()

    @property
    def matches(self) -> list[str]:
        """The terms that occur in the collection."""
        return [term for term, count in zip(self.terms, self.frequencies, strict=True) if count > 0]

    @property
    def coverage(self) -> float:
        """The share of the terms, 0 to 1, that occur in the collection."""
        return len(self.matches) / len(self.terms) if self.terms else 0.0


class Bm25Index:
    """BM25, Lucene's variant, over the sentences of several segments. Holds ids, not texts.

    Scores are those of one index of all the documents that count: document frequencies and the mean length are summed
    over the segments, so they depend on what the collection holds and not on how it came to hold it.

    No two segments may hold the same live document. ``k1`` is the saturation of the term frequency, ``b`` the strength of
    the normalisation by length.

    Sources: Kamphuis et al., "Which BM25 do you mean?", ECIR 2020, the variant called Lucene (accurate). Groups of terms are
    one term whose frequency is the sum of theirs, after Pirkola, "The effects of query structure and dictionary setups in
    dictionary-based cross-language information retrieval", SIGIR 1998: a word with many translations becomes a frequent
    one, and so loses its weight by itself.
    """

    def __init__(self, segments: Sequence[StoredSegment], k1: float = 1.2, b: float = 0.75) -> None:
        self._segments: tuple[StoredSegment, ...] | None = tuple(segments)
        self._alive = [
            None if not stored.dead else ~stored.segment.rows_of(stored.dead) for stored in self.segments
        ]
        self._offsets = np.cumsum([0, *(len(stored.segment) for stored in self.segments)])
        all_lengths = [stored.segment.lengths for stored in self.segments]
        lengths = np.concatenate([np.zeros(0), *all_lengths]).astype(np.float32)
        alive = self._mask()
        counted = lengths if alive is None else lengths[alive]
        self._sentences = len(counted)
        mean = float(counted.mean()) if len(counted) else 0.0
        self._norms = k1 * (1 - b + b * lengths / mean) if mean else np.full_like(lengths, k1)
        self._dead = None if alive is None else ~alive

    @property
    def segments(self) -> tuple[StoredSegment, ...]:
        """The segments.

        Raises:
            StorageError: the index was closed.
        """
        if self._segments is None:
            raise StorageError("The BM25 index cannot be used: it was closed, open the collection again.")
        return self._segments

    def close(self) -> None:
        """Releases the segments, whose files are mapped into memory; later searches raise `StorageError`."""
        self._segments = None

    def __len__(self) -> int:
        return self._sentences

    @cached_property
    def document_ids(self) -> Set[str]:
        """The documents that count, in the order of the segments."""
        return dict.fromkeys(document_id for stored in self.segments for document_id in stored.live).keys()

    def rows_of(self, document_ids: Container[str]) -> NDArray[np.bool_]:
        """A mask of the sentences, (sentences,), that is True for those of the documents."""
        return np.concatenate(
            [np.zeros(0, bool), *(stored.segment.rows_of(document_ids) for stored in self.segments)]
        )

    def documents_holding(
        self, terms: Sequence[str], within: int | None = None, at_least: int = 1
    ) -> set[str]:
        """The documents that hold all of some terms in one sentence, with as many neighbours as were indexed with it.

        Args:
            terms: at least one.
            within: only among so many first sentences of each document; None for all.
            at_least: in so many sentences at least, neighbours included.
        """
        keys = np.fromiter(map(term_key, dict.fromkeys(terms)), np.uint64)
        found: set[str] = set()
        for stored in self.segments:
            segment = stored.segment
            starts, ends = segment.spans(keys)
            rows = segment.rows[int(starts[0]) : int(ends[0])].astype(np.int64)
            for start, end in zip(starts[1:].tolist(), ends[1:].tolist(), strict=True):
                rows = np.intersect1d(rows, segment.rows[start:end].astype(np.int64))
            documents = np.searchsorted(segment.first_rows, rows, side="right") - 1
            if within is not None:
                documents = documents[rows - segment.first_rows[documents] < within]
            numbers, counts = np.unique(documents, return_counts=True)
            ids = {segment.document_ids[number] for number in numbers[counts >= at_least].tolist()}
            found |= ids - stored.dead
        return found

    def look_up(self, terms: Sequence[str], groups: Sequence[TermGroup] = ()) -> TermStatistics:
        """Finds the terms of a question in all segments at once, for `search`.

        Args:
            terms: each as often as the question has it.
            groups: further terms.
        """
        times = Counter(terms)
        keys = np.fromiter(map(term_key, times), np.uint64, len(times))
        spans = [stored.segment.spans(keys) for stored in self.segments]
        frequencies = np.zeros(len(times), np.int64)
        for (starts, ends), stored, alive in zip(spans, self.segments, self._alive, strict=True):
            if alive is None:
                frequencies += ends - starts
                continue
            positions, term_numbers = _flattened(starts, ends)
            counted = alive[stored.segment.rows[positions]]
            frequencies += np.bincount(term_numbers[counted], minlength=len(times))
        return TermStatistics(
            list(times),
            np.fromiter(times.values(), np.int64, len(times)),
            spans,
            frequencies,
            tuple(map(self._look_up_group, groups)),
        )

    def _look_up_group(self, group: TermGroup) -> GroupStatistics:
        keys = np.fromiter(map(term_key, group.weights), np.uint64, len(group.weights))
        weights = np.fromiter(group.weights.values(), np.float64, len(group.weights))
        spans = [stored.segment.spans(keys) for stored in self.segments]
        frequency = 0.0
        occurs = np.zeros(len(weights), bool)
        for (starts, ends), stored, alive in zip(spans, self.segments, self._alive, strict=True):
            positions, term_numbers = _flattened(starts, ends)
            occurs |= ends > starts
            held = np.bincount(stored.segment.rows[positions], weights[term_numbers], len(stored.segment))
            frequency += float(np.minimum(held if alive is None else held[alive], 1).sum())
        matches = (term for term, here in zip(group.weights, occurs.tolist(), strict=True) if here)
        rarity = math.log(1 + (self._sentences - frequency + 0.5) / (frequency + 0.5))
        return GroupStatistics(group.times, weights, spans, frequency, rarity, frozenset(matches))

    def search(
        self, terms: Sequence[str] | TermStatistics, top_k: int, rows: NDArray[np.bool_] | None = None
    ) -> list[Bm25Hit]:
        """The best sentences, best first; none with a score of 0, so possibly fewer than ``top_k``.

        Args:
            terms: the terms of the question, or the result of `look_up`.
            top_k: the largest number of sentences to return.
            rows: a mask of the sentences to search, see `rows_of`; None searches all.
        """
        try:
            scores = self._scores(terms if isinstance(terms, TermStatistics) else self.look_up(terms))
        except IndexError as error:
            raise StorageError("The BM25 index is damaged: run qa-engine rebuild.") from error
        if self._dead is not None:
            scores[self._dead] = 0
        if rows is not None:
            scores[~rows] = 0
        count = min(top_k, len(scores))
        if count == 0 or not scores.any():
            return []
        best = np.argpartition(-scores, count - 1)[:count]
        best = best[np.lexsort((best, -scores[best]))]
        best = best[scores[best] > 0]
        ids = node_ids_of([(stored.segment, 0) for stored in self.segments], self._offsets, best)
        return [Bm25Hit(*hit) for hit in zip(ids, scores[best].tolist(), strict=True)]

    def _scores(self, statistics: TermStatistics) -> NDArray[np.float32]:
        """The score of each sentence, (sentences,)."""
        scores = np.zeros(len(self._norms), np.float32)
        frequencies = np.maximum(statistics.frequencies, 1)
        rarity = np.log(1 + (self._sentences - frequencies + 0.5) / (frequencies + 0.5))
        # A term that occurs only in documents that no longer count has no weight.
        weights = np.where(statistics.frequencies > 0, statistics.times * rarity, 0).astype(np.float32)
        for (starts, ends), stored, offset in zip(
            statistics.spans, self.segments, self._offsets, strict=False
        ):
            positions, term_numbers = _flattened(starts, ends)
            rows = stored.segment.rows[positions].astype(np.int64) + offset
            occurrences = stored.segment.counts[positions].astype(np.float32)
            np.add.at(scores, rows, weights[term_numbers] * occurrences / (occurrences + self._norms[rows]))
        for group in statistics.groups:
            self._add_group(scores, group)
        return scores

    def _add_group(self, scores: NDArray[np.float32], group: GroupStatistics) -> None:
        """Adds the scores of a group to those of all sentences."""
        if not group.frequency:
            return
        for (starts, ends), stored, offset in zip(group.spans, self.segments, self._offsets, strict=False):
            positions, term_numbers = _flattened(starts, ends)
            counts = stored.segment.counts[positions] * group.weights[term_numbers]
            sums = np.bincount(stored.segment.rows[positions], counts, len(stored.segment))
            (rows,) = np.nonzero(sums)
            occurrences = sums[rows]
            weighted = group.times * group.rarity * occurrences
            scores[rows + offset] += weighted / (occurrences + self._norms[rows + offset])

    def _mask(self) -> NDArray[np.bool_] | None:
        """The sentences that count; None if all do."""
        if all(alive is None for alive in self._alive):
            return None
        masks = zip(self.segments, self._alive, strict=True)
        return np.concatenate(
            [np.ones(len(stored.segment), bool) if alive is None else alive for stored, alive in masks]
        )


def _flattened(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions in all spans, one span after the other, and for each position the number of its span."""
    sizes = ends - starts
    span_numbers = np.repeat(np.arange(len(sizes)), sizes)
    before = np.cumsum(sizes) - sizes
    return np.arange(len(span_numbers)) + (starts - before)[span_numbers], span_numbers
