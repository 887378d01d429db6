"""The lexical index of a collection in a search engine: it finds candidates, and they are scored here.

Lucene keeps the length of a text to about one part in nine, and counts sentences that are deleted, not yet published or on
other shards in its own ways. So the search engine is asked for the best by scores of its own, a few more than are needed,
and the scores that count are made here, those of `Bm25Index`, whatever the shards.

No sentence is missed. Each term is boosted by what it counts here over what it counts there, so that the search engine's
score of a sentence is at least the score here, but for a factor that is known (`TermCounts.length_ratio`). A group of
terms is searched for as the sum of its terms, which is at least what the group counts, since ``x / (x + norm)`` is concave.
More candidates are read until the best that were found are better than any further one can be.

Requests of a question: one for its candidates, with their texts; one for the terms that were never asked for in this
state, one for the groups. More only if the candidates do not suffice, or if sentences were deleted in the index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.config import Bm25Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.bm25.index import Bm25Hit, TermGroup, TermStatistics
from qa_engine.index.records import StoredSentence
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.contents.numbers import gaps, within
from qa_engine.index.search_engine.contents.sentences import SearchEngineTexts, indexed_term, stored
from qa_engine.index.search_engine.terms.candidates import Candidates, SearchedGroup, SearchedTerms
from qa_engine.index.search_engine.terms.term_counts import Condition, TermCount, TermCounts

_PAGE = 10_000
"""Hits that a search engine returns at once."""
_SPARE, _SPARE_LEAST = 5, 10
"""So many candidates are read beyond those wanted: a part of them, and some. Of 50, never more than 63 were needed."""
_MORE = 4
"""If the candidates do not suffice, so many times as many are read."""
_WITH_TEXTS = 500
"""Hits that have their texts with them. More are read to be scored alone."""
_ROUNDING = 1 + 1e-4
"""What single precision may take from a score of the search engine."""
_LOST = 8 / 9
"""What is left of a length that Lucene rounds down, at least."""


class SearchEngineLexicalIndex:
    """BM25 over the sentences of a published state, with the scores of `Bm25Index`. Thread-safe."""

    def __init__(
        self,
        engine: SearchEngine,
        index: str,
        field: str,
        documents: Mapping[str, tuple[int, int]],
        config: Bm25Config,
        texts: SearchEngineTexts | None = None,
    ) -> None:
        """
        Args:
            engine, index: the search engine, and the name of its index with the sentences.
            field: the field with the terms.
            documents: number and sentences of each document of the state, by id.
            config: saturation and normalisation.
            texts: keeps the texts that come with the hits, for those who ask for them next.

        Raises:
            StorageError: the index does not hold the sentences of the state.
        """
        self._engine, self._index, self._field = engine, index, field
        self._documents, self._config, self._texts = documents, config, texts
        by_number = sorted((number, document_id) for document_id, (number, _) in documents.items())
        self._ids = dict(by_number)
        self._numbers = np.fromiter(self._ids, np.int64, len(self._ids))
        self._sentences = sum(nodes for _, nodes in documents.values())
        last = by_number[-1][0] if by_number else 0
        self._state: Condition = {
            "bool": {"filter": [{"range": {"number": {"lte": last}}}], "must_not": gaps(self._numbers)}
        }
        self._counts = TermCounts(engine, index, field, self._sentences, self._state)
        self._ratio = self._counts.length_ratio(config) if self._sentences else 1.0
        self._scale: float | None = None

    def __len__(self) -> int:
        return self._sentences

    @property
    def document_ids(self) -> Set[str]:
        """The documents of the state."""
        return self._documents.keys()

    def close(self) -> None:
        """Nothing is open."""

    def rows_of(self, document_ids: Container[str]) -> NDArray[np.int64]:
        """What `search` takes to search the sentences of some documents alone: their numbers, ascending."""
        known = self._documents
        if isinstance(document_ids, Set | Mapping) and len(document_ids) < len(known):
            return np.array(sorted(known[one][0] for one in document_ids if one in known), np.int64)
        return np.array(
            [number for number, document_id in self._ids.items() if document_id in document_ids], np.int64
        )

    def look_up(self, terms: Sequence[str], groups: Sequence[TermGroup] = ()) -> TermStatistics:
        """Counts the sentences that hold the terms of a question, for `search`; see `Bm25Index.look_up`."""
        times = Counter(terms)
        frequencies = self._counts.of([*times, *(term for group in groups for term in group.weights)])
        searched = self._groups(groups, frequencies)
        own = np.array([frequencies[term].sentences for term in times], np.int64)
        # A term that occurs nowhere has no weight.
        weights = np.array(
            [
                count * self._counts.rarity(frequencies[term].sentences)
                if frequencies[term].sentences
                else 0.0
                for term, count in times.items()
            ],
            np.float32,
        )
        summed: dict[str, float] = {}
        for term, weight in zip(times, weights.tolist(), strict=True):
            summed[term] = summed.get(term, 0.0) + weight
        for group in searched:
            for term in group.matches:
                summed[term] = summed.get(term, 0.0) + group.times * group.rarity
        return SearchedTerms(
            list(times),
            np.fromiter(times.values(), np.int64, len(times)),
            [],
            own,
            searched,
            weights,
            {term: weight for term, weight in summed.items() if weight > 0},
        )

    def _groups(
        self, groups: Sequence[TermGroup], frequencies: Mapping[str, TermCount]
    ) -> tuple[SearchedGroup, ...]:
        occurring = [
            {term: weight for term, weight in group.weights.items() if frequencies[term].sentences}
            for group in groups
        ]
        return tuple(
            SearchedGroup(
                group.times,
                np.fromiter(group.weights.values(), np.float64, len(group.weights)),
                [],
                frequency,
                self._counts.rarity(frequency),
                frozenset(weights),
                tuple(group.weights),
            )
            for group, weights, frequency in zip(
                groups, occurring, self._counts.of_groups(occurring), strict=True
            )
        )

    def search(
        self, terms: Sequence[str] | TermStatistics, top_k: int, rows: NDArray[np.int64] | None = None
    ) -> list[Bm25Hit]:
        """The best sentences, best first; none with a score of 0, so possibly fewer than ``top_k``.

        Of equal scores, the sentences that were stored first come first.
        """
        searched = terms if isinstance(terms, SearchedTerms) else self.look_up(_terms(terms))
        assert isinstance(searched, SearchedTerms)
        if not searched.summed or top_k <= 0 or (rows is not None and not len(rows)):
            return []
        conditions = [self._state]
        if rows is not None:
            conditions.append(within(rows, self._numbers))
        query = {"bool": {"filter": conditions, "should": self._clauses(searched), "minimum_should_match": 1}}
        return self._best(self._candidates(query, searched, top_k), top_k)

    def documents_holding(
        self, terms: Sequence[str], within: int | None = None, at_least: int = 1
    ) -> set[str]:
        """The documents that hold all of some terms in one sentence; see `Bm25Index.documents_holding`."""
        if not self._sentences:
            return set()
        conditions: list[Condition] = [
            self._state,
            *({"term": {self._field: indexed_term(term)}} for term in dict.fromkeys(terms)),
        ]
        if within is not None:
            conditions.append({"range": {"ordinal": {"lt": within}}})
        after: dict[str, Any] | None = None
        found: set[str] = set()
        while True:
            composite: dict[str, Any] = {
                "size": _PAGE,
                "sources": [{"number": {"terms": {"field": "number"}}}],
            }
            if after is not None:
                composite["after"] = after
            body = {
                "size": 0,
                "query": {"bool": {"filter": conditions}},
                "aggs": {"documents": {"composite": composite}},
            }
            result = self._search(body)["aggregations"]["documents"]
            found |= {
                self._ids[bucket["key"]["number"]]
                for bucket in result["buckets"]
                if bucket["doc_count"] >= at_least and bucket["key"]["number"] in self._ids
            }
            after = result.get("after_key")
            if after is None or len(result["buckets"]) < _PAGE:
                return found

    def _clauses(self, terms: SearchedTerms) -> list[Condition]:
        """What sentences are searched for: each term boosted so that its rarity there becomes what it counts here."""
        counted = self._counts.of(terms.summed)
        boosts = {
            term: weight / self._counts.counted_rarity(counted[term].counted)
            for term, weight in terms.summed.items()
        }
        return [
            {"term": {self._field: {"value": indexed_term(term), "boost": boost}}}
            for term, boost in boosts.items()
        ]

    def _candidates(
        self, query: Condition, terms: SearchedTerms, top_k: int
    ) -> Iterator[tuple[Candidates, NDArray[np.float32]]]:
        """Candidates and their scores, until no further one can be among the best ``top_k``."""
        best: NDArray[np.float32] = np.zeros(0, np.float32)
        after: list[Any] | None = None
        read, size = 0, min(_PAGE, top_k + top_k // _SPARE + _SPARE_LEAST)
        while True:
            hits = self._page(query, size, after)
            candidates = Candidates.of(hits, self._field, terms)
            scores = candidates.scores(terms, self._config, self._counts.mean)
            yield candidates, scores
            if len(hits) < size:
                return
            best = np.sort(np.concatenate([best, scores]))[::-1][:top_k]
            after = hits[-1]["sort"]
            limit = self._ratio * _ROUNDING * after[0] / self._factor(candidates, terms)
            if len(best) == top_k and best[-1] >= limit:
                return
            read += len(hits)
            size = min(_PAGE, (_MORE - 1) * read)

    def _factor(self, candidates: Candidates, terms: SearchedTerms) -> float:
        """By what factor the scores of the search engine are larger: older versions of BM25 in Lucene have k1 + 1."""
        if self._scale is None:
            made_with = self._counts.similarity
            least = candidates.least_found(terms, made_with, self._counts.mean_counted)
            smallest = float((candidates.found / least).min())
            older = made_with.k1 + 1
            # Rounded lengths enlarge scores, too, but by less than this factor, unless k1 is small.
            self._scale = older if older * _LOST > 1.01 and smallest >= older / _ROUNDING else 1.0
        return self._scale

    def _page(self, query: Condition, size: int, after: list[Any] | None) -> list[dict[str, Any]]:
        """The next hits. The first ones have their texts, which are kept: most of them are asked for next."""
        with_texts = self._texts is not None and after is None and size <= _WITH_TEXTS
        body: dict[str, Any] = {
            "size": size,
            "query": query,
            "sort": ["_score", {"number": "asc"}, {"ordinal": "asc"}],
            "track_total_hits": False,
        }
        if after is not None:
            body["search_after"] = after
        turn = self._texts.turn if self._texts is not None else 0
        hits: list[dict[str, Any]] = self._search(body, "dfs_query_then_fetch")["hits"]["hits"]
        if with_texts and self._texts is not None:
            self._texts.keep(map(self._stored, hits), turn)
        return hits

    def _stored(self, hit: Mapping[str, Any]) -> StoredSentence:
        source = hit["_source"]
        return stored(node_id(self._ids[source["number"]], source["ordinal"]), source)

    def _best(self, parts: Iterator[tuple[Candidates, NDArray[np.float32]]], top_k: int) -> list[Bm25Hit]:
        found = list(parts)
        scores = np.concatenate([scores for _, scores in found])
        numbers = np.concatenate([candidates.numbers for candidates, _ in found])
        ordinals = np.concatenate([candidates.ordinals for candidates, _ in found])
        order = np.lexsort((ordinals, numbers, -scores))[:top_k]
        return [
            Bm25Hit(node_id(self._ids[number], ordinal), score)
            for number, ordinal, score in zip(
                numbers[order].tolist(), ordinals[order].tolist(), scores[order].tolist(), strict=True
            )
            if score > 0
        ]

    def _search(self, body: Mapping[str, Any], search_type: str = "query_then_fetch") -> dict[str, Any]:
        params = {"search_type": search_type, "allow_partial_search_results": "false"}
        result: dict[str, Any] = self._engine.request(
            "POST", f"/{self._index}/_search", body, params=params
        ).body
        return result


def _terms(terms: Sequence[str] | TermStatistics) -> Sequence[str]:
    return terms.terms if isinstance(terms, TermStatistics) else terms
