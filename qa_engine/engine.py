"""`QueryEngine`: the ask journey, from a question to a Chinese answer with citations."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.boxes import citation_boxes
from qa_engine.answering.citations import refusal
from qa_engine.answering.extractive import ExtractiveSynthesizer
from qa_engine.answering.relevance import RelevanceModel
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.config import Config
from qa_engine.errors import InputError
from qa_engine.index.reader import IndexReader
from qa_engine.parts import Synthesizer, build_parts
from qa_engine.retrieval.collection_search import CollectionSearch
from qa_engine.retrieval.expansion import QueryExpander
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.rerank import name_of
from qa_engine.retrieval.retriever import RankedPassages

EXTRACTIVE = "extractive"


class QueryEngine(BaseQueryEngine):
    """Answers questions in Chinese from the PDFs of a collection, with page citations, or refuses.

    A LlamaIndex query engine. Thread-safe: one engine serves many threads and event loops, and notices by itself when
    a writer has published a new state of the collection.

    Example:
        >>> engine = QueryEngine.open(storage="storage")  # doctest: +SKIP
        >>> answer = engine.query("Llama 2有多少参数？")  # doctest: +SKIP
        >>> answer.response, answer.citations[0].page  # doctest: +SKIP
    """

    def __init__(
        self,
        reader: IndexReader | Sequence[IndexReader],
        embed_model: BaseEmbedding,
        reranker: BaseNodePostprocessor | None,
        synthesizer: Synthesizer,
        config: Config,
        relevance: RelevanceModel | None = None,
        callback_manager: CallbackManager | None = None,
        expander: QueryExpander | None = None,
        filters: MetadataFilters | None = None,
    ) -> None:
        """Assembles an engine from parts; `open` does it from the configuration.

        Args:
            reader: the collection, or several that were embedded with the same model.
            embed_model: that model.
            reranker: orders the passages; None keeps the fused order.
            synthesizer: makes the answer.
            config: sizes and thresholds.
            relevance: estimates whether the passages hold the answer; None never refuses before the synthesizer.
            callback_manager: of LlamaIndex.
            expander: adds a translation and keywords to each question; None searches for the question alone.
            filters: what to search; see `with_filters`.
        """
        super().__init__(callback_manager)
        readers = [reader] if isinstance(reader, IndexReader) else reader
        self._search = CollectionSearch(readers, embed_model, reranker, config.retrieval, expander)
        self._filters = filters
        self._embed_model = embed_model
        self._reranker = reranker
        self._synthesizer = synthesizer
        self._config = config
        self._relevance = relevance
        self._expander = expander

    @classmethod
    def open(
        cls,
        storage: Path | str | None = None,
        collection: str | Sequence[str] | None = None,
        config: Config | Mapping[str, Any] | str | Path | None = None,
        *,
        llm: LLM | None = None,
        embed_model: BaseEmbedding | None = None,
        filters: MetadataFilters | None = None,
    ) -> QueryEngine:
        """Opens a collection, or several, for questions.

        Args:
            storage: folder of the index; ``config.storage`` ("storage") if None.
            collection: its name, or the names of several; ``config.collection`` ("default") if None.
            config: settings; see `Config.of`.
            llm: any LlamaIndex LLM instead of the configured one.
            embed_model: any LlamaIndex embedding instead of the configured one; the collection must have been
                ingested with the same.
            filters: what to search; see `with_filters`.

        Raises:
            CollectionNotFoundError: there is no such collection; the message lists those that exist.
            ConfigurationError: a setting is wrong, or a collection was made with another embedding model.
            ModelUnavailableError: a model cannot be loaded.
        """
        parts = build_parts(storage, collection, Config.of(config), llm, embed_model)
        return cls(**vars(parts), filters=filters)

    def with_filters(self, filters: MetadataFilters | None) -> QueryEngine:
        """This engine for a part of its collections; filters that it has already hold as well. Costs nothing.

        Args:
            filters: of ``file`` (a name, or a pattern such as ``年报*.pdf``), ``section`` (a part of its title), ``page``,
                and the keys of the files' metadata. What matches nothing finds nothing.
        """
        if filters is None:
            return self
        narrowed = copy.copy(self)
        narrowed._filters = (
            filters if self._filters is None else MetadataFilters(filters=[self._filters, filters])
        )
        return narrowed

    # -- the journey

    def query(self, str_or_query_bundle: QueryType, filters: MetadataFilters | None = None) -> RESPONSE_TYPE:
        """The `Answer` to a question.

        Args:
            str_or_query_bundle: the question.
            filters: what to search for this question; see `with_filters`.

        Raises:
            InputError: the question is empty or too long, or a filter cannot be used.
        """
        return BaseQueryEngine.query(self.with_filters(filters), str_or_query_bundle)

    async def aquery(
        self, str_or_query_bundle: QueryType, filters: MetadataFilters | None = None
    ) -> RESPONSE_TYPE:
        """`query` without blocking."""
        return await BaseQueryEngine.aquery(self.with_filters(filters), str_or_query_bundle)

    def _query(self, query_bundle: QueryBundle) -> Answer:
        ranked = self._rank(query_bundle)
        passages, probability = self._evidence(query_bundle, ranked)
        started = time.perf_counter()
        if self._is_hopeless(probability):
            answer = refusal(query_bundle.query_str, passages)
        else:
            answer = self._synthesizer.synthesize(query_bundle, passages)
        return self._complete(answer, ranked, probability, started)

    async def _aquery(self, query_bundle: QueryBundle) -> Answer:
        ranked = await self._arank(query_bundle)
        passages, probability = self._evidence(query_bundle, ranked)
        started = time.perf_counter()
        if self._is_hopeless(probability):
            answer = refusal(query_bundle.query_str, passages)
        else:
            answer = await self._synthesizer.asynthesize(query_bundle, passages)
        return await asyncio.to_thread(self._complete, answer, ranked, probability, started)

    def stream(self, question: QueryType, filters: MetadataFilters | None = None) -> AnswerStream:
        """Yields the text of the answer in pieces; ``.answer`` holds the `Answer` with citations at the end."""
        if filters is not None:
            return self.with_filters(filters).stream(question)
        query = self._search.checked(question)

        def pieces() -> Generator[str | Answer, None, None]:
            ranked = self._rank(query)
            passages, probability = self._evidence(query, ranked)
            started = time.perf_counter()
            if self._is_hopeless(probability):
                yield REFUSAL
                answer = refusal(query.query_str, passages)
            else:
                with self._synthesizer.stream_answer(query, passages) as source:
                    yield from source
                    answer = source.answer
            yield self._complete(answer, ranked, probability, started)

        return AnswerStream(pieces())

    def astream(self, question: QueryType, filters: MetadataFilters | None = None) -> AsyncAnswerStream:
        """`stream` for ``async for``; never blocks the event loop."""
        if filters is not None:
            return self.with_filters(filters).astream(question)
        query = self._search.checked(question)

        async def pieces() -> AsyncGenerator[str | Answer, None]:
            ranked = await self._arank(query)
            passages, probability = self._evidence(query, ranked)
            started = time.perf_counter()
            if self._is_hopeless(probability):
                yield REFUSAL
                answer = refusal(query.query_str, passages)
            else:
                async with self._synthesizer.astream_answer(query, passages) as source:
                    async for piece in source:
                        yield piece
                    answer = source.answer
            yield await asyncio.to_thread(self._complete, answer, ranked, probability, started)

        return AsyncAnswerStream(pieces())

    def retrieve(
        self, query_bundle: QueryType, top_k: int = 10, filters: MetadataFilters | None = None
    ) -> list[NodeWithScore]:
        """The passages for a question, best first.

        Args:
            query_bundle: the question.
            top_k: most passages to return.
            filters: what to search for this question; see `with_filters`.

        Returns:
            Nodes whose text is the merged window. Metadata: ``file_name``, ``page``, ``page_end`` (from 1),
            ``sentence`` (the hit), ``sentences``, ``scores`` and ``ranks`` (by stage); ``section`` (the titles above the
            hit), ``page_label`` (if the page bears another number), ``collection``, ``metadata`` (what is noted about the
            file) and ``tables`` (in Markdown, if it holds rows of any).

        Raises:
            InputError: the question is empty or too long, ``top_k`` is not positive, or a filter cannot be used.
        """
        return self.explain(query_bundle, top_k, filters).nodes

    async def aretrieve(
        self, query_bundle: QueryType, top_k: int = 10, filters: MetadataFilters | None = None
    ) -> list[NodeWithScore]:
        """`retrieve` without blocking."""
        return (await self.aexplain(query_bundle, top_k, filters)).nodes

    def explain(
        self,
        question: QueryType,
        top_k: int = 10,
        filters: MetadataFilters | None = None,
        stages: bool = False,
    ) -> Explanation:
        """What `retrieve` finds, and why: the queries that ran, the weights, and what each stage said of each passage.

        Args:
            question: the question.
            top_k: most passages to return.
            filters: what to search for this question; see `with_filters`.
            stages: whether to give the passages as each stage of retrieval alone ranks them, too.

        Raises:
            InputError: the question is empty or too long, ``top_k`` is not positive, or a filter cannot be used.
        """
        if top_k < 1:
            raise InputError(f"top_k must be > 0, got {top_k}.")
        return self._explained(self.with_filters(filters)._rank(question, top_k, stages), top_k)

    async def aexplain(
        self,
        question: QueryType,
        top_k: int = 10,
        filters: MetadataFilters | None = None,
        stages: bool = False,
    ) -> Explanation:
        """`explain` without blocking."""
        if top_k < 1:
            raise InputError(f"top_k must be > 0, got {top_k}.")
        ranked = await self.with_filters(filters)._arank(question, top_k, stages)
        return await asyncio.to_thread(self._explained, ranked, top_k)

    def synthesize(
        self, query_bundle: QueryType, nodes: list[NodeWithScore], additional_source_nodes: Any = None
    ) -> Answer:
        """An answer from given passages."""
        return self._synthesizer.synthesize(
            self._search.checked(query_bundle), nodes, additional_source_nodes
        )

    async def asynthesize(
        self, query_bundle: QueryType, nodes: list[NodeWithScore], additional_source_nodes: Any = None
    ) -> Answer:
        """`synthesize` without blocking."""
        query = self._search.checked(query_bundle)
        return await self._synthesizer.asynthesize(query, nodes, additional_source_nodes)

    @property
    def models(self) -> dict[str, str]:
        """Names of the embedding model, the reranker and what makes the answer."""
        extractive = isinstance(self._synthesizer, ExtractiveSynthesizer)
        return {
            "embedding": self._embed_model.model_name,
            "reranker": name_of(self._reranker),
            "llm": EXTRACTIVE if extractive else self._synthesizer._llm.metadata.model_name,
        }

    def _get_prompt_modules(self) -> PromptMixinType:
        modules: PromptMixinType = {"response_synthesizer": self._synthesizer}
        return modules if self._expander is None else {**modules, "query_expander": self._expander}

    # -- its steps

    def _rank(self, question: QueryType, top_k: int = 0, stages: bool = False) -> RankedPassages:
        return self._search.search(question, top_k, self._filters, stages)

    async def _arank(self, question: QueryType, top_k: int = 0, stages: bool = False) -> RankedPassages:
        return await self._search.asearch(question, top_k, self._filters, stages)

    def _evidence(
        self, query: QueryBundle, ranked: RankedPassages
    ) -> tuple[list[NodeWithScore], float | None]:
        """The passages that the answer may use, and the probability that they hold it."""
        passages = self._search.with_tables(ranked.passages[: self._config.answering.passages])
        if self._relevance is None:
            return passages, None
        used = self._config.answering.passages
        return passages, self._relevance.probability(
            ranked.judged_as or query.query_str, ranked.passages, used
        )

    def _explained(self, ranked: RankedPassages, top_k: int) -> Explanation:
        passages = self._search.with_tables(ranked.passages[:top_k])
        timings = _rounded(ranked.timings)
        stages = {stage: nodes[:top_k] for stage, nodes in ranked.stages.items()}
        return Explanation(
            passages, ranked.queries, ranked.expansion, ranked.judged_as, None, timings, stages
        )

    def _is_hopeless(self, probability: float | None) -> bool:
        """Whether to refuse at once. A language model can still refuse by itself, so it is asked in doubt."""
        if probability is None or self._relevance is None:
            return False
        settings = self._config.answering
        if isinstance(self._synthesizer, ExtractiveSynthesizer):
            configured, calibrated = settings.threshold, self._relevance.threshold
        else:
            configured, calibrated = settings.llm_threshold, self._relevance.hopeless
        return probability < (calibrated if configured is None else configured)

    def _complete(
        self, answer: Answer, ranked: RankedPassages, probability: float | None, started: float
    ) -> Answer:
        answer.timings = _rounded({**ranked.timings, "answer": time.perf_counter() - started})
        answer.probability = None if probability is None else round(probability, 4)
        answer.models = self.models
        answer.explanation = Explanation(
            answer.source_nodes,
            ranked.queries,
            ranked.expansion,
            ranked.judged_as,
            answer.probability,
            answer.timings,
        )
        by_id = {node.node.node_id: node for node in answer.source_nodes}
        answer.citations = [
            replace(citation, boxes=citation_boxes(citation, passage, self._search.spans(passage)))
            for citation in answer.citations
            if (passage := by_id.get(citation.node_id)) is not None
        ]
        return answer


def _rounded(timings: Mapping[str, float]) -> dict[str, float]:
    """For people, with the total."""
    rounded = {stage: round(seconds, 4) for stage, seconds in timings.items()}
    return {**rounded, "total": round(sum(timings.values()), 4)}
