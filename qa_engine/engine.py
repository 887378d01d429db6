"""`QueryEngine`: the ask journey, from a question to a Chinese answer with citations."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.answering.answer import Answer
from qa_engine.answering.events import AnswerEvent, Streaming, aevents_of, events_of
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.assembly import Resources, assemble, warned_if_uncalibrated
from qa_engine.config import Config
from qa_engine.conversation.chat_engine import QAChatEngine
from qa_engine.conversation.condense import QuestionCondenser
from qa_engine.conversation.session import ChatSession
from qa_engine.flow import Flow, apieces, arun, pieces, run
from qa_engine.index.reader import IndexReader
from qa_engine.models.prompts import CheckedPrompts
from qa_engine.question_flow import QuestionFlow, as_query
from qa_engine.question_retrieval import RetrievesPassages
from qa_engine.retrieval.decomposition.divider import QuestionDivider
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.expansion.expander import QueryExpander
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.retrieval.page_search import PageSearch
from qa_engine.tracing import atraced, traced


class QueryEngine(CheckedPrompts, RetrievesPassages, BaseQueryEngine):
    """Answers questions in Chinese from the documents of a collection, with page citations, or refuses.

    A LlamaIndex query engine. Thread-safe: one engine serves many threads and event loops, and notices by itself when
    a writer has published a new state of the collection.

    The methods share their arguments: ``filters`` narrow one search, see `with_filters`, and ``top_k`` limits the number of
    passages. An empty or too long question, a ``top_k`` below 1, a filter that cannot be used, and any question to a closed
    engine are an `InputError`.

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
        synthesizer: BaseSynthesizer,
        config: Config,
        answerability: AnswerabilityModel | None = None,
        callback_manager: CallbackManager | None = None,
        expander: QueryExpander | None = None,
        glossary: Glossary | None = None,
        divider: QuestionDivider | None = None,
        dictionary: Dictionary | None = None,
        filters: MetadataFilters | None = None,
        condenser: QuestionCondenser | None = None,
        node_postprocessors: Sequence[BaseNodePostprocessor] = (),
        resources: Resources | None = None,
    ) -> None:
        """Assembles an engine from parts; `open` makes them from the configuration, and describes the other arguments.

        Args:
            reader: the collection, or several that were embedded with the same model.
            embed_model: that model.
            reranker: orders the passages; None keeps the fused order.
            synthesizer: makes the answer; any LlamaIndex synthesizer.
            config: sizes and thresholds.
            answerability: estimates whether the passages hold the answer; None never refuses before the synthesizer.
            expander: adds a translation and keywords to each question; None searches for the question alone.
            glossary: has the terms for which further words are searched for; None for no terms.
            divider: names the parts of questions; None goes by rules alone.
            dictionary: translates the words of questions for BM25; None translates nothing.
            condenser: makes follow-ups of conversations standalone; None goes by rules alone.
            resources: what `close` closes; None leaves closing the parts to whoever made them.
        """
        if callback_manager is not None:
            synthesizer.callback_manager = callback_manager
        super().__init__(synthesizer.callback_manager)
        readers = [reader] if isinstance(reader, IndexReader) else reader
        search = PageSearch(
            readers, embed_model, reranker, config.retrieval, expander, glossary, divider, dictionary
        )
        self._flow = QuestionFlow.assembled(
            search, node_postprocessors, synthesizer, config.answering, answerability, resources, filters
        )
        self._synthesizer, self._config = synthesizer, config
        self._transforms = {"query_expander": expander, "question_divider": divider}
        self._condenser = condenser or QuestionCondenser(None)

    @classmethod
    def open(
        cls,
        storage: Path | str | None = None,
        collection: str | Sequence[str] | None = None,
        config: Config | Mapping[str, Any] | str | Path | None = None,
        *,
        llm: LLM | None = None,
        embed_model: BaseEmbedding | None = None,
        reranker: BaseNodePostprocessor | None = None,
        node_postprocessors: Sequence[BaseNodePostprocessor] = (),
        text_qa_template: BasePromptTemplate | None = None,
        response_synthesizer: BaseSynthesizer | None = None,
        filters: MetadataFilters | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> QueryEngine:
        """Opens a collection, or several, for questions. Whoever opens an engine closes it; see `close`.

        Args:
            storage: folder of the index; ``config.storage`` ("storage") if None.
            collection: its name, or the names of several; ``config.collection`` ("default") if None.
            config: settings; see `Config.of`.
            llm: any LlamaIndex LLM instead of the configured one.
            embed_model: any LlamaIndex embedding instead of the configured one; that of the ingest.
            reranker: any LlamaIndex postprocessor instead of the configured one; the built-in answerability is then off.
            node_postprocessors: change the passages after the reranker, in this order, for answers as for `retrieve`.
            text_qa_template: prompt instead of the built-in one, with the variables ``context_str`` and ``query_str``.
            response_synthesizer: any LlamaIndex synthesizer instead of the built-in ones; ``[n]`` in it cites passage n.
            filters: what to search; see `with_filters`.
            callback_manager: of the engine, the synthesizer and its language model; that of the model if None.

        Raises:
            CollectionNotFoundError: there is no such collection; the message lists those that exist.
            ConfigurationError: a setting is wrong, or a collection was made with another embedding model.
            ModelUnavailableError: a model cannot be loaded.
            InputError: an argument of another type, or ``text_qa_template`` without a language model or its variables.
        """
        parts = assemble(
            storage,
            collection,
            Config.of(config),
            llm,
            embed_model,
            reranker=reranker,
            text_qa_template=text_qa_template,
            response_synthesizer=response_synthesizer,
        )
        return cls(
            **vars(warned_if_uncalibrated(parts)),
            filters=filters,
            callback_manager=callback_manager,
            node_postprocessors=node_postprocessors,
        )

    def close(self) -> None:
        """Closes what `open` opened: files, and the connections of models that were not passed in.

        Engines made by `with_filters`, and sessions, share it with this one. Closing again does nothing.
        """
        self._flow.resources.close()

    def __enter__(self) -> QueryEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def with_filters(self, filters: MetadataFilters | None) -> QueryEngine:
        """This engine for a part of its collections; filters that it has already hold as well. Costs nothing.

        Args:
            filters: of ``file`` (a name, or a pattern such as ``年报*.pdf``), ``section`` (a part of its title), ``page``,
                and the keys of the files' metadata. What matches nothing finds nothing.
        """
        if filters is None:
            return self
        narrowed = copy.copy(self)
        narrowed._flow = self._flow.narrowed(filters)
        return narrowed

    def with_top_k(self, top_k: int | None) -> QueryEngine:
        """This engine with answers from so many passages, instead of ``answering.passages``. Costs nothing."""
        if top_k is None:
            return self
        other = copy.copy(self)
        other._flow = self._flow.using(top_k)
        return other

    def chat(self) -> ChatSession:
        """A conversation about the documents: its questions may lean on those before. It begins without a history."""
        return ChatSession(self, self._condenser, self._config.conversation)

    def as_chat_engine(self) -> QAChatEngine:
        """A LlamaIndex chat engine that holds one conversation."""
        return QAChatEngine(self.chat())

    def checked(self, question: QueryType) -> QueryBundle:
        """The question as a query, after the checks that every method makes first."""
        return self._flow.checked(question)

    def query(self, str_or_query_bundle: QueryType, filters: MetadataFilters | None = None) -> Answer:
        """The answer to a question."""
        return run(self._answer(as_query(str_or_query_bundle), filters, Streaming.NOTHING))

    async def aquery(self, str_or_query_bundle: QueryType, filters: MetadataFilters | None = None) -> Answer:
        """`query` without blocking."""
        return await arun(self._answer(as_query(str_or_query_bundle), filters, Streaming.NOTHING))

    def stream(self, question: QueryType, filters: MetadataFilters | None = None) -> AnswerStream:
        """Yields the text of the answer in pieces; ``.answer`` holds the `Answer` with citations at the end."""
        query = self.checked(question)
        steps = pieces(self._answer(query, filters, Streaming.TEXT))
        return AnswerStream(traced(self, "stream", query.query_str, steps))

    def astream(self, question: QueryType, filters: MetadataFilters | None = None) -> AsyncAnswerStream:
        """`stream` for ``async for``; never blocks the event loop."""
        query = self.checked(question)
        steps = apieces(self._answer(query, filters, Streaming.TEXT))
        return AsyncAnswerStream(atraced(self, "astream", query.query_str, steps))

    def events(
        self, question: QueryType, filters: MetadataFilters | None = None
    ) -> Generator[AnswerEvent, None, None]:
        """Yields the passages, the text and the citations as they come, and at last the answer of `query`.

        Unlike `stream`, it may take text back, see `qa_engine.answering.events`. Closing it leaves the model.
        """
        query = self.checked(question)
        steps = pieces(self._answer(query, filters, Streaming.EVENTS))
        return events_of(traced(self, "events", query.query_str, steps))

    def aevents(
        self, question: QueryType, filters: MetadataFilters | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        """`events` for ``async for``; never blocks the event loop."""
        query = self.checked(question)
        steps = apieces(self._answer(query, filters, Streaming.EVENTS))
        return aevents_of(atraced(self, "aevents", query.query_str, steps))

    def _answer(
        self, query: QueryBundle, filters: MetadataFilters | None, streaming: Streaming
    ) -> Flow[Answer]:
        return self._flow.narrowed(filters).answer(self.callback_manager, query, streaming)

    def _query(self, query_bundle: QueryBundle) -> Answer:
        return self.query(query_bundle)

    async def _aquery(self, query_bundle: QueryBundle) -> Answer:
        return await self.aquery(query_bundle)

    def synthesize(
        self, query_bundle: QueryType, nodes: list[NodeWithScore], additional_source_nodes: Any = None
    ) -> Answer:
        """An answer from any nodes, such as passages of another retriever; a node without a page is cited without one."""
        return run(self._flow.synthesized(self.checked(query_bundle), nodes, additional_source_nodes or ()))

    async def asynthesize(
        self, query_bundle: QueryType, nodes: list[NodeWithScore], additional_source_nodes: Any = None
    ) -> Answer:
        """`synthesize` without blocking."""
        return await arun(
            self._flow.synthesized(self.checked(query_bundle), nodes, additional_source_nodes or ())
        )

    @property
    def collections(self) -> tuple[str, ...]:
        """Names of the collections that are asked."""
        return self._flow.search.collections

    @property
    def models(self) -> dict[str, str]:
        """Names of the embedding model, the reranker and what makes the answer."""
        return self._flow.models

    def _get_prompt_modules(self) -> PromptMixinType:
        modules = {"response_synthesizer": self._synthesizer, "question_condenser": self._condenser}
        return modules | {name: one for name, one in self._transforms.items() if one is not None}
