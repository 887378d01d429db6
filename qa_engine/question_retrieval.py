"""Retrieval alone, by the same path as answers: the methods of an engine, and the engine as a LlamaIndex retriever."""

from __future__ import annotations

from collections.abc import Callable

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.flow import Flow, arun, run
from qa_engine.question_flow import QuestionFlow, require_positive
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.page_trace import PageTrace


class QuestionRetriever(BaseRetriever):
    """The retrieval of an engine as a LlamaIndex retriever."""

    def __init__(self, explanation: Callable[[QueryBundle], Flow[Explanation]]) -> None:
        """
        Args:
            explanation: the flow that finds the passages for a question.
        """
        # The flow itself reports its searches to the callback manager of the engine.
        super().__init__(callback_manager=CallbackManager())
        self._explanation = explanation

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return run(self._explanation(query_bundle)).nodes

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return (await arun(self._explanation(query_bundle))).nodes


class RetrievesPassages:
    """The methods of an engine that find passages and make no answer."""

    callback_manager: CallbackManager
    _flow: QuestionFlow

    def as_retriever(self, top_k: int = 10, filters: MetadataFilters | None = None) -> QuestionRetriever:
        """A LlamaIndex retriever that finds what `retrieve` does, with this engine's index and models."""
        require_positive(top_k)
        return QuestionRetriever(lambda query: self._explanation(query, top_k, filters, stages=False))

    def retrieve(
        self, query_bundle: QueryType, top_k: int = 10, filters: MetadataFilters | None = None
    ) -> list[NodeWithScore]:
        """The passages for a question, best first.

        The text of a node is the passage; its metadata holds the attributes of `qa_engine.types.Passage` under
        `qa_engine.types.PASSAGE_KEYS`.
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
        """What `retrieve` finds, and why: the queries that ran, the weights, and the scores of each stage.

        With ``stages``, it also holds the passages as each stage of retrieval alone ranks them.
        """
        return run(self._explanation(question, top_k, filters, stages))

    async def aexplain(
        self,
        question: QueryType,
        top_k: int = 10,
        filters: MetadataFilters | None = None,
        stages: bool = False,
    ) -> Explanation:
        """`explain` without blocking."""
        return await arun(self._explanation(question, top_k, filters, stages))

    def explain_page(
        self,
        question: QueryType,
        collection: str,
        document_id: str,
        page: int,
        top_k: int = 10,
        filters: MetadataFilters | None = None,
    ) -> PageTrace:
        """Whether `retrieve` finds a page of a document, and if not, which stage lost it, and by how much.

        Args:
            question: as for `retrieve`.
            collection: the name of that which holds the document.
            document_id: of the document, see `qa_engine.index.records.FileRecord`.
            page: its number, from 1.
            top_k: as for `retrieve`.
            filters: as for `retrieve`.
        """
        return run(self._flow.narrowed(filters).page_trace(question, collection, document_id, page, top_k))

    async def aexplain_page(
        self,
        question: QueryType,
        collection: str,
        document_id: str,
        page: int,
        top_k: int = 10,
        filters: MetadataFilters | None = None,
    ) -> PageTrace:
        """`explain_page` without blocking."""
        flow = self._flow.narrowed(filters)
        return await arun(flow.page_trace(question, collection, document_id, page, top_k))

    def _explanation(
        self, question: QueryType, top_k: int, filters: MetadataFilters | None, stages: bool
    ) -> Flow[Explanation]:
        return self._flow.narrowed(filters).explanation(self.callback_manager, question, top_k, stages)
