"""Searches collections, and tells of a page why a search does not find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llama_index.core.schema import QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.flow import Flow, in_thread
from qa_engine.retrieval.decomposition.interleaving import of_parts
from qa_engine.retrieval.page_trace import (
    PageTrace,
    TracedPage,
    page_trace,
    tried_top_k,
    with_needed_top_k,
)
from qa_engine.retrieval.search import CollectionSearch

_MOST_TRIED = 1000
"""No more passages are built to find out whether so many would be enough for a page."""


class PageSearch(CollectionSearch):
    """A `CollectionSearch` that can say of a page where its search loses it."""

    def trace(
        self,
        question: QueryType,
        collection: str,
        document_id: str,
        page: int,
        top_k: int,
        filters: MetadataFilters | None = None,
    ) -> Flow[PageTrace]:
        """Whether `search` finds a page of a document, and if not, why; as a flow.

        Args:
            question: as for `search`.
            collection: the name of that which holds the document.
            document_id: of the document.
            page: its number, from 1.
            top_k: number of passages that are looked at.
            filters: as for `search`.
        """
        query, parts = yield from self._queries(question)
        place = collection, document_id, page
        trace = yield from in_thread(self._traced, query, parts, place, top_k, filters)
        needed = tried_top_k(trace)
        if needed is None or needed > _MOST_TRIED:
            return trace
        again = trace
        if needed > trace.candidates:  # more passages are built for so many, and may merge in another way
            again = yield from in_thread(self._traced, query, parts, place, needed, filters)
        found = again.rank is not None and again.rank <= needed
        return with_needed_top_k(trace, needed) if found else trace

    def _traced(
        self,
        query: QueryBundle,
        parts: Sequence[QueryBundle],
        place: tuple[str, str, int],
        top_k: int,
        filters: MetadataFilters | None,
    ) -> PageTrace:
        collection, document_id, number = place
        with self._turns:
            state = self._state(self._snapshots())
            retriever = self._retriever(state, filters)
            page = retriever.page(collection, document_id, number)
            if not isinstance(page, TracedPage):
                if page == "filtered" and not self._retriever(state, None).admits(collection, document_id):
                    page = "duplicate"
                return PageTrace(page, top_k=top_k)
            queries = [self._with_words(one, state[0]) for one in parts or [query]]
            results = [retriever.rank(one, top_k, stages=True) for one in queries]
            traces = [
                retriever.traced(one, page, result) for one, result in zip(queries, results, strict=True)
            ]
            if not parts:
                return page_trace(page, traces, results[0].kept, top_k, self._config.candidates)
            texts = [part.query_str for part in parts]
            traces = [replace(trace, part=text) for trace, text in zip(traces, texts, strict=True)]
            kept = of_parts(query.query_str, texts, results).kept
            return page_trace(page, traces, kept, top_k, self._config.candidates)
