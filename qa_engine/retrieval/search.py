"""Searches the collections of an engine in their newest state: checks a question and ranks the passages for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.config import RetrievalConfig
from qa_engine.errors import InputError, StorageError
from qa_engine.flow import Flow, in_thread
from qa_engine.forks import RenewedLock
from qa_engine.index.reader import IndexReader, IndexSnapshot
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.runtime.cores import available_cores
from qa_engine.models.runtime.turns import Turns
from qa_engine.retrieval.decomposition.divider import QuestionDivider
from qa_engine.retrieval.decomposition.interleaving import of_parts
from qa_engine.retrieval.decomposition.rules import parts_of
from qa_engine.retrieval.dictionary.dictionary import Dictionary, TranslatedWord
from qa_engine.retrieval.expansion.expanded_query import (
    ExpandedQuery,
    expansion_of,
    with_glossary,
    with_translation,
)
from qa_engine.retrieval.expansion.expander import TRANSLATE, QueryExpander
from qa_engine.retrieval.filters.resolution import Scope, resolve
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.retrieval.hybrid.targets import SearchTarget
from qa_engine.retrieval.naming.identity_index import IdentityIndex, identity_index
from qa_engine.retrieval.passages.documents import SearchedDocuments
from qa_engine.retrieval.reranking.rerank import PassageRerank, name_of
from qa_engine.retrieval.retriever import PassageRetriever, RankedPassages
from qa_engine.text.language import is_chinese
from qa_engine.text.one_line import is_text, one_line

logger = logging.getLogger("qa_engine.retrieval")

Snapshots = tuple[IndexSnapshot, ...]
State = tuple[Snapshots, tuple[int, ...]]
"""What was published, and how often the metadata of files were changed since."""
_ATTEMPTS = 5
"""A question is searched for so many times at most, while writers publish one state after the other."""


class CollectionSearch:
    """One or several collections, always in their newest state. Thread-safe.

    A document that several collections hold in the same version is found once, in the first of them.
    """

    def __init__(
        self,
        readers: Sequence[IndexReader],
        embed_model: BaseEmbedding,
        reranker: BaseNodePostprocessor | None,
        config: RetrievalConfig,
        expander: QueryExpander | None = None,
        glossary: Glossary | None = None,
        divider: QuestionDivider | None = None,
        dictionary: Dictionary | None = None,
    ) -> None:
        """
        Args:
            readers: the collections, which were embedded with the same model.
            embed_model: that model.
            reranker: orders the candidates; None keeps the fused order.
            config: sizes and weights.
            expander: adds a translation and keywords to each question; None searches for the question alone.
            glossary: has the terms for which further words are searched for; None for no terms.
            divider: names the parts of a question of which the rules see several; None for the rules alone.
            dictionary: translates the words of a question for BM25; None translates nothing.

        Raises:
            InputError: there is no collection.
        """
        if not readers:
            raise InputError("No collection was given: name at least one.")
        self._readers = tuple(readers)
        self._embed_model = embed_model
        self._reranker = reranker
        self._config = config
        self._expander = expander
        self._unfiltered: tuple[State, PassageRetriever] | None = None
        self._identities: tuple[State, IdentityIndex] | None = None
        self._glossary = glossary
        self._divider = divider
        self._dictionary = dictionary
        self._lock = RenewedLock()
        # More threads than processors only hinder each other: they fight for the interpreter lock and for the caches. But
        # none waits for another one that waits for a service, or for a model of the user, which may do anything.
        computes_here = (
            isinstance(embed_model, LocalEmbedding)
            and (reranker is None or isinstance(reranker, PassageRerank))
            and not any(reader.snapshot().store.is_remote for reader in readers)
        )
        self._turns = Turns(available_cores()) if computes_here else nullcontext()

    @property
    def collections(self) -> tuple[str, ...]:
        """Names of the collections."""
        return tuple(reader.name for reader in self._readers)

    @property
    def models(self) -> dict[str, str]:
        """Names of the embedding model and the reranker."""
        return {"embedding": self._embed_model.model_name, "reranker": name_of(self._reranker)}

    def checked(self, question: QueryType) -> QueryBundle:
        """The question as a query.

        Raises:
            InputError: the question is empty or too long, or holds lone surrogates.
        """
        query = QueryBundle(question) if isinstance(question, str) else question
        text = query.query_str
        limit = self._config.max_question_chars
        if not text.strip():
            raise InputError("The question is empty.")
        if not is_text(text):
            raise InputError(
                f"The question {one_line(text, 60)!r} holds bytes that are no text: write it in UTF-8."
            )
        if len(text) > limit:
            raise InputError(
                f"The question has {len(text)} characters, more than retrieval.max_question_chars = {limit}: shorten it."
            )
        return query

    def search(
        self,
        question: QueryType,
        top_k: int = 0,
        filters: MetadataFilters | None = None,
        stages: bool = False,
    ) -> Flow[RankedPassages]:
        """Checks a question, expands it, and ranks passages for it, as a flow (see `qa_engine.flow`).

        The arguments and errors are those of `rank`, with the errors of `checked`.
        """
        query, parts = yield from self._queries(question)
        return (yield from in_thread(self.rank, query, top_k, filters, stages, parts))

    def _queries(self, question: QueryType) -> Flow[tuple[QueryBundle, list[QueryBundle]]]:
        """A checked question with its expansion, and its parts, if it has several."""
        query = self.checked(question)
        by_rules = self._parts(query)
        if self._divider is not None and len(by_rules) > 1:
            by_rules = yield from self._divider.steps(query.query_str, by_rules)
        parts = [QueryBundle(part) for part in by_rules]
        if self._expander is not None and not isinstance(query, ExpandedQuery):
            task = yield from in_thread(self._expansion_task, query)
            expanded: list[QueryBundle] = []
            for part in parts or [query]:
                expanded.append((yield from self._expander.steps(part, task)))
            query, parts = (query, expanded) if parts else (expanded[0], [])
        return query, parts

    def _parts(self, query: QueryBundle) -> list[str]:
        """The parts of a question; empty if it has one. A query with vectors or an expansion of its own is left whole."""
        own = isinstance(query, ExpandedQuery) or query.embedding or query.custom_embedding_strs
        if own or self._config.decomposition == "none":
            return []
        terms = self._glossary.terms(query.query_str) if self._glossary is not None else []
        return parts_of(query.query_str, [term.term for term in terms])

    def _with_words(self, query: QueryBundle, snapshots: Snapshots) -> QueryBundle:
        """The query with what the glossary and the dictionary add to it, in the languages that the collections hold.

        What the glossary or a language model has in the other language is not looked up in the dictionary.
        """
        found = self._glossary.terms(query.query_str) if self._glossary is not None else []
        chinese, other = (
            any(snapshot.holds_other_language(chinese) for snapshot in snapshots) for chinese in (False, True)
        )
        terms = [term for term in (term.in_languages(chinese, other) for term in found) if term.words]
        query = with_glossary(query, terms)
        expansion = expansion_of(query)
        of_chinese = is_chinese(query.query_str)
        if (
            self._dictionary is None
            or not (other if of_chinese else chinese)
            or (expansion is not None and expansion.translation)
        ):
            return query
        known = [term.term for term in terms if any(is_chinese(word) != of_chinese for word in term.words)]
        words = self._dictionary.translate(query.query_str, known)
        both = chinese and other
        return with_translation(query, [word.as_often_as_written() for word in words] if both else words)

    def _expansion_task(self, query: QueryBundle) -> dict[str, Any]:
        """Asks for a translation only if a collection holds a number of texts in another language than the question."""
        chinese = is_chinese(query.query_str)
        return {TRANSLATE: any(reader.snapshot().holds_other_language(chinese) for reader in self._readers)}

    def rank(
        self,
        query: QueryBundle,
        top_k: int = 0,
        filters: MetadataFilters | None = None,
        stages: bool = False,
        parts: Sequence[QueryBundle] = (),
    ) -> RankedPassages:
        """The candidate passages for a question, best first, with ``collection`` and ``metadata`` in their metadata.

        Args:
            query: the question.
            top_k: number of passages to return at least, if there are as many.
            filters: what to search; None for everything. A filter that matches nothing finds nothing.
            stages: whether to return the passages as each stage alone ranks them, too.
            parts: the parts of the question, which are searched for instead of it; empty for the question itself.

        Raises:
            InputError: a filter names a key that no file has, or compares values that cannot be compared.
        """
        with self._turns:
            return self._ranked(query, top_k, filters, stages, parts)

    def _ranked(
        self,
        query: QueryBundle,
        top_k: int,
        filters: MetadataFilters | None,
        stages: bool,
        parts: Sequence[QueryBundle],
    ) -> RankedPassages:
        for attempt in range(_ATTEMPTS):
            # Whether a state is the newest is asked after the search in any case. Before it, that would take a request to a
            # search engine more. A filter is checked against the newest metadata.
            state = self._state(
                self._snapshots() if attempt or filters is not None else self._last_snapshots()
            )
            try:
                retriever = self._retriever(state, filters)
                results = [
                    retriever.rank(self._with_words(one, state[0]), top_k, stages) for one in parts or [query]
                ]
            except StorageError as error:
                if attempt == _ATTEMPTS - 1 or state == self._state(self._snapshots()):
                    raise
                logger.info("Searching again, since another state was published meanwhile (%s)", error)
                continue
            if state == self._state(self._snapshots()):
                break
            # A writer deletes replaced sentences: the search may have missed some of them already.
            logger.info("Searching again, since another state was published meanwhile")
        return of_parts(query.query_str, [part.query_str for part in parts], results) if parts else results[0]

    def documents(self, filters: MetadataFilters | None = None) -> SearchedDocuments:
        """The documents that a question with these filters is answered from; the errors are those of `rank`."""
        return self._retriever(self._state(self._snapshots()), filters).documents

    def translate(self, text: str) -> Sequence[TranslatedWord]:
        """The words of a text in the other language; nothing without the dictionary."""
        return self._dictionary.translate(text) if self._dictionary is not None else ()

    def _snapshots(self) -> Snapshots:
        return tuple(reader.snapshot() for reader in self._readers)

    def _last_snapshots(self) -> Snapshots:
        return tuple(reader.last_snapshot() for reader in self._readers)

    def _state(self, snapshots: Snapshots) -> State:
        return snapshots, tuple(reader.catalog.metadata_changes for reader in self._readers)

    def _retriever(self, state: State, filters: MetadataFilters | None) -> PassageRetriever:
        """The retriever for a state; that for questions without a filter is made once for each state."""
        with self._lock:
            if filters is not None:
                return self._new_retriever(state, filters)
            # Snapshots are compared by identity: see `IndexSnapshot`.
            if self._unfiltered is None or self._unfiltered[0] != state:
                self._unfiltered = state, self._new_retriever(state, None)
            return self._unfiltered[1]

    def _new_retriever(self, state: State, filters: MetadataFilters | None) -> PassageRetriever:
        scopes = self._scopes(filters, state[0])
        targets = [
            SearchTarget(snapshot, scope, reader.name, reader.catalog)
            for reader, snapshot, scope in zip(self._readers, state[0], scopes, strict=True)
        ]
        if self._identities is None or self._identities[0] != state:
            self._identities = state, identity_index([reader.catalog for reader in self._readers])
        identities = self._identities[1]
        return PassageRetriever(targets, self._embed_model, self._reranker, self._config, identities)

    def _scopes(self, filters: MetadataFilters | None, snapshots: Snapshots) -> list[Scope | None]:
        """The scope of each collection; None for the whole published state."""
        if filters is None and len(self._readers) == 1:
            return [None]
        catalogs = [reader.catalog for reader in self._readers]
        scopes: list[Scope | None] = []
        covered: set[str] = set()
        for catalog, snapshot in zip(catalogs, snapshots, strict=True):
            # A generator, because it is read only if a key is not one of this collection.
            keys = (key for other in catalogs if other is not catalog for key in other.metadata_keys())
            scope = resolve(filters, catalog, keys, snapshot.bm25.document_ids).without(covered)
            covered.update(scope.conditions)
            scopes.append(None if filters is None and scope.complete else scope)
        return scopes
