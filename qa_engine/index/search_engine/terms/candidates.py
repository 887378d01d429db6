"""Sentences that a search engine returned as candidates, and their scores, which are those of `Bm25Index`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.config import Bm25Config
from qa_engine.index.bm25.index import GroupStatistics, TermStatistics
from qa_engine.index.search_engine.contents.sentences import indexed_term

_MAX_COUNT = 255
"""Occurrences of a term in a sentence that count, as in `Bm25Segment`."""


@dataclass(frozen=True, eq=False)
class SearchedGroup(GroupStatistics):
    """A group with its terms, which the search engine is asked for."""

    terms: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SearchedTerms(TermStatistics):
    """The terms of a question in an index of a search engine.

    Attributes:
        weights: (terms,), what each term counts.
        summed: what each term counts if a group counts as the sum of its terms, which is never less than as a group; without
            the terms that occur nowhere.
    """

    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    summed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Sentences with their terms, as the search engine returned them.

    Attributes:
        numbers, ordinals: (sentences,), the numbers of their documents, and their own.
        counts: how often each of them holds each term of the question, as they are indexed.
        lengths: (sentences,), the numbers of their terms.
        found: (sentences,), their scores in the search engine.
    """

    numbers: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    counts: Sequence[Counter[str]]
    lengths: NDArray[np.float32]
    found: NDArray[np.float64]

    @classmethod
    def of(cls, hits: Sequence[Mapping[str, Any]], field: str, terms: SearchedTerms) -> Candidates:
        """The sentences of hits that are sorted by their scores first; their terms are in a field.

        They are counted for the terms of a question alone: to count all of them took half of the time that scoring took.
        """
        asked = frozenset(map(indexed_term, terms.summed))
        sources = [hit["_source"] for hit in hits]
        return cls(
            np.array([one["number"] for one in sources], np.int64),
            np.array([one["ordinal"] for one in sources], np.int64),
            [Counter(filter(asked.__contains__, one[field].split(" "))) for one in sources],
            np.array([one[f"{field}_count"] for one in sources], np.float32),
            np.array([hit["sort"][0] for hit in hits], np.float64),
        )

    def scores(self, terms: SearchedTerms, config: Bm25Config, mean: float) -> NDArray[np.float32]:
        """(sentences,), the score of each; ``mean`` is the mean length of all sentences of the index."""
        norms = self._norms(config, mean)
        scores = np.zeros(len(norms), np.float32)
        for term, weight in zip(terms.terms, terms.weights, strict=True):
            if weight > 0:
                occurrences = self._occurrences(term)
                scores += weight * _share(occurrences, norms)
        for group in terms.groups:
            assert isinstance(group, SearchedGroup)
            sums = np.zeros(len(norms), np.float64)
            for term, weight in zip(group.terms, group.weights, strict=True):
                if term in group.matches:
                    sums += self._occurrences(term) * weight
            scores += group.times * group.rarity * _share(sums, norms)
        return scores

    def least_found(self, terms: SearchedTerms, config: Bm25Config, mean: float) -> NDArray[np.float64]:
        """(sentences,), what Lucene finds at least, which rounds lengths down, with its settings and its mean length."""
        norms = self._norms(config, mean)
        scores = np.zeros(len(norms), np.float64)
        for term, weight in terms.summed.items():
            scores += weight * _share(self._occurrences(term), norms)
        return scores

    def _norms(self, config: Bm25Config, mean: float) -> NDArray[np.float32]:
        return (config.k1 * (1 - config.b + config.b * self.lengths / mean)).astype(np.float32)

    def _occurrences(self, term: str) -> NDArray[np.float32]:
        indexed = indexed_term(term)
        held = (min(one[indexed], _MAX_COUNT) for one in self.counts)
        return np.fromiter(held, np.float32, len(self.counts))


def _share(occurrences: NDArray[Any], norms: NDArray[np.float32]) -> NDArray[Any]:
    """What so many occurrences count, 0 to 1; 0 for none."""
    shares: NDArray[Any] = np.zeros_like(occurrences)
    np.divide(occurrences, occurrences + norms, out=shares, where=occurrences > 0)
    return shares
