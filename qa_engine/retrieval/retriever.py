"""The way from a question to ranked passages, which search, answers and evaluation share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.config import RetrievalConfig
from qa_engine.documents.blocks import Span
from qa_engine.flow import to_thread
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.expansion.expanded_query import (
    Expansion,
    expansion_of,
    glossary_of,
    in_language_of,
)
from qa_engine.retrieval.filters.conditions import NEVER, holds
from qa_engine.retrieval.glossary.glossary import GlossaryTerm
from qa_engine.retrieval.hybrid.fusion import QueryWeights
from qa_engine.retrieval.hybrid.targets import JoinedSentences, SearchTarget, joined_tokens
from qa_engine.retrieval.naming.identity_index import IdentityIndex, NamedDocuments
from qa_engine.retrieval.naming.preference import DocumentPreference, hybrid_retriever
from qa_engine.retrieval.page_trace import PartTrace, TracedPage, Unsearched, trace_part
from qa_engine.retrieval.passages.apparatus import by_apparatus, hits_in_order
from qa_engine.retrieval.passages.builder import PassageBuilder
from qa_engine.retrieval.passages.documents import SearchedDocuments
from qa_engine.retrieval.passages.neighbours import StoredSentences
from qa_engine.retrieval.passages.sources import PassageSources
from qa_engine.retrieval.passages.surroundings import with_surroundings
from qa_engine.retrieval.passages.table_hits import by_statement, raised_tables
from qa_engine.retrieval.reranking.rerank import DiversityRerank, PassageRerank
from qa_engine.retrieval.reranking.sentence_support import SentenceSupport
from qa_engine.types import RANKS


@dataclass
class RankedPassages:
    """The passages for a question, and how they came about.

    Attributes:
        passages: best first.
        timings: seconds that each stage took.
        queries, rerank_query, expansion, glossary, translated: as for `Explanation`.
        stages: passages by the stage that ranked them: ``dense`` and ``bm25`` alone, ``fused``, and ``reranked``, which are
            `passages`. Empty unless they were asked for.
        parts: the results of the parts of the question; empty if it has one part, which is the question itself.
        part: the part of the question that this is the result of; empty for a whole question.
        sources: looks up the documents of the passages; None for passages that are in no catalog.
        store: holds the sentences around the passages; None if they cannot be read.
        named: the documents that the question names.
        supports: compares single sentences with a question; None without stored vectors.
        hits: the sentences that the passages were built around, best first. Empty unless the stages were asked for.
    """

    passages: list[NodeWithScore]
    timings: dict[str, float] = field(default_factory=dict)
    queries: list[QueryWeights] = field(default_factory=list)
    rerank_query: str = ""
    expansion: Expansion | None = None
    stages: dict[str, list[NodeWithScore]] = field(default_factory=dict)
    sources: PassageSources | None = None
    store: StoredSentences | None = None
    named: NamedDocuments = field(default_factory=NamedDocuments)
    glossary: tuple[GlossaryTerm, ...] = ()
    translated: tuple[TranslatedWord, ...] = ()
    parts: tuple[RankedPassages, ...] = ()
    part: str = ""
    supports: SentenceSupport | None = None
    hits: Sequence[NodeWithScore] = ()

    def best(self, count: int) -> list[NodeWithScore]:
        """The best ``count`` passages; those that hold rows of tables have these tables in Markdown.

        Reports of years that the question does not ask for are left out if there are others: they are so alike that a figure
        of theirs would be quoted for one of the year that is asked for.
        """
        passages = self.kept[:count]
        return passages if self.sources is None else self.sources.with_tables(passages)

    @property
    def kept(self) -> list[NodeWithScore]:
        """The passages that `best` chooses from."""
        aside = self.named.set_aside
        wanted = [node for node in self.passages if node.node.ref_doc_id not in aside] if aside else []
        return wanted or self.passages

    def with_surroundings(self, passages: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        """Passages with the sentences around them, see `qa_engine.retrieval.passages.surroundings`."""
        return list(passages) if self.store is None else with_surroundings(passages, self.store)

    def spans(self, passage: NodeWithScore) -> Sequence[Span]:
        """The places of the lines of a passage's document; empty if they are not known."""
        return [] if self.sources is None else self.sources.spans(passage)


class PassageRetriever(BaseRetriever):
    """Finds sentences by vectors and by BM25, fuses them, builds passages around them, and reranks these.

    The targets are searched together; ``documents`` are those that they hold. The other arguments are as for
    `CollectionSearch`.
    """

    def __init__(
        self,
        targets: Sequence[SearchTarget],
        embed_model: BaseEmbedding,
        reranker: BaseNodePostprocessor | None,
        config: RetrievalConfig,
        identities: IdentityIndex | None = None,
    ) -> None:
        """``identities`` are those of the documents; without them no question prefers any."""
        super().__init__(callback_manager=CallbackManager())
        self._targets = targets
        self._hybrid = hybrid_retriever(targets, embed_model, config)
        self._preference = DocumentPreference(targets, embed_model, config, identities)
        self._store: StoredSentences = (
            targets[0].snapshot.store if len(targets) == 1 else JoinedSentences(targets)
        )
        self._sources = PassageSources(targets, identities)
        self.documents = SearchedDocuments(targets, identities, self._sources)
        self._diversity = DiversityRerank(diversity=config.diversity) if config.diversity else None
        self._config = config
        self._reranker = (
            reranker.with_tokens(joined_tokens(targets)) if isinstance(reranker, PassageRerank) else reranker
        )

    def rank(self, query: QueryBundle, top_k: int = 0, stages: bool = False) -> RankedPassages:
        """The candidate passages for a question, best first.

        Args:
            query: the question.
            top_k: number of passages to return at least. Those beyond the candidates of the reranker keep the fused order.
            stages: whether to return the passages as each stage alone ranks them, too.
        """
        timings = {}
        expansion = expansion_of(query)
        if expansion is not None:
            timings["expand"] = expansion.seconds
        named = self._preference.named(query)
        asked = named.question(query)
        with _timed(timings, "retrieve"):
            hits = self._preference.hits(named, query, self._hybrid)
            wanted = {kind for term in glossary_of(query) for kind in term.statements}
            if wanted:
                hits = raised_tables(hits)
            hits = hits_in_order(hits, query.query_str)
        builder = self._builder(max(self._config.candidates, top_k))
        with _timed(timings, "passages"):
            passages = builder.postprocess_nodes(hits, asked)
        by_stage = {**_by_retriever(builder, hits, query), "fused": passages} if stages else {}
        candidates, rest = passages[: self._config.candidates], passages[self._config.candidates :]
        rerank_query = in_language_of(candidates, asked)
        if self._reranker is not None and candidates:
            with _timed(timings, "rerank"):
                candidates = self._reranker.postprocess_nodes(candidates, rerank_query)
                candidates = self._preference.ordered(named, candidates, query, rerank_query)
                candidates = by_statement(candidates, query.query_str, wanted)
                candidates = by_apparatus(candidates, query.query_str)
        if self._diversity is not None and candidates:
            with _timed(timings, "diversity"):
                candidates = self._diversity.postprocess_nodes(candidates, query)
        passages = [*candidates, *rest]
        if stages:
            by_stage["reranked"] = passages
        weights = self._hybrid.weights(query)
        return RankedPassages(
            passages,
            timings,
            weights,
            rerank_query.query_str,
            expansion,
            by_stage,
            self._sources,
            self._store,
            named,
            glossary_of(query),
            tuple(self._hybrid.translated(query)),
            supports=reranker.sentence_support
            if isinstance(reranker := self._reranker, PassageRerank)
            else None,
            hits=hits if stages else (),
        )

    def admits(self, collection: str, document_id: str) -> bool:
        """Whether a document is searched in a collection."""
        return any(one.collection == collection and one.holds(document_id) for one in self._targets)

    def page(self, collection: str, document_id: str, number: int) -> TracedPage | Unsearched:
        """A page of a document with its sentences that are searched; or why none is.

        Args:
            collection: the name of that which holds the document.
            document_id: of the document.
            number: of the page, from 1.
        """
        target = next((one for one in self._targets if one.collection == collection), None)
        if target is None or target.catalog is None:
            return "other_collection"
        if document_id not in target.snapshot.bm25.document_ids:
            return "not_published"
        sentences = target.catalog.sentences_on_page(document_id, number)
        if not sentences:
            return "no_sentences"
        if target.scope is not None:
            condition = target.scope.conditions.get(document_id, NEVER)
            sentences = [one for one in sentences if holds(condition, one.metadata)]
        if not sentences:
            return "filtered"
        return TracedPage(document_id, sentences)

    def traced(self, query: QueryBundle, page: TracedPage, ranked: RankedPassages) -> PartTrace:
        """How far a page comes among the passages for a question, see `trace_part`.

        Args:
            query: the question, or a part of one.
            page: of a document that is searched.
            ranked: what `rank` gave for the query, with its stages.
        """
        named = self._preference.named(query)
        searches = self._preference.searches(named, query, self._hybrid)
        lists = (
            one
            for search in searches
            if any(target.holds(page.document_id) for target in search.targets)
            for one in self._preference.lists(search, page)
        )
        hits = list(ranked.hits)
        built = partial(self._builder(len(hits) or 1).postprocess_nodes, hits, named.question(query))
        fused = ranked.stages["fused"]
        return trace_part(page, query.query_str, lists, hits, fused, ranked.passages, ranked.kept, built)

    def _builder(self, max_passages: int) -> PassageBuilder:
        return PassageBuilder(
            self._store,
            window_chars=self._config.window_chars,
            table_chars=self._config.table_chars,
            latin_ratio=self._config.latin_ratio,
            max_passages=max_passages,
            max_per_file=self._config.max_per_file,
            sources=self._sources,
        )

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self.rank(query_bundle).passages

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await to_thread(self._retrieve, query_bundle)


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - started


def _by_retriever(
    builder: PassageBuilder, hits: list[NodeWithScore], query: QueryBundle
) -> dict[str, list[NodeWithScore]]:
    """The passages that each retriever alone would lead to."""
    passages = {}
    for name in ("dense", "bm25"):
        own = [hit for hit in hits if name in hit.node.metadata.get(RANKS, {})]
        own.sort(key=lambda hit: int(hit.node.metadata[RANKS][name]))
        passages[name] = builder.postprocess_nodes(own, query)
    return passages
