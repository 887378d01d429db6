"""The lexical index of a collection in a search engine: it finds candidates, and they are scored here.

Lucene keeps the length of a text to about one part in 16, and counts documents that are deleted, not yet published or on
other shards in its own ways. So the search engine is asked for the best by its own scores, a few more than are needed, and
for the exact number of sentences that hold each term; the scores are then those of `Bm25Index`, whatever the shards.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.config import Bm25Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.bm25.index import Bm25Hit, GroupStatistics, TermGroup, TermStatistics
from qa_engine.index.search_engine.client import SearchEngine
from qa_engine.index.search_engine.sentences import indexed_term

_MARGIN = 1.06
"""By how much the score of the search engine may be below the one made here: what it loses of the length of a text."""
_MAX_WINDOW = 10_000
"""Hits that a search engine returns at once."""
_CLAUSES = 10_000
"""Numbers of documents in one condition: search engines take 65,536."""


@dataclass(frozen=True, eq=False)
class _Group(GroupStatistics):
    """A group with its terms, which the search engine is asked for."""

    terms: tuple[str, ...] = ()


class SearchEngineLexicalIndex:
    """BM25 over the sentences of a published state, with the scores of `Bm25Index`. Thread-safe."""

    def __init__(
        self,
        engine: SearchEngine,
        index: str,
        field: str,
        documents: Mapping[str, tuple[int, int]],
        hidden: Iterable[int],
        config: Bm25Config,
    ) -> None:
        """
        Args:
            engine, index: the search engine, and the name of its index with the sentences.
            field: the field with the terms.
            documents: number and sentences of each document of the state, by id.
            hidden: numbers of documents that are in the index and not in the state.
            config: saturation and normalisation.

        Raises:
            StorageError: the index does not hold the sentences of the state.
        """
        self._engine = engine
        self._index = index
        self._field = field
        self._documents = documents
        self._ids = {number: document_id for document_id, (number, _) in documents.items()}
        self._config = config
        self._frequencies: dict[str, int] = {}
        self._lock = threading.Lock()
        last = max(self._ids, default=0)
        self._filter: list[dict[str, Any]] = [{"range": {"number": {"lte": last}}}]
        excluded = sorted(number for number in hidden if number <= last)
        self._excluded = [
            {"terms": {"number": excluded[start : start + _CLAUSES]}}
            for start in range(0, len(excluded), _CLAUSES)
        ]
        self._sentences = sum(nodes for _, nodes in documents.values())
        self._mean = self._mean_length() if self._sentences else 0.0

    def __len__(self) -> int:
        return self._sentences

    @property
    def document_ids(self) -> Set[str]:
        """The documents of the state."""
        return self._documents.keys()

    def close(self) -> None:
        """Nothing is open."""

    def rows_of(self, document_ids: Container[str]) -> list[int]:
        """What `search` takes to search the sentences of some documents alone."""
        return [number for number, document_id in self._ids.items() if document_id in document_ids]

    def look_up(self, terms: Sequence[str], groups: Sequence[TermGroup] = ()) -> TermStatistics:
        """Counts the sentences that hold the terms of a question, for `search`; see `Bm25Index.look_up`."""
        times = Counter(terms)
        asked = [*times, *(term for group in groups for term in group.weights)]
        frequencies = self._term_frequencies(asked)
        return TermStatistics(
            list(times),
            np.fromiter(times.values(), np.int64, len(times)),
            [],
            np.array([frequencies[term] for term in times], np.int64),
            tuple(self._look_up_group(group, frequencies) for group in groups),
        )

    def search(
        self, terms: Sequence[str] | TermStatistics, top_k: int, rows: Sequence[int] | None = None
    ) -> list[Bm25Hit]:
        """The best sentences, best first; none with a score of 0, so possibly fewer than ``top_k``."""
        statistics = terms if isinstance(terms, TermStatistics) else self.look_up(terms)
        clauses = [
            _term(self._field, term, float(times))
            for term, times in zip(statistics.terms, statistics.times.tolist(), strict=True)
        ]
        for group in statistics.groups:
            assert isinstance(group, _Group)
            clauses += [
                _term(self._field, term, group.times * weight)
                for term, weight in zip(group.terms, group.weights.tolist(), strict=True)
                if weight > 0
            ]
        if not clauses or not self._sentences:
            return []
        depth = min(_MAX_WINDOW, top_k + top_k // 2 + 20)
        while True:
            hits = self._candidates(clauses, depth, rows)
            scored = self._scored(hits, statistics)
            complete = len(hits) < depth or depth >= _MAX_WINDOW
            if complete or _is_settled(scored, hits, top_k):
                best = sorted(scored, key=lambda one: (-one[0], one[1]))[:top_k]
                return [
                    Bm25Hit(node_id(self._ids[number], ordinal), score)
                    for score, (number, ordinal) in best
                    if score > 0
                ]
            depth = min(_MAX_WINDOW, depth * 4)

    def documents_holding(
        self, terms: Sequence[str], within: int | None = None, at_least: int = 1
    ) -> set[str]:
        """The documents that hold all of some terms in one sentence; see `Bm25Index.documents_holding`."""
        conditions: list[dict[str, Any]] = [
            {"term": {self._field: indexed_term(term)}} for term in dict.fromkeys(terms)
        ]
        if within is not None:
            conditions.append({"range": {"ordinal": {"lt": within}}})
        after: dict[str, Any] | None = None
        found: set[str] = set()
        while True:
            composite: dict[str, Any] = {
                "size": 5000,
                "sources": [{"number": {"terms": {"field": "number"}}}],
            }
            if after is not None:
                composite["after"] = after
            body = {
                "size": 0,
                "query": self._within(conditions),
                "aggs": {"documents": {"composite": composite}},
            }
            result = self._search(body)["aggregations"]["documents"]
            found |= {
                self._ids[bucket["key"]["number"]]
                for bucket in result["buckets"]
                if bucket["doc_count"] >= at_least and bucket["key"]["number"] in self._ids
            }
            after = result.get("after_key")
            if after is None or not result["buckets"]:
                return found

    def _candidates(
        self, clauses: Sequence[dict[str, Any]], depth: int, rows: Sequence[int] | None
    ) -> list[dict[str, Any]]:
        conditions = [] if rows is None else [{"terms": {"number": list(rows)}}]
        query = self._within(conditions)
        query["bool"] |= {"should": list(clauses), "minimum_should_match": 1}
        body = {
            "size": depth,
            "query": query,
            "track_total_hits": False,
            "_source": ["number", "ordinal", self._field],
        }
        hits: list[dict[str, Any]] = self._search(body)["hits"]["hits"]
        return [hit for hit in hits if hit["_source"]["number"] in self._ids]

    def _scored(
        self, hits: Sequence[dict[str, Any]], statistics: TermStatistics
    ) -> list[tuple[float, tuple[int, int]]]:
        """The scores of candidates, with the numbers of their documents and their ordinals."""
        texts = [hit["_source"][self._field].split(" ") for hit in hits]
        counts = [Counter(text) for text in texts]
        lengths = np.array([len(text) if text != [""] else 0 for text in texts], np.float32)
        norms = (self._config.k1 * (1 - self._config.b + self._config.b * lengths / self._mean)).astype(
            np.float32
        )
        scores = np.zeros(len(hits), np.float32)
        frequencies = np.maximum(statistics.frequencies, 1)
        rarity = np.log(1 + (self._sentences - frequencies + 0.5) / (frequencies + 0.5))
        weights = np.where(statistics.frequencies > 0, statistics.times * rarity, 0).astype(np.float32)
        for term, weight in zip(statistics.terms, weights, strict=True):
            occurrences = _occurrences(counts, term)
            scores += weight * occurrences / (occurrences + norms)
        for group in statistics.groups:
            assert isinstance(group, _Group)
            if not group.frequency:
                continue
            sums = np.zeros(len(hits), np.float64)
            for term, weight in zip(group.terms, group.weights, strict=True):
                sums += _occurrences(counts, term) * weight
            held = sums > 0
            weighted = group.times * group.rarity * sums[held]
            scores[held] += weighted / (sums[held] + norms[held])
        places = [(hit["_source"]["number"], hit["_source"]["ordinal"]) for hit in hits]
        return list(zip(scores.tolist(), places, strict=True))

    def _term_frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """The number of sentences of the state that hold each term. What was counted once is known."""
        asked = list(dict.fromkeys(terms))
        with self._lock:
            known = {term: self._frequencies[term] for term in asked if term in self._frequencies}
        unknown = [term for term in asked if term not in known]
        if unknown:
            filters = [{"term": {self._field: indexed_term(term)}} for term in unknown]
            counted = dict(zip(unknown, self._counts(filters), strict=True))
            with self._lock:
                self._frequencies |= counted
            known |= counted
        return known

    def _look_up_group(self, group: TermGroup, frequencies: Mapping[str, int]) -> _Group:
        terms = tuple(group.weights)
        weights = np.fromiter(group.weights.values(), np.float64, len(terms))
        occurring = {term: weight for term, weight in group.weights.items() if frequencies[term]}
        frequency = self._group_frequency(occurring)
        rarity = math.log(1 + (self._sentences - frequency + 0.5) / (frequency + 0.5))
        return _Group(group.times, weights, [], frequency, rarity, frozenset(occurring), terms)

    def _group_frequency(self, weights: Mapping[str, float]) -> float:
        """The number of sentences that hold a group, each counted as what its terms count, and as 1 at most."""
        if not weights:
            return 0.0
        sums = {0.0}
        for weight in weights.values():
            sums |= {min(1.0, round(one + weight, 6)) for one in sums}
        levels = sorted(sums - {0.0})
        should = [
            {"constant_score": {"filter": {"term": {self._field: indexed_term(term)}}, "boost": weight}}
            for term, weight in weights.items()
        ]
        filters = [
            {"function_score": {"query": {"bool": {"should": should}}, "min_score": level - 1e-4}}
            for level in levels
        ]
        frequency, before = 0.0, 0.0
        for level, count in zip(levels, self._counts(filters), strict=True):
            frequency += (level - before) * count
            before = level
        return frequency

    def _counts(self, filters: Sequence[dict[str, Any]]) -> list[int]:
        """The number of sentences of the state that satisfy each condition. One request."""
        if not self._sentences:
            return [0] * len(filters)
        body = {
            "size": 0,
            "query": self._within([]),
            "aggs": {"each": {"filters": {"filters": list(filters)}}},
        }
        return [bucket["doc_count"] for bucket in self._search(body)["aggregations"]["each"]["buckets"]]

    def _mean_length(self) -> float:
        count = f"{self._field}_count"
        body = {"size": 0, "query": self._within([]), "aggs": {"length": {"stats": {"field": count}}}}
        stats = self._search(body)["aggregations"]["length"]
        if stats["count"] != self._sentences:
            raise StorageError(
                f"The index {self._index} in the search engine at {self._engine.url} holds {stats['count']} sentences of "
                f"the published state instead of {self._sentences}: run qa-engine rebuild, or restore it from a snapshot."
            )
        return float(np.float32(stats["sum"] / stats["count"])) or 1.0

    def _within(self, conditions: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {"bool": {"filter": [*self._filter, *conditions], "must_not": self._excluded}}

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        params = {"search_type": "dfs_query_then_fetch", "allow_partial_search_results": "false"}
        result: dict[str, Any] = self._engine.request(
            "POST", f"/{self._index}/_search", body, params=params
        ).body
        return result


def _term(field: str, term: str, boost: float) -> dict[str, Any]:
    return {"term": {field: {"value": indexed_term(term), "boost": boost}}}


def _occurrences(counts: Sequence[Counter[str]], term: str) -> NDArray[np.float32]:
    indexed = indexed_term(term)
    return np.fromiter((min(one[indexed], 255) for one in counts), np.float32, len(counts))


def _is_settled(
    scored: Sequence[tuple[float, tuple[int, int]]], hits: Sequence[dict[str, Any]], top_k: int
) -> bool:
    """Whether no sentence beyond the candidates can be among the best: by the largest ratio of the scores seen."""
    if not scored:
        return True
    ratio = max(
        score / hit["_score"] for (score, _), hit in zip(scored, hits, strict=True) if hit["_score"] > 0
    )
    best = sorted((score for score, _ in scored), reverse=True)
    return len(best) >= top_k and best[top_k - 1] >= ratio * _MARGIN * hits[-1]["_score"]
