"""The journey of a question, written once for all ways of asking an engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.answering.about.stage import AboutStage
from qa_engine.answering.about.telling import AboutDocuments
from qa_engine.answering.answer import REFUSAL, Answer, Box, Citation
from qa_engine.answering.checks.citations import as_answer, citation_boxes
from qa_engine.answering.events import CitationAdded, PassagesFound, Streaming, StreamsEvents
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.answering.refusal.gate import AnswerabilityGate, Evidence, unique
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.answering.stream import StreamsAnswers
from qa_engine.assembly import Resources
from qa_engine.config import AnsweringConfig
from qa_engine.errors import InputError, QAEngineError
from qa_engine.flow import Flow, Piece, call, in_thread, read
from qa_engine.retrieval.decomposition.interleaving import with_passages
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.page_search import PageSearch
from qa_engine.retrieval.page_trace import PageTrace
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.tracing import question_events, retrieval_event

logger = logging.getLogger("qa_engine.engine")
EXTRACTIVE = "extractive"


@dataclass(frozen=True)
class QuestionFlow:
    """The steps of a question, as flows (see `qa_engine.flow`). Thread-safe.

    Attributes:
        search: finds and ranks the passages.
        postprocessors: change the passages after the reranker, in this order.
        gate: decides whether the passages are worth an answer.
        synthesizer: makes the answer.
        resources: must be open when a question comes.
        about: answers questions about the documents themselves; None to search for them like any other.
        filters: what to search for every question; None for everything.
    """

    search: PageSearch
    postprocessors: Sequence[BaseNodePostprocessor]
    gate: AnswerabilityGate
    synthesizer: BaseSynthesizer
    resources: Resources
    about: AboutStage | None = None
    filters: MetadataFilters | None = None

    @classmethod
    def assembled(
        cls,
        search: PageSearch,
        postprocessors: Sequence[BaseNodePostprocessor],
        synthesizer: BaseSynthesizer,
        config: AnsweringConfig,
        model: AnswerabilityModel | None,
        resources: Resources | None,
        filters: MetadataFilters | None,
    ) -> QuestionFlow:
        """The flow for a synthesizer; ``model`` estimates for the gate whether the passages hold the answer."""
        if isinstance(synthesizer, ExtractiveSynthesizer):
            gate = AnswerabilityGate(config, model, True, synthesizer.best_row_worth, synthesizer.quoted)
        else:
            gate = AnswerabilityGate(config, model, extractive=False)
        extractive = isinstance(synthesizer, ExtractiveSynthesizer)
        about = AboutStage(extractive) if config.about == "answered" else None
        return cls(search, tuple(postprocessors), gate, synthesizer, resources or Resources(), about, filters)

    def narrowed(self, filters: MetadataFilters | None) -> QuestionFlow:
        """This flow with further filters, beside those that it has."""
        if filters is None:
            return self
        both = filters if self.filters is None else MetadataFilters(filters=[self.filters, filters])
        return replace(self, filters=both)

    @property
    def models(self) -> dict[str, str]:
        """Names of the embedding model, the reranker and what makes the answer."""
        extractive = isinstance(self.synthesizer, ExtractiveSynthesizer)
        llm = EXTRACTIVE if extractive else self.synthesizer._llm.metadata.model_name
        return {**self.search.models, "llm": llm}

    def using(self, top_k: int) -> QuestionFlow:
        """This flow with answers from so many passages.

        Raises:
            InputError: ``top_k`` is not positive.
        """
        require_positive(top_k)
        return replace(self, gate=self.gate.using(top_k))

    def checked(self, question: QueryType) -> QueryBundle:
        """The question as a query; raises `InputError` if it is empty or too long, or the engine is closed."""
        self.resources.require_open()
        return self.search.checked(question)

    def answer(self, manager: CallbackManager, query: QueryBundle, streaming: Streaming) -> Flow[Answer]:
        """The answer to a question, whose events go to ``manager``; what is shown of it on the way says ``streaming``."""
        with question_events(manager, query) as done:
            about = yield from self._about(manager, query)
            if about is not None:
                answer = yield from self._told(query, about, streaming)
            else:
                ranked = yield from self.ranked(manager, query)
                evidence = yield from in_thread(self.gate.evidence, query, ranked)
                answer = yield from self._made(query, evidence, streaming)
                answer = yield from in_thread(self.gate.completed, answer, evidence, self.models)
            done(answer)
        logger.info(
            "A question was %s in %.2f s, with %d citations from %d passages.",
            "refused" if answer.refused else "answered",
            answer.timings["total"],
            len(answer.citations),
            len(answer.source_nodes),
        )
        return answer

    def _made(self, query: QueryBundle, evidence: Evidence, streaming: Streaming) -> Flow[Answer]:
        """The refusal, or what the synthesizer makes of the passages."""
        if streaming is Streaming.EVENTS:
            yield Piece(PassagesFound(unique(evidence.passages)))
        answer = evidence.refusal()
        if answer is not None:
            yield Piece(REFUSAL)
            return answer
        return (yield from self.synthesized(query, evidence.passages, (), streaming, evidence.ranked))

    def _about(self, manager: CallbackManager, query: QueryBundle) -> Flow[AboutDocuments | None]:
        """What is known in answer to a question about documents, or the files that treat what it asks for; None for other
        questions.
        """
        self.resources.require_open()
        stage = self.about
        asked = stage.recognised(self.search.checked(query)) if stage is not None else []
        if stage is None or not asked:
            return None
        documents = yield from in_thread(self.search.documents, self.filters)
        found = yield from in_thread(stage.found, asked, documents, self.search.translate)
        topic = None if found is not None else (yield from in_thread(stage.topic, asked, documents))
        if topic is None:
            return found
        searched = QueryBundle(topic.name)
        ranked = yield from self.ranked(manager, searched)
        evidence = yield from in_thread(self.gate.evidence, searched, ranked)
        return (
            None if evidence.refused else (yield from in_thread(stage.treating, topic, evidence, documents))
        )

    def _told(self, query: QueryBundle, about: AboutDocuments, streaming: Streaming) -> Flow[Answer]:
        """The answer to a question about documents: text of theirs is worded by the language model, if there is one."""
        ranked, models = about.ranked, self.models
        if self.postprocessors and ranked.passages and about.question.kind != "which":
            ranked = yield from in_thread(self._postprocessed, ranked, query)
        evidence = about.evidence(query, ranked)
        if evidence.refused or (about.is_worded and models["llm"] != EXTRACTIVE):
            answer = yield from self._made(query, evidence, streaming)
        else:
            models = {**models, "llm": EXTRACTIVE}
            answer = about.answer(query, evidence.passages)
            if streaming is Streaming.EVENTS:
                yield Piece(PassagesFound(unique(answer.source_nodes)))
            yield Piece(answer.response or REFUSAL)
        answer = yield from in_thread(self.gate.completed, answer, evidence, models)
        if answer.explanation is not None:
            answer.explanation.about = about.question.kind
        return answer

    def explanation(
        self, manager: CallbackManager, question: QueryType, top_k: int, stages: bool = False
    ) -> Flow[Explanation]:
        """The best ``top_k`` passages, and how they came about.

        Raises:
            InputError: ``top_k`` is not positive.
        """
        require_positive(top_k)
        ranked = yield from self.ranked(manager, question, top_k, stages)
        return (yield from in_thread(self.gate.explanation, ranked, top_k))

    def page_trace(
        self, question: QueryType, collection: str, document_id: str, page: int, top_k: int
    ) -> Flow[PageTrace]:
        """Whether a page is among the best ``top_k`` passages, before any postprocessor, and if not, why.

        Raises:
            InputError: ``top_k`` is not positive.
        """
        require_positive(top_k)
        self.resources.require_open()
        return (yield from self.search.trace(question, collection, document_id, page, top_k, self.filters))

    def ranked(
        self, manager: CallbackManager, question: QueryType, top_k: int = 0, stages: bool = False
    ) -> Flow[RankedPassages]:
        """The passages for a question, after all postprocessors."""
        self.resources.require_open()
        with retrieval_event(manager, question) as done:
            ranked = yield from self.search.search(question, top_k, self.filters, stages)
            if self.postprocessors:
                ranked = yield from in_thread(self._postprocessed, ranked, as_query(question))
            done(ranked.passages)
        return ranked

    def _postprocessed(self, ranked: RankedPassages, query: QueryBundle) -> RankedPassages:
        started, passages = time.perf_counter(), ranked.passages
        for postprocessor in self.postprocessors:
            passages = postprocessor.postprocess_nodes(passages, query_bundle=query)
        timings = {**ranked.timings, "postprocess": time.perf_counter() - started}
        return replace(with_passages(ranked, passages), timings=timings)

    def synthesized(
        self,
        query: QueryBundle,
        nodes: Sequence[NodeWithScore],
        further: Sequence[NodeWithScore] = (),
        streaming: Streaming = Streaming.NOTHING,
        ranked: RankedPassages | None = None,
    ) -> Flow[Answer]:
        """The answer of any LlamaIndex synthesizer.

        Args:
            query: the question.
            nodes: the passages to answer from, best first.
            further: nodes that are sources of the answer without being read for it.
            streaming: what to show on the way, as far as the synthesizer can.
            ranked: the result of retrieval that the passages are from, for events.
        """
        synthesizer = self.synthesizer
        answer: Answer | None = None

        def each(item: Any) -> Flow[None]:
            nonlocal answer
            if isinstance(item, Answer):
                answer = item
            elif not isinstance(item, CitationAdded):
                yield Piece(item)
            elif (node := by_id.get(item.citation.node_id)) is not None and ranked is not None:
                boxes = yield from in_thread(_boxes, item.citation, node, ranked)
                yield Piece(CitationAdded(replace(item.citation, boxes=boxes)))

        if streaming is Streaming.EVENTS and isinstance(synthesizer, StreamsEvents):
            by_id = {node.node.node_id: node for node in nodes}
            yield from read(
                partial(synthesizer.stream_events, query, nodes),
                partial(synthesizer.astream_events, query, nodes),
                each,
            )
            if answer is None:
                raise QAEngineError("The stream of the answer ended without an answer.")
            return answer
        if streaming is not Streaming.NOTHING and isinstance(synthesizer, StreamsAnswers):
            stream = yield from read(
                partial(synthesizer.stream_answer, query, nodes),
                partial(synthesizer.astream_answer, query, nodes),
            )
            streamed: Answer = stream.answer
            return streamed
        response = yield from call(
            partial(synthesizer.synthesize, query, list(nodes), further),
            partial(synthesizer.asynthesize, query, list(nodes), further),
        )
        made = as_answer(response, query.query_str, nodes)
        yield Piece(made.response or REFUSAL)
        return made


def _boxes(citation: Citation, node: NodeWithScore, ranked: RankedPassages) -> list[Box]:
    return citation_boxes(citation, node, ranked.spans(node))


def as_query(question: QueryType) -> QueryBundle:
    """A question in the form of a query."""
    return QueryBundle(question) if isinstance(question, str) else question


def require_positive(top_k: int) -> None:
    """Raises `InputError` for a number of passages that is not positive."""
    if top_k < 1:
        raise InputError(f"top_k must be > 0, got {top_k}.")
