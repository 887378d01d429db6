"""How many sentences of a published state hold a term, and how many the search engine believes to hold it.

The two differ where sentences were deleted, or are not published yet: Lucene counts a deleted document until its segment is
merged. What it counts decides what its scores are, see `qa_engine.index.search_engine.terms.lexical`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qa_engine.config import Bm25Config
from qa_engine.errors import StorageError
from qa_engine.forks import RenewedLock
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.contents.sentences import indexed_term

Condition = dict[str, Any]
"""A query of the search engine."""
_CLOSE = 1e-4
"""Sums of what terms count that are as close as this are one: a search engine adds in single precision."""
_ROUTINGS = 10_000
"""Routing values that are tried to find one for each shard."""


@dataclass(frozen=True)
class TermCount:
    """How many sentences hold a term: those of the state, and those that Lucene counts."""

    sentences: int
    counted: int


class TermCounts:
    """Counts the terms in the sentences of one published state, each once. Thread-safe.

    Attributes:
        sentences: the number of sentences.
        mean: the mean number of terms of a sentence.
        clean: whether Lucene counts the sentences of the state and no others.
        similarity: k1 and b that the index was made with.
        mean_counted: the mean number of terms of what Lucene counts.
    """

    def __init__(
        self, engine: SearchEngine, index: str, field: str, sentences: int, state: Condition
    ) -> None:
        """
        Args:
            engine, index: the search engine, and the name of its index with the sentences.
            field: the field with the terms.
            sentences: the number of sentences of the state.
            state: what they satisfy, and no others.

        Raises:
            StorageError: the index does not hold the sentences of the state.
        """
        self._engine, self._index, self._field, self._state = engine, index, field, state
        self.sentences = sentences
        self.similarity = Bm25Config()
        self.mean, self.clean = 0.0, True
        self._counted, self.mean_counted = 0, 0.0
        self._terms: dict[str, TermCount] = {}
        self._groups: dict[frozenset[tuple[str, float]], float] = {}
        self._routings = [""]
        self._lock = RenewedLock()
        if sentences:
            self._read_settings()
            self._read_lengths()

    def of(self, terms: Iterable[str]) -> dict[str, TermCount]:
        """The counts of terms. What was counted once is known; one request otherwise, two if the index is not clean."""
        asked = list(dict.fromkeys(terms))
        with self._lock:
            known = {term: self._terms[term] for term in asked if term in self._terms}
        unknown = [term for term in asked if term not in known]
        if not self.sentences:
            return dict.fromkeys(asked, TermCount(0, 0))
        if unknown:
            counted = self._counted_by_lucene(unknown)
            held = [term for term in unknown if counted[term]]
            exact = counted
            if not self.clean and held:
                conditions = [self._term(term) for term in held]
                exact = dict(zip(held, self._counts(conditions, conditions), strict=True))
            fresh = {term: TermCount(exact.get(term, 0), counted[term]) for term in unknown}
            with self._lock:
                self._terms |= fresh
            known |= fresh
        return known

    def of_groups(self, groups: Sequence[Mapping[str, float]]) -> list[float]:
        """The number of sentences that hold each group, each counted as what its terms count, and as 1 at most.

        One request for all of those that are not known yet and have several terms; ``groups`` have what each of their terms
        counts, above 0, and terms alone that occur.
        """
        keys = [frozenset(weights.items()) for weights in groups]
        with self._lock:
            unknown = [key for key in dict.fromkeys(keys) if key not in self._groups]
        if unknown:
            fresh = self._count_groups([dict(key) for key in unknown])
            with self._lock:
                self._groups |= dict(zip(unknown, fresh, strict=True))
        with self._lock:
            return [self._groups[key] for key in keys]

    def rarity(self, frequency: float) -> float:
        """What a term counts that so many sentences hold."""
        return math.log(1 + (self.sentences - frequency + 0.5) / (frequency + 0.5))

    def counted_rarity(self, counted: int) -> float:
        """What a term counts for Lucene that so many of its documents hold."""
        return math.log(1 + (self._counted - counted + 0.5) / (counted + 0.5))

    def length_ratio(self, config: Bm25Config) -> float:
        """By what factor the share of a term in the score of a sentence can be larger than for Lucene, at most.

        This share is ``tf / (tf + norm)``, with a norm that grows with the length of the sentence in a straight line. Lucene
        rounds lengths down, which makes its share larger; k1, b and the mean length may differ in either direction. The
        ratio of the norms, and so that of the shares, is largest for the shortest sentence or for an endless one.
        """
        own = _norm(config, self.mean)
        lucene = _norm(self.similarity, self.mean_counted)
        ratio = 1.0
        for own_part, other_part in ((sum(own), sum(lucene)), (own[1], lucene[1])):
            if other_part > own_part:
                ratio = max(ratio, other_part / own_part if own_part else math.inf)
        return ratio

    def _read_settings(self) -> None:
        reply = self._engine.request("GET", f"/{self._index}/_settings").body
        (facts,) = (one["settings"]["index"] for one in reply.values())
        similarity = facts.get("similarity", {}).get("terms", {})
        self.similarity = Bm25Config(k1=float(similarity.get("k1", 1.2)), b=float(similarity.get("b", 0.75)))
        shards = int(facts["number_of_shards"])
        found: dict[int, str] = {}
        for routing in map(str, range(_ROUTINGS)):
            if len(found) == shards:
                break
            if shards == 1:
                found[0] = routing
                continue
            where = self._engine.request(
                "GET", f"/{self._index}/_search_shards", params={"routing": routing}
            ).body["shards"]
            found.setdefault(int(where[0][0]["shard"]), routing)
        self._routings = list(found.values())

    def _read_lengths(self) -> None:
        count = f"{self._field}_count"
        body = {
            "size": 0,
            "query": self._state,
            "aggs": {
                "length": {"stats": {"field": count}},
                "with_terms": {"filter": {"range": {count: {"gt": 0}}}},
            },
        }
        found = self._search(body)["aggregations"]
        stats = found["length"]
        if stats["count"] != self.sentences:
            raise StorageError(
                f"The index {self._index} in the search engine at {self._engine.url} holds {stats['count']} sentences of "
                f"the published state instead of {self.sentences}: run qa-engine rebuild, or restore it from a snapshot."
            )
        self.mean = float(np.float32(stats["sum"] / stats["count"])) or 1.0
        facts = [one.get("field_statistics", {}) for one in self._term_vectors([])]
        self._counted = sum(one.get("doc_count", 0) for one in facts)
        length = sum(one.get("sum_ttf", 0) for one in facts)
        self.mean_counted = length / self._counted if self._counted else 1.0
        self.clean = self._counted == found["with_terms"]["doc_count"] and length == stats["sum"]

    def _counted_by_lucene(self, terms: Sequence[str]) -> dict[str, int]:
        indexed = {term: indexed_term(term) for term in terms}
        totals = dict.fromkeys(indexed.values(), 0)
        for one in self._term_vectors(list(totals)):
            for name, facts in one.get("terms", {}).items():
                if name in totals:
                    totals[name] += facts.get("doc_freq", 0)
        return {term: totals[name] for term, name in indexed.items()}

    def _term_vectors(self, terms: Sequence[str]) -> list[dict[str, Any]]:
        """What each shard counts. It is asked about a sentence that is not there, with the terms in question."""
        asked = {
            "doc": {self._field: " ".join(terms) or "-"},
            "fields": [self._field],
            "term_statistics": True,
            "field_statistics": True,
            "positions": False,
            "offsets": False,
            "payloads": False,
        }
        docs = [asked | {"routing": routing} for routing in self._routings]
        reply = self._engine.request("POST", f"/{self._index}/_mtermvectors", {"docs": docs}).body["docs"]
        failed = next((one["error"] for one in reply if "error" in one), None)
        if failed is not None:
            raise StorageError(
                f"The search engine at {self._engine.url} cannot count terms ({failed.get('reason')}): look into its log."
            )
        return [one.get("term_vectors", {}).get(self._field, {}) for one in reply]

    def _count_groups(self, groups: Sequence[Mapping[str, float]]) -> list[float]:
        parts: list[list[tuple[float, Condition]]] = []
        counts = self.of(term for weights in groups for term in weights)
        frequencies: list[float | None] = []
        for weights in groups:
            simple = len(weights) < 2
            frequencies.append(
                sum(weight * counts[term].sentences for term, weight in weights.items()) if simple else None
            )
            parts.append([] if simple else self._levels(weights))
        conditions = [condition for steps in parts for _, condition in steps]
        terms = {term for weights in groups if len(weights) > 1 for term in weights}
        numbers = iter(self._counts(conditions, [self._term(term) for term in sorted(terms)]))
        return [
            sum(step * next(numbers) for step, _ in steps) if known is None else known
            for known, steps in zip(frequencies, parts, strict=True)
        ]

    def _levels(self, weights: Mapping[str, float]) -> list[tuple[float, Condition]]:
        """Conditions whose numbers of sentences, each times a step, add up to the frequency of a group."""
        whole = [self._term(term) for term, weight in weights.items() if weight >= 1]
        part = {term: weight for term, weight in weights.items() if weight < 1}
        steps: list[tuple[float, Condition]] = []
        if whole:
            steps.append((1.0, {"bool": {"should": whole}}))
        sums = [0.0]
        for weight in part.values():
            sums = _distinct([*sums, *(min(1.0, one + weight) for one in sums)])
        should = [
            {"constant_score": {"filter": self._term(term), "boost": weight}} for term, weight in part.items()
        ]
        before = 0.0
        for level in sums[1:]:
            scored = {"bool": {"should": should}}
            reached = {"function_score": {"query": scored, "min_score": level - _CLOSE / 2}}
            steps.append((level - before, {"bool": {"filter": [reached], "must_not": whole}}))
            before = level
        return steps

    def _counts(self, conditions: Sequence[Condition], any_of: Sequence[Condition]) -> list[int]:
        """The number of sentences of the state that satisfy each condition. One request.

        Each sentence that satisfies a condition satisfies one of ``any_of``, too.
        """
        if not conditions:
            return []
        body = {
            "size": 0,
            "query": {"bool": {"filter": [self._state, {"bool": {"should": list(any_of)}}]}},
            "aggs": {"each": {"filters": {"filters": list(conditions)}}},
        }
        return [bucket["doc_count"] for bucket in self._search(body)["aggregations"]["each"]["buckets"]]

    def _term(self, term: str) -> Condition:
        return {"term": {self._field: indexed_term(term)}}

    def _search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        params = {"allow_partial_search_results": "false"}
        result: dict[str, Any] = self._engine.request(
            "POST", f"/{self._index}/_search", body, params=params
        ).body
        return result


def _norm(config: Bm25Config, mean: float) -> tuple[float, float]:
    """What a sentence adds to the number of occurrences: whatever its length, and for each term."""
    return config.k1 * (1 - config.b), config.k1 * config.b / mean


def _distinct(sums: Iterable[float]) -> list[float]:
    """Sums in order, each once."""
    kept: list[float] = []
    for one in sorted(sums):
        if not kept or one - kept[-1] > _CLOSE:
            kept.append(one)
    return kept
