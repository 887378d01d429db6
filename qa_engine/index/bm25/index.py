"""The lexical index of a collection: BM25 over segments, each written once, so that a new file costs what it holds."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.config import Bm25Config
from qa_engine.errors import StorageError
from qa_engine.index.bm25.segment import Bm25Segment, DocumentTerms, term_key
from qa_engine.text.tokenizer import ANALYSER_VERSION

_SEGMENTS = "segments"


@dataclass(frozen=True)
class Bm25Hit:
    """A sentence and its BM25 score, above 0."""

    node_id: str
    score: float


@dataclass(frozen=True, eq=False)
class StoredSegment:
    """A segment in the folder of the index, and which of its documents count no longer."""

    name: str
    segment: Bm25Segment
    dead: frozenset[str] = field(default_factory=frozenset)

    @property
    def live(self) -> list[str]:
        """The documents that count."""
        return [document_id for document_id in self.segment.document_ids if document_id not in self.dead]


@dataclass(frozen=True, eq=False)
class TermStatistics:
    """What an index knows of the terms of a question.

    Attributes:
        terms: each once.
        times: (terms,), how often the question has it.
        spans: for each segment, where the postings of each term begin and end; see `Bm25Segment.spans`.
        frequencies: (terms,), the number of sentences that hold it.
    """

    terms: list[str]
    times: NDArray[np.int64]
    spans: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    frequencies: NDArray[np.int64]

    @property
    def known(self) -> list[str]:
        """Those of the terms that occur in the collection."""
        return [term for term, known in zip(self.terms, self.frequencies > 0, strict=True) if known]

    @property
    def coverage(self) -> float:
        """Their share, 0 to 1."""
        return len(self.known) / len(self.terms) if self.terms else 0.0


class Bm25Index:
    """BM25, Lucene's variant, over the sentences of several segments. Holds ids, not texts.

    Scores are those of one index of all the documents that count: document frequencies and the mean length are summed
    over the segments, so they depend on what the collection holds and not on how it came to hold it.

    Source: Kamphuis et al., "Which BM25 do you mean?", ECIR 2020, the variant called Lucene (accurate).
    """

    def __init__(self, segments: Sequence[StoredSegment], k1: float = 1.2, b: float = 0.75) -> None:
        """
        Args:
            segments: with no document in common that counts.
            k1: saturation of the term frequency.
            b: strength of the normalisation by length.
        """
        self.segments = tuple(segments)
        self._alive = [
            None if not stored.dead else ~stored.segment.rows_of(stored.dead) for stored in self.segments
        ]
        self._offsets = np.cumsum([0, *(len(stored.segment) for stored in self.segments)])
        lengths = (
            np.concatenate([stored.segment.lengths for stored in self.segments])
            if self.segments
            else np.zeros(0)
        ).astype(np.float32)
        alive = self._mask()
        counted = lengths if alive is None else lengths[alive]
        self._sentences = len(counted)
        mean = float(counted.mean()) if len(counted) else 0.0
        self._norms = k1 * (1 - b + b * lengths / mean) if mean else np.full_like(lengths, k1)
        self._dead = None if alive is None else ~alive

    @classmethod
    def build(
        cls, documents: Iterable[DocumentTerms], k1: float, b: float, context_sentences: int
    ) -> Bm25Index:
        """An index in memory over all sentences of the documents; see `Bm25Segment.build`."""
        return cls([StoredSegment("memory", Bm25Segment.build(documents, context_sentences))], k1, b)

    def __len__(self) -> int:
        return self._sentences

    @cached_property
    def document_ids(self) -> frozenset[str]:
        """The documents that count."""
        return frozenset(document_id for stored in self.segments for document_id in stored.live)

    def rows_of(self, document_ids: Container[str]) -> NDArray[np.bool_]:
        """A mask of the sentences: those of the documents are True."""
        return np.concatenate(
            [np.zeros(0, bool), *(stored.segment.rows_of(document_ids) for stored in self.segments)]
        )

    def look_up(self, terms: Sequence[str]) -> TermStatistics:
        """Finds the terms of a question in all segments at once, for `search` and `coverage`."""
        times = Counter(terms)
        keys = np.fromiter(map(term_key, times), np.uint64, len(times))
        spans = [stored.segment.spans(keys) for stored in self.segments]
        frequencies = np.zeros(len(times), np.int64)
        for (starts, ends), stored, alive in zip(spans, self.segments, self._alive, strict=True):
            if alive is None:
                frequencies += ends - starts
                continue
            places, which = _flat(starts, ends)
            counted = alive[stored.segment.rows[places]]
            frequencies += np.bincount(which[counted], minlength=len(times))
        return TermStatistics(
            list(times), np.fromiter(times.values(), np.int64, len(times)), spans, frequencies
        )

    def search(
        self, terms: Sequence[str] | TermStatistics, top_k: int, rows: NDArray[np.bool_] | None = None
    ) -> list[Bm25Hit]:
        """The best sentences, best first; none with a score of 0, so possibly fewer than ``top_k``.

        Args:
            terms: of the question, or what `look_up` found of them.
            top_k: most sentences to return.
            rows: a mask of the sentences to search, see `rows_of`; None searches all.
        """
        scores = self._scores(terms if isinstance(terms, TermStatistics) else self.look_up(terms))
        if self._dead is not None:
            scores[self._dead] = 0
        if rows is not None:
            scores[~rows] = 0
        count = min(top_k, len(scores))
        if count == 0 or not scores.any():
            return []
        best = np.argpartition(-scores, count - 1)[:count]
        best = best[np.lexsort((best, -scores[best]))]
        return [Bm25Hit(self._node_id(int(row)), float(scores[row])) for row in best if scores[row] > 0]

    def matched(self, terms: Sequence[str]) -> list[str]:
        """Those of the terms that occur in the collection."""
        return self.look_up(terms).known

    def coverage(self, terms: Sequence[str]) -> float:
        """The share of the distinct terms, 0 to 1, that occur in the collection: how much this index can say."""
        return self.look_up(terms).coverage

    def _scores(self, found: TermStatistics) -> NDArray[np.float32]:
        """The score of each sentence, (sentences,)."""
        scores = np.zeros(len(self._norms), np.float32)
        frequencies = np.maximum(found.frequencies, 1)
        rarity = np.log(1 + (self._sentences - frequencies + 0.5) / (frequencies + 0.5))
        # A term that only documents have that no longer count has no weight.
        weights = np.where(found.frequencies > 0, found.times * rarity, 0).astype(np.float32)
        for (starts, ends), stored, offset in zip(found.spans, self.segments, self._offsets, strict=False):
            places, which = _flat(starts, ends)
            rows = stored.segment.rows[places].astype(np.int64) + offset
            occurrences = stored.segment.counts[places].astype(np.float32)
            np.add.at(scores, rows, weights[which] * occurrences / (occurrences + self._norms[rows]))
        return scores

    def _mask(self) -> NDArray[np.bool_] | None:
        """The sentences that count; None if all do."""
        if all(alive is None for alive in self._alive):
            return None
        parts = [
            np.ones(len(stored.segment), bool) if alive is None else alive
            for stored, alive in zip(self.segments, self._alive, strict=True)
        ]
        return np.concatenate(parts)

    def _node_id(self, row: int) -> str:
        number = int(np.searchsorted(self._offsets, row, side="right")) - 1
        return self.segments[number].segment.node_id(row - int(self._offsets[number]))


def _flat(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of all spans one after the other, and for each the span that it is of."""
    sizes = ends - starts
    which = np.repeat(np.arange(len(sizes)), sizes)
    before = np.cumsum(sizes) - sizes
    return np.arange(len(which)) + (starts - before)[which], which


class Bm25Folder:
    """The segments of a collection on disk, and a manifest for each published state.

    Segments are added and never changed; which of them make up a state, and which of their documents count no longer,
    stands in its manifest. So readers of one state are not disturbed by a writer of the next.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self, published: int) -> Path:
        """The file that describes a state."""
        return self.folder / f"{published}.json"

    def load(self, published: int, config: Bm25Config | None = None) -> Bm25Index:
        """Opens a published state.

        Args:
            published: its number.
            config: saturation and normalisation; how many neighbours count was settled when the segments were built.

        Raises:
            StorageError: it is missing, damaged, or made by another analyser.
        """
        config = config or Bm25Config()
        facts, segments = self.segments(published)
        if facts.get("analyser") != ANALYSER_VERSION:
            raise StorageError(
                f"The BM25 index in {self.folder} was made by the analyser {facts.get('analyser')}, this is "
                f"{ANALYSER_VERSION}: run qa-engine rebuild, or qa-engine ingest once more on its files."
            )
        return Bm25Index(segments, config.k1, config.b)

    def segments(self, published: int) -> tuple[dict[str, Any], list[StoredSegment]]:
        """What a state was made with, and its segments.

        Raises:
            StorageError: it is missing or damaged.
        """
        try:
            facts = json.loads(self.manifest(published).read_text(encoding="utf-8"))
            segments = [
                StoredSegment(
                    part["name"],
                    Bm25Segment.load(self.folder / _SEGMENTS / part["name"]),
                    frozenset(part["dead"]),
                )
                for part in facts["segments"]
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise StorageError(
                f"The BM25 index in {self.folder} cannot be opened ({error}): run qa-engine rebuild, or qa-engine ingest "
                "once more on its files."
            ) from error
        return facts, segments

    def add(self, segment: Bm25Segment) -> StoredSegment:
        """Writes a new segment."""
        name = uuid.uuid4().hex[:16]
        path = self.folder / _SEGMENTS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        segment.save(path)
        return StoredSegment(name, Bm25Segment.load(path))

    def describe(self, published: int, segments: Sequence[StoredSegment], context_sentences: int) -> None:
        """Writes the manifest of a state; it appears complete or not at all."""
        facts = {
            "analyser": ANALYSER_VERSION,
            "context_sentences": context_sentences,
            "segments": [{"name": stored.name, "dead": sorted(stored.dead)} for stored in segments],
        }
        path = self.manifest(published)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".writing")
        with scratch.open("w", encoding="utf-8") as file:
            json.dump(facts, file)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)

    def tidy(self, published: Iterable[int]) -> None:
        """Deletes the manifests of other states than these, and the segments that none of these uses."""
        kept = {self.manifest(number) for number in published}
        used: set[str] = set()
        for path in kept:
            if path.is_file():
                used.update(part["name"] for part in json.loads(path.read_text(encoding="utf-8"))["segments"])
        for path in self.folder.glob("*.json"):
            if path not in kept:
                path.unlink(missing_ok=True)
        for path in (self.folder / _SEGMENTS).glob("*"):
            if path.name not in used:
                shutil.rmtree(path, ignore_errors=True)
