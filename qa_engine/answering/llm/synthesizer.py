"""Words the answer with a language model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from typing import Any, Literal

from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.indices.prompt_helper import ChatPromptHelper, PromptHelper
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType, TextNode
from llama_index_instrumentation import get_dispatcher

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.checks.citations import refusal
from qa_engine.answering.llm.answer_flow import Draft, Drafting, Rounds, StreamReading, limits
from qa_engine.answering.llm.context_budget import estimate_tokens
from qa_engine.answering.llm.prompt import answer_prompt
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.answering.usage import Prices
from qa_engine.errors import QAEngineError
from qa_engine.models.remote.service_errors import llm_errors

dispatcher = get_dispatcher(__name__)

PROMPT = "text_qa_template"
"""Name of the prompt in `get_prompts` and `update_prompts`, the one that LlamaIndex's synthesizers use."""


class ChineseAnswerSynthesizer(BaseSynthesizer):
    """Passages in, a Chinese `Answer` with citations or the refusal out.

    One call of the language model, and a second one if its answer cites nothing, is not Chinese or is empty. Passages that
    do not fit into the model's context window are left out from the end, the last of them shortened to whole sentences.

    Args:
        llm: any LlamaIndex LLM.
        prompt: template with the variables ``context_str`` and ``query_str``; the strict Chinese one if None.
        repairs: second calls at most, 0 or 1.
        streaming: ``live`` passes pieces on as soon as they are sure to belong to an answer, and can ask a second time only
            as long as it has passed none on; ``checked`` passes the answer on when it is complete.
        prices: of the model's tokens, for ``answer.cost``.

    Raises:
        QAEngineError: from every method that asks the model: `AuthenticationFailedError`,
            `ModelUnavailableError`, `ServiceUnavailableError` (also for a reply that breaks off or is empty) or
            `ConfigurationError`. Half an answer is never returned.

    Example:
        >>> from llama_index.core.llms import MockLLM
        >>> ChineseAnswerSynthesizer(MockLLM()).synthesize("问题", nodes=[]).response
        '我无法回答您的问题'
    """

    def __init__(
        self,
        llm: LLM,
        prompt: BasePromptTemplate | None = None,
        repairs: int = 1,
        streaming: Literal["live", "checked"] = "live",
        prices: Prices | None = None,
    ) -> None:
        # What is left None here is taken from the global Settings, which build an OpenAI model.
        window, output = limits(llm)
        super().__init__(
            llm=llm,
            callback_manager=llm.callback_manager,
            prompt_helper=PromptHelper(window, output, tokenizer=_as_tokens),
            chat_prompt_helper=ChatPromptHelper(window, output, tokenizer=_as_tokens),
            empty_response=REFUSAL,
        )
        self._prompt = prompt or answer_prompt()
        self._repairs, self._live, self._prices = repairs, streaming == "live", prices

    def _get_prompts(self) -> PromptDictType:
        return {PROMPT: self._prompt}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        if PROMPT in prompts_dict:
            self._prompt = prompts_dict[PROMPT]

    def get_response(self, query_str: str, text_chunks: Sequence[str], **response_kwargs: Any) -> str:
        """The normalised answer to a question from bare texts; no texts, no call."""
        nodes = _as_nodes(text_chunks)
        return (
            self._ask(self._drafting(query_str, nodes, response_kwargs).rounds()).text if nodes else REFUSAL
        )

    async def aget_response(self, query_str: str, text_chunks: Sequence[str], **response_kwargs: Any) -> str:
        """`get_response` without blocking."""
        nodes = _as_nodes(text_chunks)
        if not nodes:
            return REFUSAL
        return (await self._aask(self._drafting(query_str, nodes, response_kwargs).rounds())).text

    @dispatcher.span
    def synthesize(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Answer:
        """The answer to a question from passages, best first; no passages, no call but the refusal."""
        bundle = _bundle(query)
        sources = [*nodes, *(additional_source_nodes or ())]
        with self._events(bundle) as done:
            if not nodes:
                return done(refusal(bundle.query_str, sources))
            drafting = self._drafting(bundle.query_str, nodes, response_kwargs)
            return done(drafting.answer(self._ask(drafting.rounds()), sources))

    @dispatcher.span
    async def asynthesize(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Answer:
        """`synthesize` without blocking."""
        bundle = _bundle(query)
        sources = [*nodes, *(additional_source_nodes or ())]
        with self._events(bundle) as done:
            if not nodes:
                return done(refusal(bundle.query_str, sources))
            drafting = self._drafting(bundle.query_str, nodes, response_kwargs)
            draft = await self._aask(drafting.rounds())
            return done(await asyncio.to_thread(drafting.answer, draft, sources))

    def stream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AnswerStream:
        """The answer in pieces. The model is asked when the first piece is, and errors are raised then."""
        return AnswerStream(self._pieces(_bundle(query), nodes))

    def astream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AsyncAnswerStream:
        """`stream_answer` for ``async for``; itself it is not awaited."""
        return AsyncAnswerStream(self._apieces(_bundle(query), nodes))

    def _pieces(
        self, query: QueryBundle, nodes: Sequence[NodeWithScore]
    ) -> Generator[str | Answer, None, None]:
        with self._events(query) as done:
            if not nodes:
                yield REFUSAL
                yield done(refusal(query.query_str, nodes))
                return
            drafting = self._drafting(query.query_str, nodes)
            if not self._live:
                draft = self._ask(drafting.rounds())
                yield draft.text
                yield done(drafting.answer(draft, nodes))
                return
            reading = StreamReading(drafting)
            with llm_errors(self._llm), closing(self._llm.stream_chat(drafting.messages)) as replies:
                for reply in replies:
                    if piece := reading.feed(reply):
                        yield piece
            draft = reading.finish()
            if reading.repairable:
                draft = self._ask(drafting.repaired(draft))
                yield draft.text
            elif reading.rest:
                yield reading.rest
            yield done(drafting.answer(draft, nodes))

    async def _apieces(
        self, query: QueryBundle, nodes: Sequence[NodeWithScore]
    ) -> AsyncGenerator[str | Answer, None]:
        with self._events(query) as done:
            if not nodes:
                yield REFUSAL
                yield done(refusal(query.query_str, nodes))
                return
            drafting = self._drafting(query.query_str, nodes)
            if not self._live:
                draft = await self._aask(drafting.rounds())
                yield draft.text
                yield done(await asyncio.to_thread(drafting.answer, draft, nodes))
                return
            reading = StreamReading(drafting)
            with llm_errors(self._llm):
                async with aclosing(await self._llm.astream_chat(drafting.messages)) as replies:
                    async for reply in replies:
                        if piece := reading.feed(reply):
                            yield piece
            draft = reading.finish()
            if reading.repairable:
                draft = await self._aask(drafting.repaired(draft))
                yield draft.text
            elif reading.rest:
                yield reading.rest
            yield done(await asyncio.to_thread(drafting.answer, draft, nodes))

    def _drafting(
        self, question: str, nodes: Sequence[NodeWithScore], arguments: dict[str, Any] | None = None
    ) -> Drafting:
        return Drafting(
            self._llm, self._prompt, question, nodes, arguments or {}, self._repairs, self._prices
        )

    def _ask(self, rounds: Rounds) -> Draft:
        """What comes of the rounds, each of them one call."""
        try:
            messages = next(rounds)
            while True:
                try:
                    with llm_errors(self._llm):
                        reply = self._llm.chat(messages)
                except QAEngineError as error:
                    messages = rounds.throw(error)
                else:
                    messages = rounds.send(reply)
        except StopIteration as end:
            draft: Draft = end.value
            return draft

    async def _aask(self, rounds: Rounds) -> Draft:
        try:
            messages = next(rounds)
            while True:
                try:
                    with llm_errors(self._llm):
                        reply = await self._llm.achat(messages)
                except QAEngineError as error:
                    messages = rounds.throw(error)
                else:
                    messages = rounds.send(reply)
        except StopIteration as end:
            draft: Draft = end.value
            return draft

    @contextmanager
    def _events(self, query: QueryBundle) -> Iterator[_Done]:
        """LlamaIndex's instrumentation around one synthesis."""
        dispatcher.event(SynthesizeStartEvent(query=query))
        with self._callback_manager.event(
            CBEventType.SYNTHESIZE, payload={EventPayload.QUERY_STR: query.query_str}
        ) as event:
            done = _Done(query)
            yield done
            event.on_end(payload={EventPayload.RESPONSE: done.answer})


class _Done:
    """Announces the answer of a synthesis and hands it on."""

    def __init__(self, query: QueryBundle) -> None:
        self._query = query
        self.answer: RESPONSE_TYPE | None = None

    def __call__(self, answer: Answer) -> Answer:
        self.answer = answer
        dispatcher.event(SynthesizeEndEvent(query=self._query, response=answer))
        return answer


def _as_tokens(text: str) -> list[int]:
    return [0] * estimate_tokens(text)


def _bundle(query: QueryType) -> QueryBundle:
    return QueryBundle(query) if isinstance(query, str) else query


def _as_nodes(texts: Sequence[str]) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text)) for text in texts]
